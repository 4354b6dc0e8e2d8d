// What the contract cases do again and again: log in, read, send, and look whether it went well.
import assert from "node:assert/strict";
import {
  type PositionFacts,
  type Reading,
  type ReadParts,
  type SendOrder,
  type SendReply,
  type SendRequest,
  type SendResultFacts,
  TerminalLost,
  type TerminalPort,
  tagComment,
} from "../../bridge-worker/src/mt5/mod.ts";
import type { AccountRef } from "../../bridge-worker/src/protocol.ts";
import type { Fixture, Key, World } from "./terminal-port.harness.ts";

export const TIMEOUT_MS = 5_000;
export const SHORT_TIMEOUT_MS = 300;
/** Time in which a send may begin. */
const START_MS = 4_000;
const POLL_MS = 5;

export const Action = { Deal: 1, Pending: 5, Levels: 6, Remove: 8, CloseBy: 10 } as const;
/** ENUM_ORDER_TYPE_FILLING. */
export const Filling = { Fok: 0, Ioc: 1, Return: 2 } as const;
export const Buy = 0;
export const Sell = 1;

let tags = 2 ** 41;

/** A tag that no case of this process used before. */
export function newTag(): number {
  tags += 1;
  return tags;
}

/** Opens the terminal and logs in. */
export async function enter(port: TerminalPort, key: Key): Promise<void> {
  await port.open();
  const reply = await port.login(key.account, key.password, TIMEOUT_MS);
  assert.equal(reply.kind, "ok");
}

export async function read(port: TerminalPort, account: AccountRef, parts: ReadParts = {}): Promise<Reading> {
  const reply = await port.read(account, parts, TIMEOUT_MS);
  assert.equal(reply.kind, "ok", `read answered ${JSON.stringify(reply)}`);
  return reply as Reading;
}

export async function positions(port: TerminalPort, account: AccountRef): Promise<PositionFacts[]> {
  return (await read(port, account, { positions: {} })).positions ?? [];
}

/** A request without its tag. */
export type Wish = Omit<SendRequest, "magic" | "comment"> & { comment?: string };

/** The order to `port`'s terminal; everything but the request has a value that lets it through. */
export function order(
  fixture: Fixture,
  account: AccountRef,
  wish: Wish,
  more: Partial<Omit<SendOrder, "request">> = {},
): SendOrder {
  const tag = more.tag ?? newTag();
  return {
    tag,
    commandId: `command-${tag}`,
    account,
    request: { comment: tagComment(tag), ...wish, magic: tag },
    notAfterMs: fixture.now() + START_MS,
    timeoutMs: TIMEOUT_MS,
    ...more,
  };
}

export function marketOrder(world: World, type: number, volume: number, more: Partial<Wish> = {}): Wish {
  return { action: Action.Deal, symbol: world.symbol, type, volume, type_filling: Filling.Fok, ...more };
}

/** What takes a position back, in part or whole. */
export function closing(position: PositionFacts, volume = position.volume): Wish {
  const type = position.type === Buy ? Sell : Buy;
  const { symbol, ticket } = position;
  return { action: Action.Deal, symbol, type, volume, position: ticket, type_filling: Filling.Fok };
}

/** The result of a send that happened. */
export function resultOf(reply: SendReply): SendResultFacts {
  assert.ok(reply.kind === "sent" && reply.result !== null, `send answered ${JSON.stringify(reply)}`);
  return reply.result;
}

/** Sends and expects the broker to have the order. */
export async function execute(
  fixture: Fixture,
  account: AccountRef,
  wish: Wish,
  more: Partial<Omit<SendOrder, "request">> = {},
): Promise<SendResultFacts> {
  const reply = await fixture.port.send(order(fixture, account, wish, more));
  const result = resultOf(reply);
  assert.ok(result.retcode === 10008 || result.retcode === 10009, `return code ${result.retcode}`);
  assert.ok(reply.kind === "sent");
  assert.deepEqual(reply.after, account);
  return result;
}

/** Opens a position and returns it. */
export async function openPosition(fixture: Fixture, account: AccountRef, wish: Wish): Promise<PositionFacts> {
  const result = await execute(fixture, account, wish);
  const found = (await positions(fixture.port, account)).find((one) => one.ticket === result.order);
  assert.ok(found, "the new position is not listed");
  return found;
}

/** The broker booked nothing. */
export async function assertNothingBooked(fixture: Fixture): Promise<void> {
  assert.deepEqual(await fixture.orders(), []);
}

export async function assertRetcode(fixture: Fixture, account: AccountRef, wish: Wish, retcode: number): Promise<void> {
  const before = (await fixture.orders()).length;
  const reply = await fixture.port.send(order(fixture, account, wish));
  assert.equal(resultOf(reply).retcode, retcode);
  assert.equal((await fixture.orders()).length, before);
}

export function isLost(reason?: TerminalLost["reason"]): (error: unknown) => boolean {
  return (error) => error instanceof TerminalLost && (reason === undefined || error.reason === reason);
}

/** Polls until the condition holds; fails after the usual time-out. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < end, "the condition did not come true");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
