// Each invariant can be broken: a small story that is sound, and one change of it for each way to break it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Answer,
  allSettled,
  type Booked,
  checkLedgerKnows,
  checkSafety,
  type Facts,
  fewRefusals,
  type LedgerRow,
  NO_FACTS,
  type Sending,
} from "./mod.ts";

const TAG = 2 ** 40 + 5;
const ACCOUNT = { login: "5000001", server: "Demo" };

function row(change: Partial<LedgerRow> = {}): LedgerRow {
  return {
    ...{ id: "c1", userId: "u1", key: "k1", ...ACCOUNT, kind: "trade", tag: TAG, state: "done" },
    ...{ states: ["accepted", "done"], status: 200, body: BODY, createdMs: 0, deadlineMs: 10_000 },
    ...{ withdrawn: false, lost: false },
    ...change,
  };
}

const BODY = JSON.stringify({ executed: true, result: { order_ticket: "77" } });

function booked(change: Partial<Booked> = {}): Booked {
  return {
    ...{ atMs: 500, ...ACCOUNT, magic: TAG, comment: "", ticket: "77", action: 1, symbol: "EURUSD", volume: 0.01 },
    ...{ position: null, opened: true },
    ...change,
  };
}

function answer(change: Partial<Answer> = {}): Answer {
  return {
    ...{ atMs: 600, askedMs: 100, userId: "u1", what: "submit", commandId: "c1", key: "k1" },
    ...{ status: 200, body: BODY, executed: true, code: null },
    ...change,
  };
}

function sending(change: Partial<Sending> = {}): Sending {
  return {
    tag: TAG,
    terminal: "t1",
    process: "p1",
    ...ACCOUNT,
    beganMs: 400,
    endedMs: 550,
    owner: "o1",
    owned: "o1",
    ...change,
  };
}

function facts(change: Partial<Facts> = {}): Facts {
  return {
    ...NO_FACTS,
    booked: [booked()],
    rows: [row()],
    journal: [{ id: "c1", state: "final", outcome: "done" }],
    answers: [answer()],
    sendings: [sending()],
    possessions: [{ userId: "u1", ...ACCOUNT }],
    passwords: ["demo-5000001"],
    ...change,
  };
}

function broken(change: Partial<Facts>): string[] {
  return [...new Set(checkSafety(facts(change)).map(({ invariant }) => invariant))];
}

const REFUSED = { state: "refused", states: ["accepted", "refused"], status: 422, body: '{"executed":false}' } as const;

describe("the invariants", () => {
  it("hold in a sound story", () => {
    assert.deepEqual(checkSafety(facts()), []);
    assert.deepEqual(checkLedgerKnows(facts()), []);
    assert.deepEqual(allSettled(facts(), new Set()), []);
  });

  it("I1: a second order with one tag, one key or one tag for two commands is found", () => {
    assert.deepEqual(broken({ booked: [booked(), booked({ ticket: "78" })] }), ["I1"]);
    const other = { id: "c2", tag: TAG + 1 };
    assert.ok(broken({ rows: [row(), row(other)], booked: [booked(), booked({ magic: TAG + 1 })] }).includes("I1"));
    assert.ok(broken({ rows: [row(), row({ id: "c2", key: "k2" })] }).includes("I1"));
  });

  it("I1: an order of nobody, or of a command whose key was released, is found", () => {
    assert.ok(broken({ rows: [], journal: [], answers: [] }).includes("I1"));
    assert.ok(broken({ rows: [row({ ...REFUSED, withdrawn: true })], answers: [] }).includes("I1"));
  });

  it("I1: what could double an open outcome is begun before it has ended or was acknowledged", () => {
    const begun = (id: string): Facts["journaled"][number] => ({ what: "begun", id, about: "open EURUSD" });
    const between = (...events: Facts["journaled"][number][]): Facts["journaled"] => [
      begun("c1"),
      ...events,
      begun("c2"),
    ];
    assert.deepEqual(broken({ journaled: between() }), ["I1"]);
    assert.deepEqual(broken({ journaled: between({ what: "ended", id: "c9" }) }), ["I1"]);
    assert.deepEqual(broken({ journaled: between({ what: "ended", id: "c1" }) }), []);
    assert.deepEqual(broken({ journaled: between({ what: "acknowledged", id: "c1" }) }), []);
    assert.deepEqual(broken({ journaled: between({ what: "memory_lost" }) }), []);
  });

  it("I1: the tag counts at the front of the comment, too", () => {
    const tagged = booked({ magic: 7, comment: "sycre66i9" });
    const mine = row({ tag: Number.parseInt("cre66i9", 36) });
    assert.deepEqual(checkSafety(facts({ rows: [mine], booked: [tagged], sendings: [] })), []);
  });

  it("I2: another account, the same login elsewhere, an account that was never proven", () => {
    assert.deepEqual(
      broken({
        booked: [booked({ login: "5000002" })],
        possessions: [{ userId: "u1", login: "5000002", server: "Demo" }],
      }),
      ["I2"],
    );
    assert.ok(broken({ booked: [booked({ server: "Other" })] }).includes("I2"));
    assert.deepEqual(broken({ possessions: [] }), ["I2"]);
    assert.deepEqual(broken({ connects: [{ userId: "u2", ...ACCOUNT, isRight: false }] }), ["I2"]);
  });

  it("I3: done without an order, with another one, and a refusal with one", () => {
    assert.ok(broken({ booked: [] }).includes("I3"));
    assert.deepEqual(broken({ booked: [booked({ ticket: "99" })] }), ["I3"]);
    assert.deepEqual(broken({ rows: [row(REFUSED)], answers: [] }), ["I3"]);
  });

  it("I3: a close that opened a position, a removal that removed nothing", () => {
    assert.deepEqual(broken({ rows: [row({ kind: "close_position" })] }), ["I3"]);
    assert.ok(broken({ rows: [row({ kind: "cancel_order" })] }).includes("I3"));
    const removed = booked({ action: 8, opened: false });
    assert.deepEqual(broken({ rows: [row({ kind: "cancel_order" })], booked: [removed] }), []);
  });

  it("I4: what was told is taken back", () => {
    assert.ok(
      broken({ answers: [answer({ executed: false, status: 503, body: "{}", code: "worker_unreachable" })] }).includes(
        "I4",
      ),
    );
    const open = { state: "unknown", states: ["accepted", "unknown"], status: 202, body: "{}" } as const;
    assert.deepEqual(broken({ rows: [row(open)], booked: [], sendings: [] }), ["I4"]);
    assert.deepEqual(broken({ rows: [row({ states: ["accepted", "done", "unknown", "done"] })] }), ["I4"]);
  });

  it("I5: a send that began after the time the database gave", () => {
    assert.deepEqual(broken({ sendings: [sending({ beganMs: 10_050, endedMs: null })] }), ["I5"]);
  });

  it("I6: two sends at once on one terminal; the processes of two lives do not count as one", () => {
    const second = sending({ tag: TAG + 9, beganMs: 500 });
    assert.deepEqual(broken({ sendings: [sending(), second] }), ["I6"]);
    assert.deepEqual(broken({ sendings: [sending({ endedMs: null }), second] }), ["I6"]);
    assert.deepEqual(broken({ sendings: [sending(), { ...second, process: "p2" }] }), []);
  });

  it("I6: two commands of one account that began in the other order than they came", () => {
    const second = TAG + 9;
    const came = (tag: number): Facts["admissions"][number] => ({ tag, life: "o1", kind: "trade", ...ACCOUNT });
    const sendings = [sending(), sending({ tag: second, beganMs: 600, endedMs: 700 })];
    assert.deepEqual(broken({ sendings, admissions: [came(second), came(TAG)] }), ["I6"]);
    assert.deepEqual(broken({ sendings, admissions: [came(TAG), came(second), came(TAG)] }), []);
  });

  it("I7: a send by a worker that is not the owner any more", () => {
    assert.deepEqual(broken({ sendings: [sending({ owned: "o2" })] }), ["I7"]);
  });

  it("I8: something open after everything is well, or known to the journal alone", () => {
    const open = row({ state: "accepted", states: ["accepted"], status: null, body: null });
    assert.equal(allSettled(facts({ rows: [open] }), new Set()).length, 1);
    assert.equal(allSettled(facts({ rows: [open] }), new Set(["c1"])).length, 0);
    assert.equal(checkLedgerKnows(facts({ rows: [open] })).length, 1);
  });

  it("I9: a password in a log", () => {
    assert.deepEqual(broken({ texts: [{ where: "the logs", text: "x demo-5000001 y" }] }), ["I9"]);
  });

  it("I10: more refused logins than a broker bears, in any stretch of time", () => {
    const tries = [0, 10, 20, 30].map((atMs) => ({ atMs, ...ACCOUNT, ok: false }));
    assert.equal(fewRefusals(facts({ logins: tries }), 3, 100).length, 1);
    assert.equal(fewRefusals(facts({ logins: tries }), 3, 25).length, 0);
    assert.equal(
      fewRefusals(facts({ logins: [...tries.slice(1), { atMs: 15, ...ACCOUNT, ok: true }] }), 3, 100).length,
      0,
    );
  });

  it("I12: more open than the limit of the one who opened it", () => {
    const came = (maxOpen: number | null): Facts["admissions"] => [
      { tag: TAG, life: "o1", kind: "trade", ...ACCOUNT, maxOpen },
    ];
    const stands = (stood: number, change: Partial<Booked> = {}): Facts["booked"] => [booked({ stood, ...change })];
    assert.deepEqual(broken({ booked: stands(3), admissions: came(2) }), ["I12"]);
    assert.deepEqual(broken({ booked: stands(3, { opened: false, action: 5 }), admissions: came(2) }), ["I12"]);
    assert.deepEqual(broken({ booked: stands(2), admissions: came(2) }), []);
    assert.deepEqual(broken({ booked: stands(3, { opened: false }), admissions: came(2) }), []);
    assert.deepEqual(broken({ booked: stands(3), admissions: [...came(2), ...came(null)] }), []);
  });

  it("an order that went astray is nobody's fault, and neither done nor absent", () => {
    const astray = { ...ACCOUNT, login: "5000002" };
    const state = (one: LedgerRow["state"]): LedgerRow => row({ state: one, states: ["accepted", "unknown", one] });
    const told = (one: LedgerRow["state"]): string[] =>
      broken({ rows: [state(one)], booked: [booked({ ...astray, strayed: true })], answers: [] });
    assert.deepEqual(
      told("unknown").filter((name) => name !== "I4"),
      [],
    );
    assert.deepEqual(told("not_executed"), ["I3"]);
    assert.deepEqual(told("done"), ["I2"]);
  });

  it("I11: one key with two different final answers", () => {
    assert.deepEqual(broken({ answers: [answer(), answer({ body: `${BODY} ` })] }), ["I11"]);
  });
});
