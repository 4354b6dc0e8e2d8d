import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACCOUNTS_PER_SERVER,
  authenticate,
  FIRST_LOGIN,
  investorPassword,
  planAccount,
  SIM_SERVERS,
  tradingPassword,
} from "./sim-accounts.ts";

const SERVER = "Switchyard-Demo";

test("authenticate() tells the trading password, the investor password and all others apart", () => {
  const account = { login: "5000001", server: SERVER };
  assert.deepEqual(authenticate(account, "demo-5000001"), { ref: account, access: "trade" });
  assert.deepEqual(authenticate(account, investorPassword("5000001")), { ref: account, access: "read" });
  assert.equal(authenticate(account, tradingPassword("5000002")), undefined);
  assert.equal(authenticate(account, ""), undefined);
});

test("authenticate() accepts another case of the server and answers the broker's own spelling", () => {
  const opened = authenticate({ login: "5000001", server: "switchyard-DEMO" }, "demo-5000001");
  assert.equal(opened?.ref.server, SERVER);
  assert.equal(authenticate({ login: "5000001", server: "Switchyard" }, "demo-5000001"), undefined);
});

test("planAccount() knows the first and the last login and neither neighbour", () => {
  const known = (login: number): boolean => planAccount({ login: String(login), server: SERVER }) !== undefined;
  assert.deepEqual(
    [FIRST_LOGIN - 1, FIRST_LOGIN, FIRST_LOGIN + ACCOUNTS_PER_SERVER - 1, FIRST_LOGIN + ACCOUNTS_PER_SERVER].map(known),
    [false, true, true, false],
  );
  assert.equal(planAccount({ login: "05000001", server: SERVER }), undefined);
});

test("planAccount() has accounts of several currencies and leverages", () => {
  const logins = Array.from({ length: ACCOUNTS_PER_SERVER }, (_, index) => String(FIRST_LOGIN + index));
  const plans = logins.map((login) => planAccount({ login, server: SERVER }));
  assert.deepEqual(new Set(plans.map((plan) => plan?.currency)), new Set(["USD", "EUR", "GBP", "JPY"]));
  assert.deepEqual(new Set(plans.map((plan) => plan?.leverage)), new Set([100, 200, 500, 30]));
});

test("the servers differ in margin mode, trade mode, clock and tickets", () => {
  assert.deepEqual(new Set(SIM_SERVERS.map((server) => server.marginMode)), new Set([0, 2]));
  assert.deepEqual(new Set(SIM_SERVERS.map((server) => server.tradeMode)), new Set([0, 2]));
  assert.equal(new Set(SIM_SERVERS.map((server) => server.utcOffsetMinutes)).size, SIM_SERVERS.length);
  assert.ok(SIM_SERVERS.some((server) => server.firstTicket > 2n ** 53n));
});
