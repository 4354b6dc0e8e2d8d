// I9 and I10: passwords are nowhere, and are not tried more often than a broker bears. Pure.
import { laneKey } from "../../../bridge-worker/src/protocol.ts";
import type { Facts, Violation } from "./facts.ts";

/** I9: no byte of a password in anything that was written, logged or sent. */
export function noPassword(facts: Facts): Violation[] {
  return facts.texts
    .filter(({ text }) => facts.passwords.some((password) => text.includes(password)))
    .map(({ where }) => ({ invariant: "I9", what: `a password stands in ${where}` }));
}

/** I10: at most `limit` refused passwords per account within `windowMs`. */
export function fewRefusals(facts: Facts, limit: number, windowMs: number): Violation[] {
  const found: Violation[] = [];
  for (const [lane, tries] of Map.groupBy(
    facts.logins.filter(({ ok }) => !ok),
    laneKey,
  )) {
    const most = Math.max(
      ...tries.map(({ atMs }) => tries.filter((one) => one.atMs >= atMs && one.atMs < atMs + windowMs).length),
    );
    if (most > limit) found.push({ invariant: "I10", what: `${most} refused logins on ${lane.replace("\n", " ")}` });
  }
  return found;
}
