// Door of the invariants: what must hold after every run with faults, whoever made the faults. Pure functions of facts.
// Their own tests show that each one can be broken.
import { neverContradicted, noneLost, sameBytes } from "./answers.ts";
import type { Facts, Violation } from "./facts.ts";
import {
  closeOnlyCloses,
  inOrder,
  noneLate,
  noneOverlaps,
  nothingDoubled,
  oneOrderEach,
  outcomeIsTrue,
  ownerSends,
  rightAccount,
  withinLimits,
} from "./orders.ts";
import { noPassword } from "./secrecy.ts";

export { allSettled, neverContradicted, noneLost, sameBytes } from "./answers.ts";
export * from "./facts.ts";
export * from "./orders.ts";
export * from "./secrecy.ts";

/** What must hold at every moment, faults or not. `noneLost` and `allSettled` need an end of the faults. */
export function checkSafety(facts: Facts): Violation[] {
  return [
    ...oneOrderEach(facts),
    ...nothingDoubled(facts),
    ...rightAccount(facts),
    ...outcomeIsTrue(facts),
    ...closeOnlyCloses(facts),
    ...neverContradicted(facts),
    ...noneLate(facts),
    ...noneOverlaps(facts),
    ...inOrder(facts),
    ...ownerSends(facts),
    ...withinLimits(facts),
    ...noPassword(facts),
    ...sameBytes(facts),
  ];
}

export { noneLost as checkLedgerKnows };
