// One link's worth of conversation: every frame gets its answer, nothing a peer sends throws, and a peer that goes away
// takes only its subscriptions along.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createLocalJWKSet } from "jose";
import { createSigners, ISSUER, keySet, MADE_AT_MS, type Signers } from "../../../tests/support/link-fixture.ts";
import { until } from "../../../tests/support/manual-clock.ts";
import {
  type Actor,
  createWorkerFixture,
  WORKER_ID,
  type WorkerFixture,
} from "../../../tests/support/worker-fixture.ts";
import {
  type CallFrame,
  MAX_ANSWER_FRAME_BYTES,
  MAX_CALL_FRAME_BYTES,
  MAX_CALLS_PER_LINK,
  type ReadOutcome,
  WorkerFrame,
} from "../protocol.ts";
import { createFunctionKeys } from "./function-keys.ts";
import { Peer, type PeerDeps } from "./peer.ts";
import { verifyUserToken } from "./user-tokens.ts";

type Link = { peer: Peer; frames: WorkerFrame[]; closed: [number, string][] };
type Told<Type extends WorkerFrame["type"]> = Extract<WorkerFrame, { type: Type }>;

describe("Peer", () => {
  let worker: WorkerFixture;
  let signers: Signers;
  let alice: Actor;
  let confirmed: [string, string][];

  beforeEach(async () => {
    worker = await createWorkerFixture();
    signers = await createSigners();
    alice = await worker.actor();
    confirmed = [];
  });
  afterEach(() => worker.stop());

  function connect(change: Partial<PeerDeps> = {}): Link {
    const keys = createLocalJWKSet(keySet(signers.userKey));
    const { scheduler, sign, log } = worker;
    const functionKeys = createFunctionKeys({
      keys: [signers.linkKey.publicJwk],
      workerId: WORKER_ID,
      bootId: signers.bootId,
    });
    const userTokens = { verify: (token: string) => verifyUserToken(token, keys, ISSUER) };
    const frames: WorkerFrame[] = [];
    const closed: [number, string][] = [];
    const peer = new Peer(
      {
        ...{ proofs: { functionKeys, userTokens, now: () => MADE_AT_MS }, scheduler, sign, log },
        confirmed: (id, result) => confirmed.push([id, result]),
        health: () => ({ version: "0", wall_ms: 1, terminals: [], in_flight: 0, plain_rpc: false }),
        ...change,
      },
      {
        send: (text) => frames.push(WorkerFrame.parse(JSON.parse(text))),
        close: (code, reason) => closed.push([code, reason]),
      },
    );
    return { peer, frames, closed };
  }

  async function told<Type extends WorkerFrame["type"]>({ frames }: Link, type: Type): Promise<Told<Type>> {
    const find = (): Told<Type> | undefined => frames.find((frame): frame is Told<Type> => frame.type === type);
    await until(`a frame "${type}"`, () => find() !== undefined);
    return find() ?? assert.fail();
  }

  async function readFrame(): Promise<CallFrame> {
    const [id, body] = [randomUUID(), JSON.stringify({ request: { kind: "switch" }, credential: alice.credential })];
    const about = { id, userId: alice.userId, kind: "switch", account: alice.account, submittedAgoMs: 0 };
    const notAfterMs = worker.clock.now() + 20_000;
    const envelope = await signers.envelope(body, { ...about, notAfterMs });
    return { type: "read", id, envelope, user_token: await signers.userToken(alice.userId), body };
  }

  it("a command is acknowledged with its phase and answered with its signed result", async () => {
    const link = connect();
    const call = worker.trade(alice);
    await link.peer.receive(JSON.stringify(await signers.commandFrame(call)));
    const { id, result } = await told(link, "result");
    assert.deepEqual(
      link.frames.map(({ type }) => type),
      ["ack", "result"],
    );
    assert.equal(id, call.id);
    assert.equal((await worker.outcome({ result })).state, "done");
    assert.equal(worker.journal.find(call.id)?.result, result);
  });

  it("a read is acknowledged at once and answered signed, under its own id", async () => {
    const link = connect();
    const frame = await readFrame();
    await link.peer.receive(JSON.stringify(frame));
    assert.deepEqual(link.frames[0], { type: "ack", id: frame.id, phase: "queued" });
    const claims = await worker.open((await told(link, "result")).result);
    assert.deepEqual([claims.jti, claims.sub, claims.kind, claims.read?.ok], [frame.id, alice.userId, "switch", true]);
  });

  it("status and cancel answer under the id of the question", async () => {
    const link = connect();
    const call = worker.trade(alice);
    const status = await signers.questionFrame("status", call);
    await link.peer.receive(JSON.stringify(status));
    assert.deepEqual(link.frames, [{ type: "ack", id: status.id, phase: "unseen" }]);
    const cancel = await signers.questionFrame("cancel", call);
    await link.peer.receive(JSON.stringify(cancel));
    const { id, result } = await told(link, "result");
    assert.equal(id, cancel.id);
    const claims = await worker.open(result);
    assert.deepEqual([claims.jti, claims.command?.state], [call.id, "cancelled"]);
  });

  it("an acknowledgement reaches the scheduler and answers under the id of the question", async () => {
    const call = worker.trade(alice);
    const asked: string[] = [];
    const acknowledge = async ({ commandId }: { commandId: string }): Promise<{ phase: "started" }> => {
      asked.push(commandId);
      return { phase: "started" };
    };
    const link = connect({ scheduler: { ...schedulerThat(), acknowledge } });
    const frame = await signers.questionFrame("acknowledge", call);
    await link.peer.receive(JSON.stringify(frame));
    assert.deepEqual(link.frames, [{ type: "ack", id: frame.id, phase: "started" }]);
    assert.deepEqual(asked, [call.id]);
  });

  it("a ping is answered with its own number and the worker's health", async () => {
    const link = connect();
    await link.peer.receive('{"type":"ping","t":17}');
    const pong = await told(link, "pong");
    assert.deepEqual([pong.t, pong.health.version], [17, "0"]);
  });

  it("an ack confirms the result that this link was told, once, and nothing else", async () => {
    const [link, stranger] = [connect(), connect()];
    const call = worker.trade(alice);
    const ack = JSON.stringify({ type: "ack", id: call.id });
    await link.peer.receive(ack);
    await link.peer.receive(JSON.stringify(await signers.commandFrame(call)));
    const { result } = await told(link, "result");
    await stranger.peer.receive(ack);
    assert.deepEqual(confirmed, []);
    await link.peer.receive(ack);
    await link.peer.receive(ack);
    assert.deepEqual(confirmed, [[call.id, result]]);
  });

  it("an ack of a result that a status told confirms the command, not the question", async () => {
    const link = connect();
    const call = worker.trade(alice);
    await worker.run(call);
    const question = await signers.questionFrame("status", call);
    await link.peer.receive(JSON.stringify(question));
    await link.peer.receive(JSON.stringify({ type: "ack", id: question.id }));
    assert.deepEqual(confirmed, []);
    await link.peer.receive(JSON.stringify({ type: "ack", id: call.id }));
    assert.deepEqual(confirmed, [[call.id, worker.journal.find(call.id)?.result]]);
  });

  it("a peer that goes away loses only its subscription: the command ends in the journal, and another link is told", async () => {
    const [link, other] = [connect(), connect()];
    const release = worker.holdNextSend();
    const call = worker.trade(alice);
    const frame = JSON.stringify(await signers.commandFrame(call));
    await link.peer.receive(frame);
    await other.peer.receive(frame);
    link.peer.gone();
    const heard = link.frames.length;
    release();
    const { result } = await told(other, "result");
    assert.equal(link.frames.length, heard);
    assert.equal(worker.journal.find(call.id)?.result, result);
    assert.equal(worker.broker.ledger().length, 1);
  });

  it("a peer that goes away before its read is answered is sent nothing", async () => {
    const answer = Promise.withResolvers<ReadOutcome>();
    const link = connect({ scheduler: { ...schedulerThat(), read: () => answer.promise } });
    const receiving = link.peer.receive(JSON.stringify(await readFrame()));
    await told(link, "ack");
    link.peer.gone();
    answer.resolve({ ok: true, value: {} });
    await receiving;
    assert.deepEqual(
      link.frames.map(({ type }) => type),
      ["ack"],
    );
  });

  it("a call without valid proofs is refused under its id; nothing runs, no token is logged", async () => {
    const link = connect();
    const frame = await signers.commandFrame(worker.trade(alice));
    const forged = { ...frame, user_token: await signers.userToken(randomUUID()) };
    await link.peer.receive(JSON.stringify(forged));
    const error = await told(link, "error");
    assert.deepEqual([error.id, error.code], [frame.id, "proof_refused"]);
    assert.deepEqual(link.closed, []);
    assert.deepEqual(worker.broker.ledger(), []);
    assert.equal(
      worker.logged.some((line) => line.includes("link.call_refused")),
      true,
    );
    for (const secret of [forged.user_token, forged.envelope, alice.credential]) {
      assert.equal(
        worker.logged.some((line) => line.includes(secret)),
        false,
      );
    }
  });

  it("a command that was refused at the door is not started by a copy of its frame that comes later", async () => {
    const frame = await signers.commandFrame(worker.trade(alice));
    const first = connect({
      proofs: {
        functionKeys: { verifyTicket: () => assert.fail(), verifyEnvelope: () => Promise.reject(new Error("no keys")) },
        userTokens: { verify: () => assert.fail() },
        now: () => MADE_AT_MS,
      },
    });
    await first.peer.receive(JSON.stringify(frame));
    await told(first, "error");
    const second = connect();
    await second.peer.receive(JSON.stringify(frame));
    const { result } = await told(second, "result");
    const outcome = await worker.outcome({ result });
    assert.ok(outcome.state === "refused" && outcome.release === true);
    assert.deepEqual(worker.broker.ledger(), []);
  });

  it("what goes wrong inside is an internal_error without its message", async () => {
    const fail = (): never => {
      throw new Error("disk /dev/sda1 full");
    };
    const link = connect({ scheduler: { ...schedulerThat(), command: fail } });
    await link.peer.receive(JSON.stringify(await signers.commandFrame(worker.trade(alice))));
    const error = await told(link, "error");
    assert.equal(error.code, "internal_error");
    assert.doesNotMatch(JSON.stringify(error), /disk/);
  });

  const HOPELESS: [string, string][] = [
    ["no JSON", "hello"],
    ["an unknown type", '{"type":"shutdown"}'],
    ["an unknown field", '{"type":"ping","t":1,"extra":1}'],
    ["a command without proofs", '{"type":"command","id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","body":"{}"}'],
    ["too many characters", `{"type":"ping","t":1${" ".repeat(MAX_CALL_FRAME_BYTES)}}`],
  ];
  for (const [name, text] of HOPELESS) {
    it(`a frame that cannot be understood is answered and ends the link: ${name}`, async () => {
      const link = connect();
      await link.peer.receive(text);
      assert.equal((await told(link, "error")).code, "bad_frame");
      assert.deepEqual(link.closed, [[1008, "bad_frame"]]);
    });
  }

  it("a frame of exactly the largest size is understood", async () => {
    const link = connect();
    const frame = '{"type":"ping","t":1}';
    await link.peer.receive(frame.padEnd(MAX_CALL_FRAME_BYTES, " "));
    await told(link, "pong");
  });

  it("the last call of MAX_CALLS_PER_LINK is taken, the next refused under its id, and a place that gets free is used", async () => {
    const answers: ((outcome: ReadOutcome) => void)[] = [];
    const read = (): Promise<ReadOutcome> => new Promise((resolve) => answers.push(resolve));
    const link = connect({ scheduler: { ...schedulerThat(), read } });
    const frame = await readFrame();
    const text = JSON.stringify(frame);
    const taken = Array.from({ length: MAX_CALLS_PER_LINK }, () => link.peer.receive(text));
    await until("all are taken", () => answers.length === MAX_CALLS_PER_LINK);
    await link.peer.receive(text);
    assert.deepEqual(link.frames.at(-1), { type: "error", id: frame.id, code: "too_many_requests" });
    await link.peer.receive('{"type":"ping","t":1}');
    assert.equal(link.frames.at(-1)?.type, "pong");
    answers[0]?.({ ok: true, value: {} });
    // Proofs are checked in parallel: whose answer came first is not known.
    await Promise.race(taken);
    const again = link.peer.receive(text);
    await until("the free place is used", () => answers.length === MAX_CALLS_PER_LINK + 1);
    for (const answer of answers) answer({ ok: true, value: {} });
    await Promise.all([...taken, again]);
  });

  it("an answer that is too large for a frame is an error, not a broken link", async () => {
    const name = "x".repeat(MAX_ANSWER_FRAME_BYTES);
    const link = connect({ scheduler: { ...schedulerThat(), read: async () => ({ ok: true, value: { name } }) } });
    const frame = await readFrame();
    await link.peer.receive(JSON.stringify(frame));
    const error = await told(link, "error");
    assert.deepEqual([error.id, error.code, link.closed], [frame.id, "internal_error", []]);
  });
});

/** A scheduler of which a test replaces the one method that it calls. */
function schedulerThat(): PeerDeps["scheduler"] {
  const uncalled = (): never => assert.fail("not called here");
  return {
    command: uncalled,
    read: uncalled,
    status: uncalled,
    cancel: uncalled,
    acknowledge: uncalled,
    refuse: () => undefined,
    unsubscribe: () => undefined,
  };
}
