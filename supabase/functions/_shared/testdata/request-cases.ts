// What may be asked through the protocol: the fields of an order, which of them belong together, commands and reads.
import assert from "node:assert/strict";
import {
  CommandBody,
  CommandKinds,
  CommandRequest,
  HISTORY_MAX_MS,
  HISTORY_PAGE_MAX,
  healthOf,
  MAX_AGE_MAX_MS,
  ReadRequest,
  ReadValues,
  TradeFields,
  type TradeParams,
  tradeFaults,
} from "../protocol/mod.ts";
import { type Case, edgesOf } from "./case.ts";

const ID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const HISTORY = { kind: "history_deals", from_ms: 1_767_225_600_000, to_ms: 1_767_312_000_000, limit: 100 };
const trade = (change: object): object => ({ symbol: "EURUSD", order_type: "buy", volume: 0.1, ...change });

const tradeFields: Case[] = edgesOf(
  "TradeFields",
  TradeFields,
  [
    ...[{}, { volume: 100_000 }, { price: 1e12 }, { deviation_points: 0 }, { deviation_points: 100_000 }],
    ...[{ magic: 0 }, { magic: Number.MAX_SAFE_INTEGER }, { magic: "18446744073709551615" }, { comment: "" }],
    ...[
      { comment: "c".repeat(64) },
      { comment: "\u{1f600}\n" },
      { max_quote_age_ms: 100 },
      { max_quote_age_ms: 600_000 },
    ],
    ...[{ expires_at: "2026-03-03T10:00:00Z" }, { expires_at: "2026-03-03T10:00:00+01:00" }],
  ],
  [
    ...[{ volume: 0 }, { volume: -1 }, { volume: 100_000.01 }, { volume: "0.1" }, { volume: Number.NaN }],
    ...[{ volume: Number.POSITIVE_INFINITY }, { price: 0 }, { price: 1.1e12 }, { stop_loss: 0 }, { take_profit: null }],
    ...[{ order_type: "BUY" }, { order_type: 0 }, { filling: "boc" }, { time_in_force: "fok" }, { symbol: "" }],
    ...[{ deviation_points: -1 }, { deviation_points: 0.5 }, { deviation_points: 100_001 }, { magic: -1 }],
    ...[{ magic: 2 ** 53 }, { magic: "1".repeat(21) }, { comment: "c".repeat(65) }, { max_quote_age_ms: 99 }],
    ...[{ max_quote_age_ms: 600_001 }, { expires_at: "2026-03-03T10:00:00" }, { expires_at: "tomorrow" }],
    ...[{ lots: 1 }, { stoploss: 1 }, { account_id: ID }, { comment: "a\0b" }, { comment: "a\ud800b" }],
  ],
  trade,
);

/** What is sent → the fields that do not belong together. */
const together: [Partial<TradeParams>, (keyof TradeParams)[]][] = [
  [{}, []],
  [{ order_type: "sell", deviation_points: 5, max_quote_age_ms: 500 }, []],
  [{ price: 1 }, ["price"]],
  [{ stop_limit_price: 1 }, ["stop_limit_price"]],
  [{ time_in_force: "gtc" }, ["time_in_force"]],
  [{ time_in_force: "specified" }, ["time_in_force", "expires_at"]],
  [{ expires_at: "2026-03-03T10:00:00Z" }, ["expires_at"]],
  [{ order_type: "buy_limit", price: 1 }, []],
  [{ order_type: "buy_limit" }, ["price"]],
  [{ order_type: "sell_stop", price: 1, stop_limit_price: 1 }, ["stop_limit_price"]],
  [{ order_type: "buy_limit", price: 1, deviation_points: 0 }, ["deviation_points"]],
  [{ order_type: "buy_limit", price: 1, max_quote_age_ms: 500 }, ["max_quote_age_ms"]],
  [{ order_type: "buy_limit", price: 1, time_in_force: "day" }, []],
  [{ order_type: "buy_limit", price: 1, time_in_force: "specified" }, ["expires_at"]],
  [{ order_type: "buy_limit", price: 1, time_in_force: "specified_day" }, ["expires_at"]],
  [{ order_type: "buy_limit", price: 1, time_in_force: "specified", expires_at: "2026-03-03T10:00:00Z" }, []],
  [{ order_type: "buy_limit", price: 1, time_in_force: "specified_day", expires_at: "2026-03-03T10:00:00Z" }, []],
  [{ order_type: "buy_limit", price: 1, time_in_force: "gtc", expires_at: "2026-03-03T10:00:00Z" }, ["expires_at"]],
  [{ order_type: "buy_stop_limit", price: 1, stop_limit_price: 1 }, []],
  [{ order_type: "sell_stop_limit", price: 1 }, ["stop_limit_price"]],
  [{ order_type: "sell_stop_limit" }, ["price", "stop_limit_price"]],
];
const togetherCases: Case[] = together.map(([params, expected]) => ({
  name: `tradeFaults of ${JSON.stringify(params)}: ${expected.join(", ") || "none"}`,
  run: () => {
    const faults = tradeFaults({ symbol: "EURUSD", order_type: "buy", volume: 0.1, ...params });
    assert.deepStrictEqual(
      faults.map(({ path }) => path),
      expected,
    );
  },
}));

const request = { kind: "close_position", params: { ticket: "5" } };
const body = (change: object): object => ({ request, tag: 2 ** 40, credential: "c", risk_limits: null, ...change });
const bodies: Case[] = [
  ...edgesOf(
    "CommandRequest",
    CommandRequest,
    [
      { kind: "trade", params: trade({}) },
      { kind: "close_position", params: { ticket: "5", volume: 0.1 } },
      { kind: "cancel_order", params: { ticket: "5" } },
    ],
    [
      ...[{ kind: "withdraw", params: {} }, { kind: "trade" }, { ...request, extra: 1 }, { params: { ticket: "5" } }],
      ...[
        { ...request, params: { ticket: 5 } },
        { ...request, params: { ticket: "5", volume: 0 } },
      ],
      ...[
        { kind: "cancel_order", params: { ticket: "5", volume: 1 } },
        { kind: "close_position", params: trade({}) },
      ],
    ],
  ),
  {
    name: "CommandKinds are exactly the kinds of the schema",
    run: () => {
      const kinds = CommandRequest.options.map((option) => option.shape.kind.value);
      assert.deepStrictEqual([...CommandKinds], kinds);
    },
  },
  ...edgesOf(
    "CommandBody",
    CommandBody,
    // Limits that do not parse still arrive: closing must always work.
    [
      {},
      { risk_limits: { nonsense: true } },
      { risk_limits: "x" },
      { credential: "c".repeat(4096) },
      { pass_magic: true },
    ],
    [{ pass_magic: "yes" }, { tag: 5 }, { credential: "" }, { credential: "c".repeat(4097) }, { password: "p" }],
    body,
  ),
  ...edgesOf(
    "ReadRequest",
    ReadRequest,
    [
      ...[
        { kind: "connect" },
        { kind: "connect", account_type: "live" },
        { kind: "switch" },
        { kind: "account_status" },
        { kind: "account_status", symbol: "EURUSD" },
      ],
      ...[
        { kind: "positions", max_age_ms: 0, symbol: "EURUSD" },
        { kind: "orders", max_age_ms: MAX_AGE_MAX_MS },
      ],
      ...[
        { kind: "history_deals", from_ms: 0, to_ms: 1, limit: 1 },
        { kind: "history_orders", from_ms: 7, to_ms: 7 + HISTORY_MAX_MS, limit: HISTORY_PAGE_MAX, position: "1" },
        { ...HISTORY, cursor: "1767225600000-18446744073709551615" },
      ],
    ],
    [
      ...[
        { kind: "account_status", symbol: "" },
        { kind: "account_status", max_age_ms: 0 },
      ],
      ...[{ kind: "connect", account_type: "real" }, { kind: "switch", max_age_ms: 0 }, { kind: "account_info" }],
      ...[{ kind: "positions", max_age_ms: -1 }, { kind: "orders", max_age_ms: MAX_AGE_MAX_MS + 1 }, { kind: "deals" }],
      ...[
        { ...HISTORY, to_ms: HISTORY.from_ms },
        { ...HISTORY, to_ms: HISTORY.from_ms + HISTORY_MAX_MS + 1 },
        ...[0, HISTORY_PAGE_MAX + 1, undefined].map((limit) => ({ ...HISTORY, limit })),
        ...["", "1", "1-", "-1", "1-2-3", " 1-2"].map((cursor) => ({ ...HISTORY, cursor })),
        ...["0", "x", 1].map((position) => ({ ...HISTORY, position })),
        { ...HISTORY, max_age_ms: 0 },
      ],
    ],
  ),
  {
    name: "an account of which nothing is known is not healthy",
    run: () => assert.equal(healthOf({}, false).healthy, false),
  },
  {
    name: "every read kind has the shape of its answer",
    run: () => {
      const kinds = ReadRequest.options.map((option) => option.shape.kind.value);
      assert.deepStrictEqual(Object.keys(ReadValues), kinds);
    },
  },
];

export const RequestCases: readonly Case[] = [...tradeFields, ...togetherCases, ...bodies];
