import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, test } from "node:test";
import { decodeJwt } from "jose";
import type { AppError } from "../../_shared/errors/mod.ts";
import {
  type EnvelopeClaims,
  LINK_PROTOCOL,
  MAX_CALL_BODY_CHARS,
  type Outcome,
  type ReadOutcome,
} from "../../_shared/protocol/mod.ts";
import { createEnvelopeSigner, createResultVerifier, createTicketSigner, sha256Base64url } from "../crypto/mod.ts";
import { ACCOUNT, TIMINGS, TRADE_RESULT, USER_ID } from "../testing/context.ts";
import { FakeWorker, welcomeOf } from "../testing/fake-worker.ts";
import { makeKey, signResult } from "../testing/keys.ts";
import { realAfter } from "./after.ts";
import type { Bridge, WorkerCall } from "./bridge.ts";
import { createBridge } from "./client.ts";
import { type BridgeLimits, DefaultBridgeLimits } from "./limits.ts";
import { openWebSocket } from "./websocket-transport.ts";

const linkKey = await makeKey("link", "sig");
const resultKey = await makeKey("result", "sig");
const stranger = await makeKey("result", "sig");
/** Of another worker that the function is configured with, too. */
const otherKey = await makeKey("other", "sig");
const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };

let worker: FakeWorker;
let bridge: Bridge;
let faults: AppError[];
let skipMs: number;
const now = (): number => performance.now() + skipMs;

function open(limits: Partial<BridgeLimits> = {}, url = worker.url, openTransport = openWebSocket): Bridge {
  return createBridge({
    workers: [{ id: "w1", url }],
    openTransport,
    signEnvelope: createEnvelopeSigner(linkKey.privateJwk),
    signTicket: createTicketSigner(linkKey.privateJwk),
    verifyResult: createResultVerifier([
      { id: "w1", signKeys: [resultKey.publicJwk] },
      { id: "w2", signKeys: [otherKey.publicJwk] },
    ]),
    hash: sha256Base64url,
    newId: () => randomUUID(),
    monotonicMs: now,
    wallMs: () => Date.now(),
    after: realAfter,
    limits: { ...DefaultBridgeLimits, ackTimeoutMs: 150, linkOpenTimeoutMs: 300, pingTimeoutMs: 100, ...limits },
    onFault: (_workerId, fault) => faults.push(fault),
  });
}

function call(changes: Partial<WorkerCall> = {}): WorkerCall {
  return {
    workerId: "w1",
    id: randomUUID(),
    userId: USER_ID,
    userToken: "user-token",
    kind: "trade",
    account: ACCOUNT,
    body: '{"request":{}}',
    startByMs: now() + 5_000,
    submittedAtMs: now() - 20,
    waitUntilMs: now() + 5_000,
    ...changes,
  };
}

const commandsSeen = (): string[] => worker.received.flatMap((frame) => (frame.type === "command" ? [frame.id] : []));

describe("bridge client", () => {
  beforeEach(async () => {
    faults = [];
    skipMs = 0;
    worker = await FakeWorker.start(resultKey);
    bridge = open();
  });
  afterEach(async () => {
    bridge.close();
    await worker.stop();
  });

  test("offers the protocol and a ticket for this worker, and signs for its boot and clock", async () => {
    worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command: DONE }));
    const asked = call({ startByMs: now() + 5_000 });
    const reply = await bridge.runCommand(asked);
    assert.equal(reply.type, "outcome");
    assert.equal(worker.protocolsOffered[0], LINK_PROTOCOL);
    assert.equal(decodeJwt((worker.protocolsOffered[1] ?? "").replace("ticket.", "")).aud, "w1");
    const [frame] = worker.received;
    assert.ok(frame?.type === "command");
    const claims = decodeJwt<EnvelopeClaims>(frame.envelope);
    assert.equal(claims.bh, await sha256Base64url(asked.body));
    assert.equal(claims.boot, "44444444-4444-4444-8444-444444444444");
    assert.ok(claims.not_after_ms > 50_000 && claims.not_after_ms <= 55_000, `${claims.not_after_ms}`);
    assert.ok(claims.submitted_ago_ms >= 20);
    // The moment of signing on the worker's clock, which its welcome told.
    assert.ok(claims.made_at_ms >= 50_000 && claims.made_at_ms < 51_000, `${claims.made_at_ms}`);
    assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 30);
  });

  test("calls share one link, also when they start at the same moment", async () => {
    worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command: DONE }));
    await Promise.all([bridge.runCommand(call()), bridge.runCommand(call()), bridge.runCommand(call())]);
    assert.equal(worker.links, 1);
  });

  test("two calls with one id both get its outcome", async () => {
    worker.script = async (frame, peer) => {
      if (worker.received.length === 2) peer.send(await worker.result(frame, { command: DONE }));
      else peer.send({ type: "ack", id: "id" in frame ? frame.id : "", phase: "started" });
    };
    const id = randomUUID();
    const replies = await Promise.all([bridge.runCommand(call({ id })), bridge.runCommand(call({ id }))]);
    assert.deepEqual(
      replies.map(({ type }) => type),
      ["outcome", "outcome"],
    );
  });

  test("without an ack it opens another link and sends the same id again, once", async () => {
    worker.script = async (frame, peer) => {
      if (peer.index === 1) peer.send(await worker.result(frame, { command: DONE }));
    };
    const asked = call();
    assert.equal((await bridge.runCommand(asked)).type, "outcome");
    assert.deepEqual(commandsSeen(), [asked.id, asked.id]);
    assert.equal(worker.links, 2);
  });

  test("a worker that never acknowledges is asked twice and no more; the outcome stays open", async () => {
    assert.equal((await bridge.runCommand(call())).type, "silent");
    assert.equal(commandsSeen().length, 2);
  });

  test("a link that dies after the frame was written is replaced, and the same id sent again", async () => {
    worker.script = async (frame, peer) => {
      if (peer.index === 0) peer.terminate();
      else peer.send(await worker.result(frame, { command: DONE }));
    };
    const asked = call();
    assert.equal((await bridge.runCommand(asked)).type, "outcome");
    assert.deepEqual(commandsSeen(), [asked.id, asked.id]);
  });

  test("a link whose socket is closing, and which has not heard of it yet, is replaced before anything is written", async () => {
    worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command: DONE }));
    bridge.close();
    let opened = 0;
    bridge = open({}, worker.url, async (request, events) => {
      const transport = await openWebSocket(request, events);
      return opened++ === 0 ? { ...transport, send: () => false } : transport;
    });
    assert.equal((await bridge.runCommand(call())).type, "outcome");
    assert.deepEqual([worker.links, commandsSeen().length], [2, 1]);
  });

  test("an acknowledged command whose result does not come in time is silent, not unsent", async () => {
    worker.script = (frame, peer) => "id" in frame && peer.send({ type: "ack", id: frame.id, phase: "started" });
    assert.equal((await bridge.runCommand(call({ waitUntilMs: now() + 100 }))).type, "silent");
    assert.equal(commandsSeen().length, 1);
  });

  test("a worker that cannot be reached leaves the command unsent", async () => {
    bridge.close();
    await worker.stop();
    bridge = open({}, "ws://127.0.0.1:1/v1/link");
    assert.equal((await bridge.runCommand(call())).type, "unsent");
    worker = await FakeWorker.start(resultKey);
  });

  test("a command whose time is over before it could be sent is unsent", async () => {
    assert.equal((await bridge.runCommand(call({ waitUntilMs: now() - 1 }))).type, "unsent");
    assert.equal(worker.links, 0);
  });

  test("a frame that the worker would end the link for is not written: the calls beside it go on", async () => {
    let answerFirst = (): void => {};
    worker.script = async (frame, peer) => {
      if (!("id" in frame)) return;
      peer.send({ type: "ack", id: frame.id, phase: "started" });
      const result = await worker.result(frame, { command: DONE });
      answerFirst = () => peer.send(result);
    };
    const first = bridge.runCommand(call());
    while (worker.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    // Few enough characters, and too many bytes; few enough bytes, and too many characters of a body.
    for (const body of ["\u{1f600}".repeat(MAX_CALL_BODY_CHARS / 2), "b".repeat(MAX_CALL_BODY_CHARS + 1)]) {
      const reply = await bridge.runCommand(call({ body }));
      assert.equal(reply.type === "unsent" && (reply.cause as AppError).code, "payload_too_large");
    }
    answerFirst();
    assert.equal((await first).type, "outcome");
    assert.deepEqual([worker.links, worker.received.length], [1, 1]);
  });

  test("the refusal of the only frame is a refusal; of one of two it proves nothing", async () => {
    worker.script = (frame, peer) =>
      "id" in frame && peer.send({ type: "error", id: frame.id, code: "too_many_requests", retry_after_ms: 700 });
    assert.deepEqual(await bridge.runCommand(call()), {
      type: "refused",
      code: "too_many_requests",
      detail: undefined,
      retryAfterMs: 700,
    });
    bridge.close();
    bridge = open();
    const before = worker.links;
    worker.script = (frame, peer) => {
      if (peer.index === before) peer.terminate();
      else if ("id" in frame) peer.send({ type: "error", id: frame.id, code: "proof_refused" });
    };
    assert.equal((await bridge.runCommand(call())).type, "silent");
  });

  test("an error after the command was admitted proves nothing", async () => {
    worker.script = (frame, peer) => {
      if (!("id" in frame)) return;
      peer.send({ type: "ack", id: frame.id, phase: "received" });
      peer.send({ type: "error", id: frame.id, code: "worker_busy" });
    };
    assert.equal((await bridge.runCommand(call())).type, "silent");
  });

  test("a result that does not verify, is another worker's, or about another call or user, is no outcome", async () => {
    const claims = { iss: "w1", sub: USER_ID, iat: 1, kind: "trade", command: DONE };
    const forgeries = [
      (id: string) => signResult(stranger, { ...claims, jti: id }),
      (id: string) => signResult(otherKey, { ...claims, jti: id, iss: "w2" }),
      () => signResult(resultKey, { ...claims, jti: randomUUID() }),
      (id: string) => signResult(resultKey, { ...claims, jti: id, sub: randomUUID() }),
      (id: string) => signResult(resultKey, { ...claims, jti: id, command: undefined }),
    ];
    for (const forge of forgeries) {
      worker.script = async (frame, peer) =>
        "envelope" in frame && peer.send({ type: "result", id: frame.id, result: await forge(frame.id) });
      assert.equal((await bridge.runCommand(call())).type, "silent");
    }
    assert.deepEqual(
      faults.map(({ code }) => code),
      Array(4).fill("invalid_result"),
    );
  });

  test("a read is repeated once on a fresh link when the first dies", async () => {
    const value: ReadOutcome = { ok: true, value: { n: 1 } };
    worker.script = async (frame, peer) => {
      if (peer.index === 0) peer.terminate();
      else peer.send(await worker.result(frame, { read: value }));
    };
    assert.deepEqual(await bridge.read(call({ kind: "positions" })), value);
    assert.equal(worker.received.length, 2);
  });

  test("a read that is not answered in time is read_timeout; one that could not be sent, worker_unreachable", async () => {
    const code = (expected: string) => (error: AppError) => error.code === expected;
    await assert.rejects(bridge.read(call({ waitUntilMs: now() + 60 })), code("read_timeout"));
    bridge.close();
    bridge = open({}, "ws://127.0.0.1:1/v1/link");
    await assert.rejects(bridge.read(call()), code("worker_unreachable"));
  });

  test("a refused proof reaches the log, and the caller only as worker_unreachable", async () => {
    worker.script = (frame, peer) => "id" in frame && peer.send({ type: "error", id: frame.id, code: "proof_refused" });
    await assert.rejects(bridge.read(call()), (error: AppError) => error.code === "worker_unreachable");
    assert.deepEqual(
      faults.map(({ code }) => code),
      ["proof_refused"],
    );
  });

  test("askCommand() answers the outcome of the command it asks about, and null while that is under way", async () => {
    const id = randomUUID();
    worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command: DONE }, id));
    const claims = await bridge.askCommand(call({ kind: "status" }), id);
    assert.deepEqual([claims?.jti, claims?.command], [id, DONE]);
    worker.script = (frame, peer) => "id" in frame && peer.send({ type: "ack", id: frame.id, phase: "queued" });
    assert.equal(await bridge.askCommand(call({ kind: "status" }), id), null);
  });

  test("a cancel and an acknowledge answer the command's outcome, or that it is under way; a refusal is silence", async () => {
    const command: Outcome = { state: "unknown", evidence: {} };
    const commandId = randomUUID();
    for (const [type, ask] of [
      ["cancel", (question: WorkerCall) => bridge.cancelCommand(question, commandId)],
      ["acknowledge", (question: WorkerCall) => bridge.acknowledgeCommand(question, commandId)],
    ] as const) {
      worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command }, commandId));
      const reply = await ask(call({ kind: type }));
      assert.deepEqual(reply.type === "outcome" && reply.claims.command, command);
      assert.equal(worker.received.at(-1)?.type, type);
      worker.script = (frame, peer) => "id" in frame && peer.send({ type: "ack", id: frame.id, phase: "started" });
      assert.deepEqual(await ask(call({ kind: type })), { type: "under_way" });
      worker.script = (frame, peer) =>
        "id" in frame && peer.send({ type: "error", id: frame.id, code: "proof_refused" });
      assert.deepEqual(await ask(call({ kind: type })), { type: "silent" });
    }
  });

  test("an idle link is pinged before use, and kept when it answers", async () => {
    worker.script = async (frame, peer) => peer.send(await worker.result(frame, { command: DONE }));
    await bridge.runCommand(call());
    skipMs = DefaultBridgeLimits.linkIdleMs + 1;
    await bridge.runCommand(call());
    assert.deepEqual(
      worker.received.map(({ type }) => type),
      ["command", "ping", "command"],
    );
    assert.equal(worker.links, 1);
  });

  test("a link at its maximum age is replaced, but still brings the answers it owes", async () => {
    let answerFirst = (): void => {};
    worker.script = async (frame, peer) => {
      if (!("id" in frame)) return;
      peer.send({ type: "ack", id: frame.id, phase: "started" });
      const result = await worker.result(frame, { command: DONE });
      if (peer.index === 0) answerFirst = () => peer.send(result);
      else peer.send(result);
    };
    const first = bridge.runCommand(call({ waitUntilMs: now() + 1e6 }));
    while (worker.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    skipMs = DefaultBridgeLimits.linkMaxAgeMs;
    assert.equal((await bridge.runCommand(call())).type, "outcome");
    assert.equal(worker.links, 2);
    answerFirst();
    assert.equal((await first).type, "outcome");
    assert.equal(commandsSeen().length, 2, "neither was sent again");
  });

  test("a peer that speaks another protocol, is another worker, or says nothing is not used", async () => {
    worker.welcome = welcomeOf("w2");
    assert.equal((await bridge.probe("w1")).reachable, false);
    worker.welcome = null;
    assert.equal((await bridge.probe("w1")).reachable, false);
    worker.chosenProtocol = false;
    worker.welcome = welcomeOf("w1");
    assert.equal((await bridge.probe("w1")).reachable, false);
    worker.chosenProtocol = LINK_PROTOCOL;
    const { reachable, health, clockSkewMs } = await bridge.probe("w1");
    assert.deepEqual([reachable, health?.version], [true, "0.1.0"]);
    assert.ok(Math.abs(clockSkewMs ?? 1e9) < 1_000);
  });

  test("a frame that does not fit the protocol ends the link and reaches the log", async () => {
    worker.script = (_frame, peer) => peer.send({ type: "nonsense" } as never);
    assert.equal((await bridge.runCommand(call())).type, "silent");
    assert.equal(faults[0]?.code, "bad_frame");
  });

  test("a link whose welcome is not the first frame, or not the only one, or that is refused, ends and says why", async () => {
    const details = (): (string | undefined)[] => faults.splice(0).map(({ extras }) => extras.detail);
    worker.welcome = { type: "ack", id: randomUUID(), phase: "queued" };
    assert.equal((await bridge.probe("w1")).reachable, false);
    assert.deepEqual(details(), ["The first frame must be welcome"]);
    worker.welcome = welcomeOf("w1");
    worker.script = (_frame, peer) => peer.send(welcomeOf("w1"));
    assert.equal((await bridge.runCommand(call())).type, "silent");
    assert.deepEqual(details(), Array(2).fill("The second welcome on one link"));
    worker.script = (_frame, peer) => peer.send({ type: "error", code: "worker_busy" });
    assert.equal((await bridge.runCommand(call())).type, "silent");
    assert.deepEqual(details(), Array(2).fill("The worker refused the link: worker_busy"));
  });

  test("confirm() tells the worker over the open link, and opens none for it", async () => {
    bridge.confirm("w1", randomUUID());
    assert.equal(worker.links, 0);
    worker.script = async (frame, peer) => {
      if (frame.type === "command") peer.send(await worker.result(frame, { command: DONE }));
    };
    const asked = call();
    await bridge.runCommand(asked);
    bridge.confirm("w1", asked.id);
    await bridge.probe("w1");
    assert.deepEqual(
      worker.received.map(({ type }) => type),
      ["command", "ack", "ping"],
    );
  });
});
