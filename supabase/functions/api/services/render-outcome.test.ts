import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandStates, type Outcome } from "../../_shared/protocol/mod.ts";
import { ACCOUNT, COMMAND_ID, TIMINGS, TRADE_RESULT } from "../testing/context.ts";
import { renderOutcome, renderUnknown } from "./render-outcome.ts";

const command = { id: COMMAND_ID, kind: "trade", account: ACCOUNT };
const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };

test("a success renders to exactly these bytes, and the ticket keeps every digit", () => {
  const { state, executed, status, body } = renderOutcome(command, DONE);
  assert.deepEqual([state, executed, status], ["done", true, 200]);
  assert.equal(
    body,
    `{"success":true,"command_id":"${COMMAND_ID}","kind":"trade","state":"done","executed":true,` +
      `"account":{"id":"${ACCOUNT.id}","login":"5001234","server":"MetaQuotes-Demo"},` +
      '"result":{"retcode":10009,"retcode_name":"DONE","order_ticket":"9007199254740993","deal_ticket":"700",' +
      '"position_ticket":"9007199254740993","price":1.1,"volume":0.1,"filled_volume":0.1},' +
      '"timings":{"queued_ms":0,"login_ms":0,"prepare_ms":1,"send_ms":2,"total_ms":3}}',
  );
});

test("rendering depends on command and outcome alone: evidence does not enter", () => {
  assert.equal(renderOutcome(command, { ...DONE, evidence: { seen: "late" } }).body, renderOutcome(command, DONE).body);
});

const failures: [Outcome, number, string][] = [
  [{ state: "rejected", code: "broker_rejected", mt5: { retcode: 10019, name: "NO_MONEY" } }, 422, "broker_rejected"],
  [
    { state: "refused", code: "risk_limit_exceeded", fields: [{ path: "volume", message: "too much" }] },
    422,
    "risk_limit_exceeded",
  ],
  [{ state: "refused", code: "proof_refused", detail: "The credential does not open" }, 409, "credential_invalid"],
  [{ state: "refused", code: "internal_error", detail: "The command's tag was used before" }, 422, "order_refused"],
  [{ state: "expired", code: "deadline_exceeded" }, 504, "deadline_exceeded"],
  [{ state: "cancelled", code: "command_cancelled" }, 409, "command_cancelled"],
  [{ state: "not_executed", code: "not_executed" }, 422, "not_executed"],
];
for (const [outcome, expected, code] of failures) {
  test(`${outcome.state} renders as problem ${code}: not executed, named after the command`, () => {
    const { status, body, executed } = renderOutcome(command, outcome);
    const problem = JSON.parse(body);
    assert.deepEqual(
      [status, problem.status, problem.code, problem.executed, executed],
      [expected, expected, code, false, false],
    );
    assert.deepEqual([problem.command_id, problem.request_id], [COMMAND_ID, COMMAND_ID]);
    if ("mt5" in outcome && outcome.mt5) assert.deepEqual(problem.mt5, outcome.mt5);
    if ("fields" in outcome && outcome.fields) assert.deepEqual(problem.fields, outcome.fields);
  });
}

test("a final failure never answers that it may have executed, whatever its code says", () => {
  for (const code of ["internal_error", "outcome_unknown"] as const) {
    const { status, body } = renderOutcome(command, { state: "rejected", code });
    assert.equal(JSON.parse(body).executed, false);
    assert.ok(status >= 400);
  }
});

test("unknown renders as the 202 that nobody's silence does", () => {
  const rendered = renderOutcome(command, { state: "unknown", evidence: { a: 1 } });
  assert.deepEqual(rendered, {
    state: "unknown",
    executed: CommandStates.unknown.executed,
    status: 202,
    body: renderUnknown(COMMAND_ID),
  });
  assert.deepEqual(JSON.parse(rendered.body), {
    command_id: COMMAND_ID,
    state: "unknown",
    executed: null,
    may_have_executed: true,
    retry_same_key: "safe",
    submit_new_key: "unsafe",
  });
});
