import assert from "node:assert/strict";
import { test } from "node:test";
import { LastErrors, lastErrorRow, retcodeRow, TradeRetcodes } from "./retcodes.ts";

// Copied from the vendor's list of constants, not from the table under test.
const VENDOR_LIST = `10004 REQUOTE 10006 REJECT 10007 CANCEL 10008 PLACED 10009 DONE 10010 DONE_PARTIAL 10011 ERROR
10012 TIMEOUT 10013 INVALID 10014 INVALID_VOLUME 10015 INVALID_PRICE 10016 INVALID_STOPS 10017 TRADE_DISABLED
10018 MARKET_CLOSED 10019 NO_MONEY 10020 PRICE_CHANGED 10021 PRICE_OFF 10022 INVALID_EXPIRATION 10023 ORDER_CHANGED
10024 TOO_MANY_REQUESTS 10025 NO_CHANGES 10026 SERVER_DISABLES_AT 10027 CLIENT_DISABLES_AT 10028 LOCKED 10029 FROZEN
10030 INVALID_FILL 10031 CONNECTION 10032 ONLY_REAL 10033 LIMIT_ORDERS 10034 LIMIT_VOLUME 10035 INVALID_ORDER
10036 POSITION_CLOSED 10038 INVALID_CLOSE_VOLUME 10039 CLOSE_ORDER_EXIST 10040 LIMIT_POSITIONS 10041 REJECT_CANCEL
10042 LONG_ONLY 10043 SHORT_ONLY 10044 CLOSE_ONLY 10045 FIFO_CLOSE 10046 HEDGE_PROHIBITED`;

const DONE = [10008, 10009, 10010, 10025];
const UNKNOWN = [10011, 10012, 10023, 10028, 10031];

test("TradeRetcodes names every code of the vendor's list, and no other", () => {
  const words = VENDOR_LIST.split(/\s+/);
  const listed = new Map(
    words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? ""] as const] : [])),
  );
  assert.equal(listed.size, 41);
  assert.deepEqual(
    Object.entries(TradeRetcodes).map(([code, { name }]) => [code, name]),
    [...listed],
  );
});

test("TradeRetcodes puts each code in its outcome class", () => {
  for (const code of Object.keys(TradeRetcodes).map(Number)) {
    const expected = DONE.includes(code) ? "done" : UNKNOWN.includes(code) ? "unknown" : "rejected";
    assert.equal(retcodeRow(code).outcome, expected, String(code));
  }
});

test("retcodeRow() takes a code that no list names for unknown", () => {
  for (const code of [0, 1, 10003, 10005, 10037, 10047, -1]) assert.equal(retcodeRow(code).outcome, "unknown");
});

test("LastErrors holds every code of the package, and -2 alone proves that nothing was sent", () => {
  const codes = Object.keys(LastErrors)
    .map(Number)
    .sort((a, b) => b - a);
  assert.deepEqual(codes, [1, -1, -2, -3, -4, -5, -6, -7, -8, -10000, -10001, -10002, -10003, -10004, -10005]);
  for (const code of [...codes, -9, 0, 2]) {
    assert.equal(lastErrorRow(code).afterSend, code === -2 ? "rejected" : "unknown", String(code));
    assert.equal(lastErrorRow(code).login, [-6, -7].includes(code) ? "auth_failed" : "no_connection", String(code));
  }
});
