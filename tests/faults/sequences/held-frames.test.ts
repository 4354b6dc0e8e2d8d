// A frame that is held on the way: genuine in every signature, and too late. It never starts, whoever has asked about it
// meanwhile and whichever start of the worker it reaches. Real signatures, scheduler and journal; the wire is the test's.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { createLocalJWKSet } from "jose";
import { createFunctionKeys } from "../../../bridge-worker/src/link/function-keys.ts";
import { Peer } from "../../../bridge-worker/src/link/peer.ts";
import { verifyUserToken } from "../../../bridge-worker/src/link/user-tokens.ts";
import { type CallFrame, type Outcome, WorkerFrame } from "../../../bridge-worker/src/protocol.ts";
import { createSigners, ISSUER, keySet, MADE_AT_MS, type Signers } from "../../support/link-fixture.ts";
import { until } from "../../support/manual-clock.ts";
import {
  createWorkerFixture,
  createWorld,
  WORKER_ID,
  type WorkerFixture,
  type World,
} from "../../support/worker-fixture.ts";

const LIFE_MS = 20_000;

describe("held frame", () => {
  let dir: string;
  let world: World;
  let worker: WorkerFixture;
  let signers: Signers;

  const start = (): Promise<WorkerFixture> => createWorkerFixture({ world, journalPath: join(dir, "journal.db") });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "switchyard-held-"));
    world = await createWorld();
    worker = await start();
    signers = await createSigners();
  });
  afterEach(async () => {
    await worker.stop();
    rmSync(dir, { recursive: true });
  });

  /** Delivers one frame to this start of the worker; the first answer that is not an acknowledgement of receipt. */
  async function deliver(frame: CallFrame, { bootId = signers.bootId, heldMs = 0 } = {}): Promise<WorkerFrame> {
    const frames: WorkerFrame[] = [];
    const keys = createLocalJWKSet(keySet(signers.userKey));
    const peer = new Peer(
      {
        ...{ scheduler: worker.scheduler, sign: worker.sign, log: worker.log },
        proofs: {
          functionKeys: createFunctionKeys({ keys: [signers.linkKey.publicJwk], workerId: WORKER_ID, bootId }),
          userTokens: { verify: (token) => verifyUserToken(token, keys, ISSUER) },
          now: () => MADE_AT_MS + heldMs,
        },
        confirmed: () => {},
        health: () => ({ version: "0", wall_ms: 1, terminals: [], in_flight: 0, plain_rpc: false }),
      },
      { send: (text) => frames.push(WorkerFrame.parse(JSON.parse(text))), close: () => {} },
    );
    await peer.receive(JSON.stringify(frame));
    const answer = (): WorkerFrame | undefined => frames.find(({ type }) => type === "result" || type === "error");
    await until("an answer", () => answer() !== undefined);
    peer.gone();
    return answer() ?? assert.fail();
  }

  async function outcomeOf(frame: WorkerFrame): Promise<Outcome> {
    return frame.type === "result" ? worker.outcome(frame) : assert.fail(JSON.stringify(frame));
  }

  it("held frame: past its time it expires, and the same frame once more meets that answer", async () => {
    const alice = await worker.actor();
    const frame = await signers.commandFrame(worker.trade(alice));
    world.clock.advance(LIFE_MS + 1);
    const first = await deliver(frame);
    const { state, code } = (await outcomeOf(first)) as Extract<Outcome, { code: unknown }>;
    assert.deepEqual([state, code], ["expired", "deadline_exceeded"]);
    assert.deepEqual(await deliver(frame), first);
    assert.deepEqual(world.broker.ledger(), []);
  });

  it("held frame: whoever asks first buries it, and it starts no more although it comes in time", async () => {
    const alice = await worker.actor();
    const call = worker.trade(alice);
    const frame = await signers.commandFrame(call);
    const cancelled = await deliver(await signers.questionFrame("cancel", call));
    assert.equal((await outcomeOf(cancelled)).state, "cancelled");
    assert.equal((await outcomeOf(await deliver(frame))).state, "cancelled");
    const late = worker.trade(alice);
    const held = await signers.commandFrame(late);
    world.clock.advance(LIFE_MS + 1);
    const asked = await deliver(await signers.questionFrame("status", late));
    assert.equal((await outcomeOf(asked)).state, "expired");
    assert.equal((await outcomeOf(await deliver(held))).state, "expired");
    assert.deepEqual(world.broker.ledger(), []);
  });

  it("held frame: across a restart of the worker it is refused, although its time is not over", async () => {
    const alice = await worker.actor();
    const call = worker.trade(alice);
    const frame = await signers.commandFrame(call);
    await worker.stop();
    worker = await start();
    await worker.scheduler.recover();
    const [answer, next] = [await deliver(frame, { bootId: "another-start" }), worker.trade(alice)];
    assert.deepEqual([answer.type, "code" in answer && answer.code], ["error", "proof_refused"]);
    assert.equal(worker.journal.find(call.id), undefined);
    assert.deepEqual(world.broker.ledger(), []);
    assert.equal((await outcomeOf(await deliver(await signers.commandFrame(next)))).state, "done", "a new one starts");
  });

  it("held frame: it ages on the way, and a journal that is younger than the command does not start it", async () => {
    const alice = await worker.actor();
    const [journalMs, heldMs] = [10_000, 1_000];
    world.clock.advance(journalMs);
    // The command was made just before the journal was; repeated now, and held for less than the journal is old.
    const call = worker.trade(alice, {}, { submittedAgoMs: journalMs + 1 });
    const frame = await signers.commandFrame(call);
    const question = await signers.questionFrame("status", {
      ...worker.trade(alice),
      notAfterMs: 0,
      submittedAgoMs: journalMs + 1,
    });
    world.clock.advance(heldMs);
    for (const held of [frame, question]) {
      const outcome = await outcomeOf(await deliver(held, { heldMs }));
      assert.deepEqual([outcome.state, outcome.evidence?.phase], ["unknown", "journal_younger_than_command"]);
    }
    assert.deepEqual(world.broker.ledger(), []);
    const younger = await signers.commandFrame(worker.trade(alice, {}, { submittedAgoMs: journalMs - 1 }));
    assert.equal((await outcomeOf(await deliver(younger, { heldMs }))).state, "done");
  });

  it("held frame: a tombstone written before a restart is met after it", async () => {
    const alice = await worker.actor();
    const call = worker.trade(alice);
    const frame = await signers.commandFrame(call);
    await deliver(await signers.questionFrame("cancel", call));
    await worker.stop();
    worker = await start();
    // As if the function had signed the same command again for this start.
    assert.equal((await outcomeOf(await deliver(frame))).state, "cancelled");
    assert.deepEqual(world.broker.ledger(), []);
  });
});
