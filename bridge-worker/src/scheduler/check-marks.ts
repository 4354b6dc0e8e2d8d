// Learns whether a broker keeps what we write on an order: only where magic survives can an empty search prove anything.
// Each account's first completed order is looked at by its ticket, at once, and again later where records are slow.
import type { After } from "../after.ts";
import type { Journal } from "../journal/mod.ts";
import { describeError, type Log } from "../log.ts";
import { isTagged } from "../mt5/mod.ts";
import { type AccountRef, laneKey } from "../protocol.ts";
import type { TerminalSession } from "../terminals/mod.ts";
import type { CommandCall } from "./calls.ts";

const DAY_S = 86_400;
const HISTORY_TIMEOUT_MS = 5_000;
/** A look is worth no more than a short wait for the terminal. */
const TURN_MS = 10_000;
/** After looks that did not find it yet. */
const LOOK_AGAIN_MS = [30_000, 300_000];

export type MarkCheckerDeps = {
  journal: Journal;
  wallClock: () => number;
  now: () => number;
  after: After;
  inLane: (account: AccountRef, notAfterMs: number, work: (session: TerminalSession) => Promise<void>) => Promise<void>;
  log: Log;
};

export class MarkChecker {
  readonly #deps: MarkCheckerDeps;
  /** Lane → how to call off its next look. */
  readonly #due = new Map<string, () => void>();
  #stopped = false;

  constructor(deps: MarkCheckerDeps) {
    this.#deps = deps;
  }

  /**
   * A command of this account made an order, and its terminal is still there: the best moment to look. What is told to
   * the caller does not wait for it. Never rejects for what a terminal does.
   */
  async orderMade(session: TerminalSession, call: CommandCall, ticket: string): Promise<void> {
    if (this.#isChecked(call) || !this.#teaches(call)) return;
    await this.#look(session, call, ticket).catch((error: unknown) => this.#notChecked(error));
    const lane = laneKey(call.account);
    if (!this.#isChecked(call) && !this.#due.has(lane)) this.#lookLater(lane, call, ticket, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const callOff of this.#due.values()) callOff();
    this.#due.clear();
  }

  #lookLater(lane: string, call: CommandCall, ticket: string, looks: number): void {
    const ms = LOOK_AGAIN_MS[looks];
    this.#due.delete(lane);
    if (ms === undefined || this.#stopped || this.#isChecked(call)) return;
    const callOff = this.#deps.after(ms, () => {
      const { inLane, now } = this.#deps;
      inLane(call.account, now() + TURN_MS, (session) => this.#look(session, call, ticket))
        .catch((error: unknown) => this.#notChecked(error))
        .finally(() => this.#lookLater(lane, call, ticket, looks + 1));
    });
    this.#due.set(lane, callOff);
  }

  #isChecked({ account }: CommandCall): boolean {
    return this.#deps.journal.isMarkChecked(account);
  }

  /**
   * A caller's own magic says nothing of tags: a small number is there also where a broker cuts them to 32 bits, and 0
   * where he overwrites them. Until they are known here, it teaches nothing.
   */
  #teaches({ account, body }: CommandCall): boolean {
    return sentMagic(body) === body.tag || this.#deps.journal.markSurvival(account.server).magic !== null;
  }

  #notChecked(error: unknown): void {
    this.#deps.log.debug("marks.not_checked", { error: describeError(error) });
  }

  /** An order that is not in the records yet teaches nothing. */
  async #look(session: TerminalSession, { account, body }: CommandCall, ticket: string): Promise<void> {
    const { journal, wallClock } = this.#deps;
    // Another account is there by now: no switch is worth this.
    if (!session.isOn(account)) return;
    const nowS = Math.floor(wallClock() / 1000);
    const query = { tag: body.tag, tickets: [ticket], from: nowS - 2 * DAY_S, to: nowS + 2 * DAY_S };
    const reply = await session.history(account, query, HISTORY_TIMEOUT_MS);
    if (reply.kind !== "ok") return;
    const order = [...reply.open_orders, ...reply.orders].find((one) => one.ticket === ticket);
    if (order === undefined) return;
    const sent = sentMagic(body);
    const isKept = order.magic === String(sent);
    journal.recordMarkCheck(account, {
      magic: isKept && (sent === body.tag || journal.markSurvival(account.server).magic === true),
      comment: isTagged(order.comment, body.tag),
    });
  }
}

function sentMagic({ request, pass_magic, tag }: CommandCall["body"]): number {
  const own = request.kind === "trade" ? request.params.magic : undefined;
  return pass_magic === true && own !== undefined ? Number(own) : tag;
}
