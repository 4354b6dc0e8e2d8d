// Clients as they are: they trade, ask, cancel, lose patience, repeat themselves, change their minds under the same key,
// and go away. Everything they do is drawn from the run's chance.
import type { CommandRequest } from "../../../bridge-worker/src/protocol.ts";
import type { Answer } from "../invariants/mod.ts";
import type { Actor } from "./actors.ts";
import { acknowledge, ask, cancel, connect, read, removeForAWhile, type Submission, submit } from "./requests.ts";
import type { World } from "./world.ts";

const SYMBOLS = ["EURUSD", "GBPUSD", "XAUUSD"];
const TIMEOUTS_MS = [1_000, 3_000, 10_000, 25_000];
/** No answer by then: the client gives the request up, and asks again or does not. */
const PATIENCE_MS = 35_000;
const MAX_ATTEMPTS = 4;

type Order = Submission & { attempts: number; commandId: string | null; isFinal: boolean };
type Holding = { actor: Actor; ticket: string; kind: "position" | "order" };

export class Traders {
  readonly #world: World;
  readonly #orders: Order[] = [];
  readonly #holdings: Holding[] = [];
  #keys = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get commands(): number {
    return this.#orders.length;
  }

  /** Spreads so many actions over the time to come. */
  schedule(count: number, overMs: number): void {
    const { loop, random } = this.#world;
    for (let index = 0; index < count; index += 1) loop.after(random.between(0, overMs), () => this.#act());
  }

  #act(): void {
    const { random } = this.#world;
    const roll = random.next();
    const old = this.#orders.length > 0 ? random.pick(this.#orders) : undefined;
    if (roll < 0.55 || old === undefined) this.#send(this.#newOrder());
    else if (roll < 0.61) this.#send(old);
    else if (roll < 0.63) this.#otherBody(old);
    else if (roll < 0.655) this.#burst();
    else if (roll < 0.71)
      for (let copies = random.int(2, 4); copies > 0; copies -= 1) this.#send(this.#newOrderOnce(copies));
    else if (roll < 0.8) this.#about(old, ask);
    else if (roll < 0.86) this.#about(old, cancel);
    else if (roll < 0.91) this.#about(this.#openOne() ?? old, acknowledge);
    else if (roll < 0.96)
      void read(this.#world, random.pick(this.#world.actors), random.pick(["positions", "account_info"]));
    else if (roll < 0.985) this.#connect();
    else void removeForAWhile(this.#world, random.pick(this.#world.actors.filter(({ isRight }) => isRight)));
  }

  /** Several orders on one account, one right after the other. */
  #burst(): void {
    const { random, actors, loop } = this.#world;
    const actor = random.pick(actors.filter((one) => one.isRight));
    for (let count = random.int(3, 4); count > 0; count -= 1)
      loop.after(random.between(0, 300), () => this.#send(this.#newOrder(actor)));
  }

  #openOne(): Order | undefined {
    const open = this.#orders.filter(({ isFinal, commandId }) => !isFinal && commandId !== null);
    return open.length === 0 ? undefined : this.#world.random.pick(open);
  }

  #connect(): void {
    const { random, actors } = this.#world;
    const { userId, account, isRight } = random.pick(actors);
    // Whoever knows the password mistypes it at times.
    void connect(this.#world, userId, account, isRight && random.chance(0.6));
  }

  #about(order: Order, what: typeof ask): void {
    if (order.commandId !== null) void what(this.#world, order.actor.userId, order.commandId);
  }

  #last: Order | undefined;

  /** The same order for every copy: several requests with one key at once. */
  #newOrderOnce(copies: number): Order {
    if (this.#last === undefined || copies > 3) this.#last = this.#newOrder();
    const order = this.#last;
    if (copies === 1) this.#last = undefined;
    return order;
  }

  #newOrder(actor = this.#someone()): Order {
    const { random } = this.#world;
    const held = this.#holdings.filter((one) => one.actor === actor);
    const request = held.length > 0 && random.chance(0.35) ? this.#leave(random.pick(held)) : this.#enter();
    this.#keys += 1;
    const order: Order = {
      ...{ actor, request, key: `key-${this.#keys}`, timeoutMs: random.pick(TIMEOUTS_MS) },
      ...{ attempts: 0, commandId: null, isFinal: false },
    };
    this.#orders.push(order);
    return order;
  }

  #someone(): Actor {
    const { random, actors } = this.#world;
    if (random.chance(0.06)) return actors.at(-1) ?? random.pick(actors);
    return random.pick(actors.filter((one) => one.isRight));
  }

  #enter(): CommandRequest {
    const { random } = this.#world;
    const symbol = random.pick(SYMBOLS);
    const volume = random.pick([0.01, 0.02, 0.05]);
    if (random.chance(0.8)) {
      return {
        kind: "trade",
        params: { symbol, volume, order_type: random.pick(["buy", "sell"]), magic: 7, comment: "mine" },
      };
    }
    return { kind: "trade", params: { symbol, volume, order_type: "buy_limit", price: 0.5 } };
  }

  #leave({ ticket, kind }: Holding): CommandRequest {
    if (kind === "order") return { kind: "cancel_order", params: { ticket } };
    return { kind: "close_position", params: this.#world.random.chance(0.4) ? { ticket, volume: 0.01 } : { ticket } };
  }

  #otherBody(order: Order): void {
    const request: CommandRequest = { kind: "trade", params: { symbol: "USDJPY", order_type: "sell", volume: 0.03 } };
    void submit(this.#world, { ...order, request });
  }

  #send(order: Order): void {
    const { loop, random } = this.#world;
    order.attempts += 1;
    if (random.chance(0.15)) loop.after(random.between(100, 6_000), () => this.#cancelUnanswered(order));
    let isAnswered = false;
    const again = (): void => {
      if (order.attempts < MAX_ATTEMPTS && random.chance(0.7))
        loop.after(random.between(200, 20_000), () => this.#send(order));
    };
    void submit(this.#world, order).then((answer) => {
      if (answer === undefined) return;
      isAnswered = true;
      this.#heard(order, answer);
      // Patience or not; and now and then somebody asks again what he knows.
      if (answer.executed == null || answer.status === 503 || random.chance(0.1)) again();
    });
    loop.after(PATIENCE_MS, () => {
      if (!isAnswered) again();
    });
  }

  /** Found in the list of one's commands, before any answer has named it. */
  #cancelUnanswered({ actor: { userId }, key }: Order): void {
    const row = this.#world.ledger.all.findLast((one) => one.userId === userId && one.key === key);
    if (row !== undefined) void cancel(this.#world, userId, row.id);
  }

  #heard(order: Order, { commandId, status, body }: Answer): void {
    order.commandId = commandId ?? order.commandId;
    if (status !== 200 || order.isFinal) return;
    order.isFinal = true;
    const { result } = JSON.parse(body) as { result: { position_ticket: string | null; order_ticket: string | null } };
    if (order.request.kind !== "trade") return;
    const isMarket = order.request.params.price === undefined;
    const ticket = isMarket ? (result.position_ticket ?? result.order_ticket) : result.order_ticket;
    if (ticket !== null) this.#holdings.push({ actor: order.actor, ticket, kind: isMarket ? "position" : "order" });
  }
}
