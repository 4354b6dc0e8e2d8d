// One run: users who send commands and repeat them as a careful client would, everything that they were told, and at the
// end the question what became of each.
import { randomUUID } from "node:crypto";
import { until } from "../../support/stack.ts";
import type { ApiAnswer } from "../../support/trader.ts";
import type { Answer } from "../invariants/mod.ts";
import type { Player } from "./players.ts";
import type { Rig } from "./rig.ts";

export type Sent = { key: string; player: Player; path: string; body: Record<string, unknown> };

const BUY = { symbol: "EURUSD", order_type: "buy", volume: 0.01, timeout_ms: 5_000 };
const FINAL = new Set(["done", "rejected", "refused", "expired", "cancelled", "not_executed"]);
/** Certainly no order, and the key is free: the command never came to be. */
const RELEASED = "released";

export class Run {
  readonly rig: Rig;
  readonly answers: Answer[] = [];
  readonly sent: Sent[] = [];
  readonly #limitMs: number;

  constructor(rig: Rig, limitMs: number) {
    this.rig = rig;
    this.#limitMs = limitMs;
  }

  /** A market order, unless `more` says otherwise. Undefined: the connection broke before an answer. */
  trade(player: Player, more: Record<string, unknown> = {}): Promise<ApiAnswer | undefined> {
    return this.command(player, "/trades", { ...BUY, ...more });
  }

  command(player: Player, path: string, body: Record<string, unknown>): Promise<ApiAnswer | undefined> {
    const sent = { key: randomUUID(), player, path, body };
    this.sent.push(sent);
    return this.repeat(sent);
  }

  lastSent(): Sent {
    const sent = this.sent.at(-1);
    if (sent === undefined) throw new Error("the run has sent nothing");
    return sent;
  }

  /** The same request with the same key. */
  repeat({ key, player, path, body }: Sent): Promise<ApiAnswer | undefined> {
    return this.#hear("submit", player, key, () => player.trader.post(path, body, key));
  }

  ask(player: Player, commandId: string): Promise<ApiAnswer | undefined> {
    return this.#hear("ask", player, null, () => player.trader.get(`/commands/${commandId}`));
  }

  cancel(player: Player, commandId: string): Promise<ApiAnswer | undefined> {
    return this.#hear("cancel", player, null, () => player.trader.post(`/commands/${commandId}/cancel`));
  }

  /**
   * Until every command of the run is final: one whose answer never came is sent again with its key, one that is known by
   * id is asked for first. `mayStayUnknown`: what nobody can prove may also end visibly unknown.
   */
  async settle({ mayStayUnknown }: { mayStayUnknown: boolean }): Promise<Map<string, string>> {
    const states = new Map<string, string>();
    for (const sent of this.sent) {
      const isSettled = async (): Promise<boolean> => {
        const state = await this.#stateOf(sent);
        states.set(sent.key, state);
        return FINAL.has(state) || state === RELEASED || (mayStayUnknown && state === "unknown");
      };
      await until(`${sent.path} of ${sent.player.login} is settled`, isSettled, this.#limitMs).catch((error: Error) => {
        throw new Error(`${error.message}: ${states.get(sent.key)}, ${this.answers.at(-1)?.body}`);
      });
    }
    return states;
  }

  async #stateOf(sent: Sent): Promise<string> {
    const known = this.answers.filter(({ key }) => key === sent.key);
    const commandId = known.find((answer) => answer.commandId !== null)?.commandId ?? null;
    if (commandId === null && known.at(-1)?.executed === false) return RELEASED;
    const shown = commandId === null ? undefined : await this.ask(sent.player, commandId);
    const state: unknown = shown?.status === 200 ? shown.body.state : undefined;
    if (typeof state === "string" && FINAL.has(state)) return state;
    // Nobody knows yet: what a careful client does is to ask for the same once more.
    await this.repeat(sent);
    return typeof state === "string" ? state : "not answered";
  }

  async #hear(
    what: Answer["what"],
    { trader }: Player,
    key: string | null,
    call: () => Promise<ApiAnswer>,
  ): Promise<ApiAnswer | undefined> {
    const askedMs = Date.now();
    const answer = await call().catch(() => undefined);
    // What is not ours (the gateway's own word about a dead function) says nothing about the order.
    if (answer?.body === undefined || !("executed" in answer.body)) return answer;
    const { status, text, body } = answer;
    const commandId: string | null = body.command_id ?? body.id ?? null;
    this.answers.push({
      ...{ atMs: Date.now(), askedMs, userId: trader.userId, what, key, commandId, status, body: text },
      ...{ executed: body.executed, code: body.code ?? null },
    });
    return answer;
  }
}
