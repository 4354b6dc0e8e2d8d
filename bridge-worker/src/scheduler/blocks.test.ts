// What an open outcome forbids, and what goes on.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OpenIntent } from "../journal/mod.ts";
import { intentOf } from "../journal/testdata/entries.ts";
import { orderFacts, positionFacts } from "../mt5/testdata/facts.ts";
import type { CommandRequest } from "../protocol.ts";
import { blockedBy, unseenOpenings } from "./blocks.ts";

const TAG = 2 ** 40 + 1;
const buy = (symbol: string): CommandRequest => ({
  kind: "trade",
  params: { symbol, order_type: "buy", volume: 0.1 },
});
const close = (ticket: string): CommandRequest => ({ kind: "close_position", params: { ticket } });
const cancel = (ticket: string): CommandRequest => ({ kind: "cancel_order", params: { ticket } });

function open(request: CommandRequest, change: Partial<OpenIntent> = {}): OpenIntent {
  const plan = { symbol: "EURUSD", volume: 0.1, magic: TAG };
  return {
    ...intentOf(1, { tag: TAG, kind: request.kind, request, plan }),
    ...{ begunAt: 0, acknowledged: false, evidence: null },
    ...change,
  };
}

describe("blockedBy", () => {
  const rows: [string, CommandRequest, CommandRequest, boolean][] = [
    ["an unknown opening blocks openings of its symbol", buy("EURUSD"), buy("EURUSD"), true],
    ["but of no other symbol", buy("EURUSD"), buy("GBPUSD"), false],
    ["and no close", buy("EURUSD"), close("7"), false],
    ["an unknown close blocks closes of its position", close("7"), close("7"), true],
    ["but of no other position", close("7"), close("8"), false],
    ["and no opening", close("7"), buy("EURUSD"), false],
    ["an unknown removal blocks nothing", cancel("7"), cancel("7"), false],
  ];
  for (const [name, before, now, blocked] of rows) {
    it(name, () => assert.equal(blockedBy(now, [open(before)]) !== undefined, blocked));
  }

  it("is lifted by an acknowledgement", () =>
    assert.equal(blockedBy(buy("EURUSD"), [open(buy("EURUSD"), { acknowledged: true })]), undefined));

  it("takes a request that cannot be read for an opening of anything, and for a close of the position that was sent", () => {
    const unread = open(buy("EURUSD"), { request: { kind: "of another version" }, plan: { action: 1, position: "7" } });
    assert.notEqual(blockedBy(buy("GBPUSD"), [unread]), undefined);
    assert.notEqual(blockedBy(close("7"), [unread]), undefined);
    assert.equal(blockedBy(close("8"), [unread]), undefined);
  });
});

describe("unseenOpenings", () => {
  const unknown = open(buy("EURUSD"));
  const count = (intent: OpenIntent, shown = {}): number =>
    unseenOpenings([intent], { positions: [], orders: [], ...shown }).length;

  it("counts what may exist, with its volume", () =>
    assert.deepEqual(unseenOpenings([unknown], {}), [{ tag: TAG, symbol: "EURUSD", volume: 0.1 }]));
  it("does not count twice what the terminal shows", () => {
    assert.equal(count(unknown, { positions: [positionFacts({ magic: String(TAG) })] }), 0);
    assert.equal(count(unknown, { orders: [orderFacts({ magic: String(TAG) })] }), 0);
  });
  it("counts no close and nothing acknowledged", () => {
    assert.equal(count(open(close("7"))), 0);
    assert.equal(count(open(buy("EURUSD"), { acknowledged: true })), 0);
  });
});
