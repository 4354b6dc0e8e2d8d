import assert from "node:assert/strict";
import { test } from "node:test";
import { classifySend, Refusals } from "./classify-send.ts";
import type { LastError, SendResultFacts } from "./facts.ts";
import { SendRefusals, type SendReply, type SendRequest } from "./terminal-port.ts";

const US = { login: "1001", server: "Alpha-Demo" };
const NAMESAKE = { login: "1001", server: "Beta-Live" };
const REQUEST: SendRequest = { action: 1, symbol: "EURUSD", volume: 0.2, type: 0, magic: 2 ** 40, comment: "x" };
const FINE: LastError = [1, "Success"];

function sent(retcode: number | null, after: typeof US | null = US, lastError = FINE, deal = "12"): SendReply {
  const result: SendResultFacts | null =
    retcode === null ? null : { retcode, order: "9007199254740993", deal, volume: 0.1, price: 1.1, comment: "" };
  return { kind: "sent", result, lastError, after };
}

test("classifySend() takes 10008, 10009 and 10010 for done, and a change that changes nothing (10025)", () => {
  for (const [retcode, changed, action] of [
    [10008, true, 1],
    [10008, true, 5],
    [10009, true, 8],
    [10010, true, 1],
    [10025, false, 6],
    [10025, false, 7],
  ] as const) {
    const verdict = classifySend(sent(retcode), US, { ...REQUEST, action });
    assert.ok(verdict.state === "done");
    assert.equal(verdict.changed, changed);
  }
});

test("classifySend() takes no word for done that does not say that this action was: an order that nothing changed, a removal that only began", () => {
  for (const [retcode, action] of [
    [10025, 1],
    [10025, 5],
    [10025, 8],
    [10008, 8],
    [10010, 8],
  ] as const) {
    const verdict = classifySend(sent(retcode), US, { ...REQUEST, action });
    assert.ok(verdict.state === "unknown", `${retcode} of action ${action}`);
    assert.deepEqual([verdict.evidence.reason, verdict.evidence.retcode], ["ambiguous_retcode", retcode]);
  }
});

test("classifySend() takes no order for placed that has no ticket", () => {
  for (const [order, state] of [
    ["0", "unknown"],
    ["5", "done"],
  ] as const) {
    const result = { retcode: 10008, order, deal: "0", volume: 0, price: 0, comment: "" };
    const reply: SendReply = { kind: "sent", result, lastError: FINE, after: US };
    for (const action of [1, 5]) assert.equal(classifySend(reply, US, { ...REQUEST, action }).state, state);
  }
});

test("classifySend() takes no rejection that names a deal for one", () => {
  const verdict = classifySend(sent(10006), US, REQUEST);
  assert.ok(verdict.state === "unknown");
  assert.deepEqual([verdict.evidence.reason, verdict.evidence.deal], ["ambiguous_retcode", "12"]);
  assert.equal(classifySend(sent(10006, US, FINE, "0"), US, REQUEST).state, "rejected");
});

test("classifySend() gives done only if the account afterwards is the same, server included", () => {
  const other = classifySend(sent(10009, NAMESAKE), US, REQUEST);
  assert.ok(other.state === "unknown");
  assert.equal(other.evidence.reason, "account_changed_during_send");
  assert.equal(other.quarantine, true);
  const silent = classifySend({ kind: "sent", result: null, lastError: [-10005, ""], after: NAMESAKE }, US, REQUEST);
  assert.ok(silent.state === "unknown");
  for (const { evidence } of [other, silent]) {
    assert.equal(evidence.account_after, "another account");
    assert.doesNotMatch(JSON.stringify(evidence), new RegExp(NAMESAKE.server), "it may be somebody else's");
  }
  const unread = classifySend(sent(10009, null), US, REQUEST);
  assert.ok(unread.state === "unknown");
  assert.equal(unread.evidence.reason, "account_unread_after_send");
  assert.equal(unread.quarantine, false);
});

test("classifySend() lets a rejection stand and still asks for quarantine", () => {
  const verdict = classifySend(sent(10019, NAMESAKE, FINE, "0"), US, REQUEST);
  assert.ok(verdict.state === "rejected");
  assert.deepEqual(
    [verdict.code, verdict.mt5, verdict.quarantine],
    ["broker_rejected", { retcode: 10019, name: "NO_MONEY" }, true],
  );
});

test("classifySend() never settles an ambiguous or an unlisted code", () => {
  for (const [retcode, reason] of [
    [10012, "ambiguous_retcode"],
    [10047, "unlisted_retcode"],
    [0, "unlisted_retcode"],
  ]) {
    const verdict = classifySend(sent(Number(retcode)), US, REQUEST);
    assert.ok(verdict.state === "unknown");
    assert.equal(verdict.evidence.reason, reason);
    assert.equal(verdict.evidence.order, "9007199254740993");
  }
});

test("classifySend() takes None for unknown, but with -2 for a rejection", () => {
  for (const code of [1, -1, -8, -10000, -10001, -10005]) {
    const verdict = classifySend(sent(null, US, [code, "text"]), US, REQUEST);
    assert.ok(verdict.state === "unknown", String(code));
    assert.deepEqual(verdict.evidence.last_error, [code, "text"]);
  }
  const refused = classifySend(sent(null, US, [-2, 'Invalid "comment" argument']), US, REQUEST);
  assert.ok(refused.state === "rejected");
  assert.deepEqual(refused.mt5.last_error, [-2, 'Invalid "comment" argument']);
});

test("classifySend() calls every refusal of the guard refused or expired", () => {
  for (const reason of SendRefusals) {
    const verdict = classifySend({ kind: "refused", reason }, US, REQUEST);
    assert.equal(verdict.state, reason === "expired" ? "expired" : "refused");
    assert.equal(verdict.retcode, null);
  }
  assert.deepEqual(Object.keys(Refusals), [...SendRefusals]);
});

test("classifySend() names tickets, price and volume, and no position that it does not know", () => {
  const verdict = classifySend(sent(10010), US, REQUEST, 2);
  assert.ok(verdict.state === "done");
  assert.deepEqual(verdict.result, {
    retcode: 10010,
    retcode_name: "DONE_PARTIAL",
    order_ticket: "9007199254740993",
    deal_ticket: "12",
    position_ticket: "9007199254740993",
    price: 1.1,
    volume: 0.2,
    filled_volume: 0.1,
  });
  const netting = classifySend(sent(10009), US, REQUEST, 0);
  assert.ok(netting.state === "done");
  assert.equal(netting.result.position_ticket, null);
  const close = classifySend(sent(10009), US, { ...REQUEST, position: "77" }, 0);
  assert.ok(close.state === "done");
  assert.equal(close.result.position_ticket, "77");
  const empty = { retcode: 10008, order: "5", deal: "0", volume: 0, price: 0, comment: "" };
  const pending = classifySend({ kind: "sent", result: empty, lastError: FINE, after: US }, US, {
    ...REQUEST,
    action: 5,
  });
  assert.ok(pending.state === "done");
  assert.deepEqual(
    [pending.result.deal_ticket, pending.result.price, pending.result.filled_volume, pending.result.position_ticket],
    [null, null, null, null],
  );
});
