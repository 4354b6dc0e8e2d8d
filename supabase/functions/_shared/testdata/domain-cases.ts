// The domain's promises: what an identifier is, the vocabulary's numbers, strict risk limits, the credential's header.
import assert from "node:assert/strict";
import {
  AccountRef,
  accountTypeOf,
  CredentialHeader,
  Fillings,
  isMarketOrder,
  isSameAccount,
  isStopLimit,
  Login,
  laneKey,
  nameOf,
  type OrderType,
  OrderTypes,
  Password,
  RiskLimits,
  ServerName,
  SymbolName,
  sideOf,
  Tag,
  Ticket,
  TimesInForce,
  TradeModes,
  Uuid,
} from "../domain/mod.ts";
import { type Case, edgesOf } from "./case.ts";

const ID = "0f8fad5b-d9cb-469f-a165-70867728950e";

const ids: Case[] = [
  ...edgesOf("Uuid", Uuid, [ID, ID.toUpperCase()], ["", ID.slice(1), `${ID} `, `{${ID}}`, 5]),
  {
    name: "Uuid gives lower case, so that one id has one spelling",
    run: () => assert.equal(Uuid.parse(ID.toUpperCase()), ID),
  },
  ...edgesOf(
    "Ticket",
    Ticket,
    ["1", "18446744073709551615"],
    ["0", "01", "-1", "1.0", "1e3", "", "1".repeat(21), 5, " 1"],
  ),
  ...edgesOf("Login", Login, ["1", "999999999999999"], ["0", "0123", "1".repeat(16), "", "12a", 123, "1\n", "١"]),
  ...edgesOf(
    "ServerName",
    ServerName,
    ["A", "MetaQuotes-Demo", "Broker Ltd. Live_2", "a".repeat(63), "1Broker"],
    [
      "",
      "-x",
      " x",
      "x ",
      "x.",
      "a".repeat(64),
      "10.0.0.5",
      "127.1",
      "host:443",
      "a/b",
      "a\nb",
      "Bröker",
      "x;y",
      "$(x)",
    ],
  ),
  ...edgesOf(
    "SymbolName",
    SymbolName,
    ["EURUSD", "#AAPL", "EURUSD.pro", "a".repeat(32)],
    ["", "a b", "a".repeat(33), "x'y", 'x"', "x\n"],
  ),
  ...edgesOf(
    "Tag",
    Tag,
    [2 ** 40, 2 ** 52 - 1],
    [2 ** 40 - 1, 2 ** 52, 2 ** 40 + 0.5, -1, "1099511627776", Number.NaN],
  ),
  ...edgesOf("Password", Password, ["x", "p".repeat(128), " "], ["", "p".repeat(129), 5, null, "a\0b", "a\ud800b"]),
];

const accounts: Case[] = [
  {
    name: "an account is the same only if login and server are",
    run: () => {
      const one: AccountRef = { login: "5", server: "A" };
      assert.equal(isSameAccount(one, { ...one }), true);
      assert.equal(isSameAccount(one, { ...one, login: "6" }), false);
      assert.equal(isSameAccount(one, { ...one, server: "a" }), false);
    },
  },
  {
    name: "two accounts never share a lane",
    run: () => {
      const keys = [AccountRef.parse({ login: "12", server: "A 1" }), AccountRef.parse({ login: "2", server: "A 11" })];
      assert.equal(new Set(keys.map(laneKey)).size, 2);
    },
  },
  {
    name: "only real money is live",
    run: () => {
      const types = (["demo", "contest", "real"] as const).map(accountTypeOf);
      assert.deepStrictEqual(types, ["demo", "demo", "live"]);
    },
  },
];

/** The MQL5 reference's numbers, written out once more: a slip in either place shows. */
const vocabulary: Case[] = [
  {
    name: "the vocabulary has MetaTrader's numbers",
    run: () => {
      assert.deepStrictEqual(Object.entries(OrderTypes), [
        ...[["buy", 0] as const, ["sell", 1] as const, ["buy_limit", 2] as const, ["sell_limit", 3] as const],
        ...[["buy_stop", 4] as const, ["sell_stop", 5] as const],
        ...[["buy_stop_limit", 6] as const, ["sell_stop_limit", 7] as const],
      ]);
      assert.deepStrictEqual(Fillings, { fok: 0, ioc: 1, return: 2, boc: 3 });
      assert.deepStrictEqual(TimesInForce, { gtc: 0, day: 1, specified: 2, specified_day: 3 });
      assert.deepStrictEqual(TradeModes, { demo: 0, contest: 1, real: 2 });
    },
  },
  {
    name: "every order type has its side and its kind",
    run: () => {
      const kinds = (Object.keys(OrderTypes) as OrderType[]).map((type) => {
        return [type, sideOf(type), isMarketOrder(type), isStopLimit(type)];
      });
      assert.deepStrictEqual(kinds, [
        ["buy", "buy", true, false],
        ["sell", "sell", true, false],
        ["buy_limit", "buy", false, false],
        ["sell_limit", "sell", false, false],
        ["buy_stop", "buy", false, false],
        ["sell_stop", "sell", false, false],
        ["buy_stop_limit", "buy", false, true],
        ["sell_stop_limit", "sell", false, true],
      ]);
    },
  },
  {
    name: "a number that a newer terminal invented stays readable",
    run: () => assert.deepStrictEqual([nameOf(OrderTypes, 3), nameOf(OrderTypes, 8)], ["sell_limit", "unknown_8"]),
  },
];

const window = (change: object): object => ({ trading_hours: [{ days: [1], from: "09:00", to: "17:00", ...change }] });
const riskLimits: Case[] = edgesOf(
  "RiskLimits",
  RiskLimits,
  [
    ...[{}, { max_open_positions: 0 }, { max_open_positions: 10_000 }, { max_orders_per_minute: 1 }],
    ...[{ max_orders_per_minute: 1000 }, { max_volume_per_order: 100_000 }, { max_drawdown_percent: 100 }],
    ...[{ max_daily_loss: 1e12 }, { allowed_symbols: [] }, { blocked_symbols: Array(500).fill("X") }],
    ...[{ reduce_only: true, trading_enabled: false }, window({}), window({ from: "00:00", to: "24:00" })],
  ],
  [
    ...[null, [], "none", { max_volume: 1 }, { Max_daily_loss: 1 }, { max_daily_loss: null }, { reduce_only: "true" }],
    ...[{ max_volume_per_order: 0 }, { max_volume_per_order: 100_000.01 }, { max_volume_per_order: "1" }],
    ...[{ max_open_positions: -1 }, { max_open_positions: 1.5 }, { max_open_positions: 10_001 }],
    ...[{ max_orders_per_minute: 0 }, { max_orders_per_minute: 1001 }, { max_open_volume: -1 }],
    ...[
      { max_daily_loss: 0 },
      { max_daily_loss: 1.1e12 },
      { max_drawdown_percent: 0 },
      { max_drawdown_percent: 100.1 },
    ],
    ...[{ allowed_symbols: ["A B"] }, { allowed_symbols: "EURUSD" }, { blocked_symbols: Array(501).fill("X") }],
    ...[window({ days: [] }), window({ days: [7] }), window({ days: [-1] }), window({ from: "9:00" })],
    ...[window({ from: "24:00" }), window({ to: "24:01" }), window({ to: "17:60" }), window({ zone: "UTC" })],
  ],
);

const header = (change: object): object => ({
  ...{ alg: "ECDH-ES", enc: "A256GCM", typ: "mt5-credential+jwe", kid: "k", v: 1 },
  ...{ sub: ID, lgn: "5", srv: "MetaQuotes-Demo", ...change },
});
const credential: Case[] = edgesOf(
  "CredentialHeader",
  CredentialHeader,
  [{}],
  [
    ...[{ alg: "dir" }, { alg: "none" }, { enc: "A128GCM" }, { typ: "JWT" }, { v: 2 }, { v: "1" }, { kid: "" }],
    ...[{ sub: "me" }, { lgn: "0" }, { srv: "10.0.0.5" }, { sub: undefined }, { lgn: undefined }, { srv: undefined }],
  ],
  header,
);

export const DomainCases: readonly Case[] = [...ids, ...accounts, ...vocabulary, ...riskLimits, ...credential];
