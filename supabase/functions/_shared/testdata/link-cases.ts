// How function and worker talk: which frames and claims are valid, which state of a command may follow which.
import assert from "node:assert/strict";
import { AppError } from "../errors/mod.ts";
import {
  ACKNOWLEDGE_REASON_MAX_CHARS,
  AcknowledgeQuery,
  CallerFrame,
  type CommandState,
  CommandStates,
  decodeFrame,
  EnvelopeClaims,
  encodeFrame,
  MAX_CALL_BODY_CHARS,
  MAX_CALL_FRAME_BYTES,
  MAX_TOKEN_CHARS,
  mayFollow,
  Outcome,
  ResultClaims,
  WorkerFrame,
} from "../protocol/mod.ts";
import { type Case, edgesOf } from "./case.ts";

const ID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const call = (change: object): object => ({
  type: "command",
  id: ID,
  envelope: "e",
  user_token: "t",
  body: "{}",
  ...change,
});
const health = {
  ...{ version: "0.1.0", wall_ms: 1, in_flight: 0, plain_rpc: false },
  terminals: [{ name: "sim-1", kind: "simulator", state: "open" }],
};
const fullHealth = {
  ...{ ...health, unknown_commands: 0, oldest_undelivered_s: 7, journal: { age_s: 60, bytes: 4096 } },
  terminals: [{ name: "mt5-1", kind: "rpyc", state: "quarantined", reason: "hung", since_s: 12, queued: 3 }],
};
const frames: Case[] = [
  ...edgesOf(
    "CallerFrame",
    CallerFrame,
    [
      { type: "ack", id: ID },
      { type: "ping", t: 1.5 },
    ],
    [
      ...[null, [], {}, "ping", { type: "pong", t: 1 }, { type: "ack" }, { type: "ping", t: "1" }, { type: "ping" }],
      { type: "ack", id: ID, phase: "queued" },
    ],
  ),
  ...edgesOf(
    "CallerFrame of a call",
    CallerFrame,
    [
      ...["command", "read", "cancel", "acknowledge", "status"].map((type) => ({ type })),
      ...[{ envelope: "e".repeat(MAX_TOKEN_CHARS) }, { user_token: "t".repeat(MAX_TOKEN_CHARS) }],
      { body: "b".repeat(MAX_CALL_BODY_CHARS) },
    ],
    [
      ...[{ id: "5" }, { envelope: "" }, { user_token: undefined }, { extra: 1 }, { body: {} }, { type: "result" }],
      ...[{ envelope: "e".repeat(MAX_TOKEN_CHARS + 1) }, { user_token: "t".repeat(MAX_TOKEN_CHARS + 1) }],
      { body: "b".repeat(MAX_CALL_BODY_CHARS + 1) },
    ],
    call,
  ),
  ...edgesOf(
    "WorkerFrame",
    WorkerFrame,
    [
      ...[
        { type: "welcome", worker_id: "w", boot_id: ID, now_ms: 0.5 },
        { type: "result", id: ID, result: "jws" },
      ],
      ...["received", "queued", "started", "finished", "unseen"].map((phase) => ({ type: "ack", id: ID, phase })),
      ...[
        { type: "error", code: "bad_frame" },
        { type: "error", id: ID, code: "worker_busy", retry_after_ms: 5 },
      ],
      ...[
        { type: "error", code: "bad_frame", detail: "d".repeat(500) },
        { type: "pong", t: 1, health },
        { type: "pong", t: 1, health: fullHealth },
        { type: "pong", t: 1, health: { ...fullHealth, oldest_undelivered_s: null } },
      ],
    ],
    [
      ...[
        { type: "ack", id: ID },
        { type: "ack", id: ID, phase: "done" },
        { type: "error", code: "nonsense" },
      ],
      ...[
        { type: "error", code: "bad_frame", detail: "d".repeat(501) },
        { type: "result", id: ID },
      ],
      ...[{ type: "pong", t: 1 }, { type: "pong", t: 1, health: { ...health, secret: 1 } }, { type: "command" }],
      { type: "pong", t: 1, health: { ...health, terminals: [{ ...health.terminals[0], login: "5000001" }] } },
      { type: "pong", t: 1, health: { ...health, journal: { age_s: 1, bytes: 1, path: "/" } } },
      { type: "error", code: "bad_frame", retry_after_ms: 0.5 },
    ],
  ),
  ...edgesOf(
    "AcknowledgeQuery",
    AcknowledgeQuery,
    ["x", "r".repeat(ACKNOWLEDGE_REASON_MAX_CHARS), " seen "],
    ["", "  ", "r".repeat(ACKNOWLEDGE_REASON_MAX_CHARS + 1), "a\0b", "a\ud800b", 5, undefined],
    (reason) => ({ command_id: ID, reason }),
  ),
  {
    name: "a frame survives being written and read",
    run: () => {
      const frame = CallerFrame.parse(call({ body: '{"text":"ü€😀\\n"}' }));
      assert.deepStrictEqual(decodeFrame(CallerFrame, encodeFrame(frame), MAX_CALL_FRAME_BYTES), frame);
    },
  },
  {
    name: "an id in capitals is the same id",
    run: () => {
      const frame = decodeFrame(CallerFrame, JSON.stringify({ type: "ack", id: ID.toUpperCase() }), 1000);
      assert.deepStrictEqual(frame, { type: "ack", id: ID });
    },
  },
  {
    name: "a frame may be exactly as long as allowed",
    run: () => {
      const text = JSON.stringify({ type: "ping", t: 1 });
      assert.deepStrictEqual(decodeFrame(CallerFrame, text, text.length), { type: "ping", t: 1 });
      assert.throws(() => decodeFrame(CallerFrame, text, text.length - 1), isBadFrame(/longer than/));
    },
  },
  {
    name: "a bad frame is told by its fault and never by its text",
    run: () => {
      const texts: [string, RegExp][] = [
        ["", /not JSON/],
        ["{canary", /not JSON/],
        ['"canary"', /fit the protocol: frame|fit the protocol: type/],
        ['{"type":"canary"}', /fit the protocol: type/],
        [JSON.stringify(call({ envelope: 5, user_token: { canary: 1 } })), /fit the protocol: envelope, user_token/],
      ];
      for (const [text, message] of texts) {
        assert.throws(() => decodeFrame(CallerFrame, text, 10_000), isBadFrame(message));
      }
    },
  },
];

function isBadFrame(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, "bad_frame");
    assert.match(error.message, message);
    assert.doesNotMatch(`${error.message}${error.stack}${JSON.stringify(error)}`, /canary/);
    assert.equal(error.cause, undefined);
    return true;
  };
}

const envelope = (change: object): object => ({
  ...{ iss: "switchyard-api", aud: "worker-1", sub: ID, jti: ID, iat: 1, exp: 31, kind: "trade", bh: "h".repeat(43) },
  ...{
    account: { login: "5", server: "A", id: ID },
    boot: ID,
    not_after_ms: 1.5,
    submitted_ago_ms: 0,
    made_at_ms: 1,
    ...change,
  },
});
const claims: Case[] = [
  ...edgesOf(
    "EnvelopeClaims",
    EnvelopeClaims,
    [{}, { account: { login: "5", server: "A" } }],
    [
      ...[{ iss: "someone" }, { sub: "me" }, { jti: undefined }, { bh: "h".repeat(42) }, { bh: undefined }],
      ...[
        { submitted_ago_ms: -1 },
        { made_at_ms: undefined },
        { not_after_ms: "1" },
        { boot: undefined },
        { account: undefined },
        { exp: 1.5 },
      ],
    ],
    envelope,
  ),
];

const STATES: readonly CommandState[] = [
  ...(["accepted", "unknown", "done", "rejected", "refused", "expired", "cancelled", "not_executed"] as const),
];
const ARROWS: readonly string[] = [
  ...["accepted refused", "accepted expired", "accepted cancelled", "accepted done", "accepted rejected"],
  ...["accepted unknown", "unknown done", "unknown rejected", "unknown not_executed"],
];
const states: Case[] = [
  {
    name: "the states of a command are these, in this order",
    run: () => assert.deepStrictEqual(Object.keys(CommandStates), STATES),
  },
  ...STATES.map((from) => ({
    name: `out of ${from} lead exactly the arrows of the design`,
    run: () => {
      const allowed = STATES.filter((to) => mayFollow(from, to)).map((to) => `${from} ${to}`);
      const expected = STATES.map((to) => `${from} ${to}`).filter((arrow) => ARROWS.includes(arrow));
      assert.deepStrictEqual(allowed, expected);
      assert.equal(CommandStates[from].final, allowed.length === 0);
    },
  })),
  {
    name: "only done has executed, and only open states leave it open",
    run: () => {
      for (const state of STATES) {
        const open = state === "accepted" || state === "unknown";
        assert.equal(CommandStates[state].executed, open ? null : state === "done", state);
      }
    },
  },
];

const timings = { queued_ms: 0, login_ms: 0, prepare_ms: 1, send_ms: 2, total_ms: 3 };
const traded = {
  ...{ retcode: 10009, retcode_name: "DONE", order_ticket: "1", deal_ticket: null, position_ticket: null },
  ...{ price: null, volume: 0.1, filled_volume: null },
};
const results: Case[] = [
  ...edgesOf(
    "Outcome",
    Outcome,
    [
      { state: "done", result: traded, timings },
      { state: "done", result: { ...traded, retcode: null, retcode_name: null }, timings, evidence: {} },
      { state: "rejected", code: "broker_rejected", mt5: { retcode: 10019, last_error: [1, "fine"] } },
      { state: "refused", code: "worker_busy", release: true, retry_after_ms: 1 },
      { state: "unknown", evidence: {} },
    ],
    [
      ...[{ state: "done", timings }, { state: "done", result: traded }, { state: "unknown" }, { state: "accepted" }],
      ...[{ state: "rejected" }, { state: "expired", code: "nonsense" }, { state: "started" }],
      { state: "done", result: { ...traded, order_ticket: 1 }, timings },
      { state: "done", result: { ...traded, order_ticket: "0" }, timings },
    ],
  ),
  ...edgesOf(
    "ResultClaims",
    ResultClaims,
    [{ iss: "w", jti: ID, sub: ID, iat: 1, kind: "trade", command: { state: "unknown", evidence: {} } }],
    [
      { iss: "w", jti: "5", sub: ID, iat: 1, kind: "trade" },
      { iss: "w", jti: ID, sub: ID, kind: "trade" },
    ],
  ),
];

export const LinkCases: readonly Case[] = [...frames, ...claims, ...states, ...results];
