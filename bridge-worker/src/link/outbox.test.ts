// Results that nobody confirmed reach the ledger: posted from the journal until the function says that it has stored them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { collectLog, overriding } from "../../../tests/support/worker-fixture.ts";
import { realAfter } from "../after.ts";
import { type Journal, openJournal } from "../journal/mod.ts";
import { MAX_RESULTS_BODY_BYTES, MAX_RESULTS_PER_POST } from "../protocol.ts";
import { Outbox, SET_ASIDE_ALONE_MS, SET_ASIDE_MS } from "./outbox.ts";

const URL = "http://127.0.0.1/internal/results";
const SWEEP_MS = 2_000;

/** A function's ledger: `answer` decides what becomes of each post. Results are `id:…` texts. */
class Ledger {
  readonly posts: string[][] = [];
  readonly bodies: string[] = [];
  answer: (results: string[]) => Response | Promise<Response> = (results) => stored(results);

  readonly fetch: typeof fetch = async (url, init) => {
    assert.deepEqual([String(url), init?.method], [URL, "POST"]);
    const body = String(init?.body);
    const { results } = JSON.parse(body) as { results: string[] };
    this.bodies.push(body);
    this.posts.push(results);
    return this.answer(results);
  };
}

function idOf(result: string): string {
  return result.split(":", 1)[0] ?? "";
}

function stored(results: string[]): Response {
  return Response.json({ stored: results.map(idOf) });
}

describe("Outbox", () => {
  let dir: string;
  let journal: Journal;
  let ledger: Ledger;
  let outbox: Outbox;
  let clock = 1;
  let nowMs = 0;

  function open(): void {
    journal = openJournal({
      ...{ path: join(dir, "journal.db"), workerId: "worker-test", now: () => clock++ },
      newJournal: true,
    });
    ledger = new Ledger();
    outbox = new Outbox({
      journal,
      url: URL,
      log: collectLog([]),
      post: ledger.fetch,
      now: () => nowMs,
      after: realAfter,
    });
  }

  function end(id: string, text = "x"): string {
    return journal.recordEnding({ id, userId: "u", kind: "trade", result: `${id}:${text}`, final: true });
  }

  const waiting = (): string[] => journal.undelivered(1_000).map(({ id }) => id);

  async function sweep(times = 1): Promise<number> {
    let next = 0;
    for (let count = 0; count < times; count++) next = await outbox.sweepOnce();
    return next;
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "switchyard-outbox-"));
    open();
  });
  afterEach(async () => {
    await outbox.stop();
    journal.close();
    rmSync(dir, { recursive: true });
  });

  it("sets aside what only an operator can mend, so that it holds up nothing, and offers it again later", async () => {
    for (const id of ["gone", "forged", "later", "fine"]) end(id);
    ledger.answer = () =>
      Response.json({
        stored: ["fine"],
        rejected: [
          { index: 0, code: "command_not_found" },
          { index: 1, code: "invalid_result" },
          { index: 2, code: "database_unavailable" },
        ],
      });
    await sweep(2);
    ledger.answer = (results) => stored(results);
    await sweep(2);
    assert.deepEqual(ledger.posts.at(-1)?.map(idOf), ["later"]);
    assert.deepEqual(waiting(), ["gone", "forged"], "nothing is dropped");
    nowMs += SET_ASIDE_MS;
    await sweep(2);
    assert.deepEqual(ledger.posts.at(-1)?.map(idOf), ["gone", "forged"]);
    assert.deepEqual(waiting(), []);
  });

  it("one that cannot be stored for a reason of its own holds up no other, and is offered again after a minute", async () => {
    for (const id of ["one", "odd"]) end(id);
    const index = (results: readonly string[]): number => results.findIndex((result) => idOf(result) === "odd");
    ledger.answer = (results) =>
      Response.json({
        stored: results.map(idOf).filter((id) => id !== "odd"),
        rejected: index(results) < 0 ? [] : [{ index: index(results), code: "internal_error" }],
      });
    assert.equal(await sweep(2), SWEEP_MS);
    end("two");
    assert.equal(await sweep(2), SWEEP_MS);
    assert.deepEqual(waiting(), ["odd"]);
    nowMs += SET_ASIDE_ALONE_MS;
    ledger.answer = stored;
    await sweep(2);
    assert.deepEqual(waiting(), []);
  });

  it("sets aside a result, and not its command: what is known of it later is offered like any other", async () => {
    const ending = { id: "one", userId: "u", kind: "trade" };
    journal.recordEnding({ ...ending, result: "one:unknown", final: false });
    ledger.answer = () => Response.json({ stored: [], rejected: [{ index: 0, code: "invalid_result" }] });
    await sweep(2);
    journal.recordEnding({ ...ending, result: "one:done", final: true });
    ledger.answer = (results) => stored(results);
    await sweep(2);
    assert.deepEqual(ledger.posts.at(-1), ["one:done"]);
    assert.deepEqual(waiting(), []);
  });

  it("a whole post of results set aside does not hide the newer ones", async () => {
    for (let count = 0; count < MAX_RESULTS_PER_POST; count++) end(`gone-${count}`);
    ledger.answer = (results) =>
      Response.json({ stored: [], rejected: results.map((_, index) => ({ index, code: "command_not_found" })) });
    await sweep(2);
    end("fine");
    ledger.answer = (results) => stored(results);
    await sweep(2);
    assert.deepEqual(ledger.posts.at(-1)?.map(idOf), ["fine"]);
    assert.equal(waiting().length, MAX_RESULTS_PER_POST);
  });

  it("gives the link's own ack one sweep of time, then posts, and is done when it is stored", async () => {
    const result = end("one");
    assert.equal(await sweep(), SWEEP_MS);
    assert.deepEqual(ledger.posts, []);
    assert.equal(await sweep(), SWEEP_MS);
    assert.deepEqual(ledger.posts, [[result]]);
    assert.deepEqual(waiting(), []);
    await sweep(3);
    assert.equal(ledger.posts.length, 1);
  });

  it("does not post what was confirmed in the meantime", async () => {
    const result = end("one");
    await sweep();
    journal.confirmDelivery("one", result);
    await sweep(2);
    assert.deepEqual(ledger.posts, []);
  });

  it("a later ending of the same command is delivered, too, after a sweep of its own", async () => {
    journal.recordEnding({ id: "one", userId: "u", kind: "trade", result: "one:unknown", final: false });
    await sweep(2);
    end("one", "done");
    await sweep();
    assert.deepEqual(ledger.posts, [["one:unknown"]]);
    await sweep();
    assert.deepEqual(ledger.posts, [["one:unknown"], ["one:done"]]);
  });

  it("a confirmation of an older ending does not hide the newer one", async () => {
    journal.recordEnding({ id: "one", userId: "u", kind: "trade", result: "one:unknown", final: false });
    ledger.answer = (results) => {
      end("one", "done");
      return stored(results);
    };
    await sweep(2);
    assert.deepEqual(waiting(), ["one"]);
  });

  it("keeps everything on an HTTP error, a broken connection and an answer that is no JSON", async () => {
    end("one");
    await sweep();
    for (const answer of [
      (): Response => Response.json({ stored: ["one"] }, { status: 500 }),
      (): Response => new Response("<html>"),
      (): Response => Response.json({ stored: "one" }),
      async (): Promise<Response> => {
        throw new TypeError("fetch failed");
      },
    ]) {
      ledger.answer = answer;
      assert.ok((await sweep()) > SWEEP_MS);
      assert.deepEqual(waiting(), ["one"]);
    }
  });

  it("a partial answer confirms what it names and keeps the rest", async () => {
    for (const id of ["one", "two", "three"]) end(id);
    ledger.answer = (results) => stored(results.filter((result) => idOf(result) !== "two"));
    assert.ok((await sweep(2)) > SWEEP_MS);
    assert.deepEqual(waiting(), ["two"]);
    ledger.answer = stored;
    assert.equal(await sweep(), SWEEP_MS);
    assert.deepEqual(ledger.posts.at(-1), ["two:x"]);
  });

  it("while the function is away the pause doubles up to a minute, and is short again afterwards", async () => {
    end("one");
    ledger.answer = () => new Response("no", { status: 503 });
    await sweep();
    const pauses: number[] = [];
    for (let count = 0; count < 6; count++) pauses.push(await sweep());
    assert.deepEqual(pauses, [4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    ledger.answer = stored;
    assert.equal(await sweep(), SWEEP_MS);
    end("two");
    ledger.answer = () => new Response("no", { status: 503 });
    await sweep();
    assert.equal(await sweep(), 4_000);
  });

  it("a post carries at most MAX_RESULTS_PER_POST results, oldest first", async () => {
    const ids = Array.from({ length: MAX_RESULTS_PER_POST + 1 }, (_, index) => `id${index}`);
    for (const id of ids) end(id);
    await sweep(2);
    assert.deepEqual(
      ledger.posts.map((results) => results.map(idOf)),
      [ids.slice(0, MAX_RESULTS_PER_POST)],
    );
    await sweep(2);
    assert.deepEqual(waiting(), []);
  });

  it("a post stays within MAX_RESULTS_BODY_BYTES; what does not fit goes next, and one that never fits goes alone", async () => {
    const large = "x".repeat(MAX_RESULTS_BODY_BYTES / 2 - 100);
    for (const id of ["one", "two", "three"]) end(id, large);
    end("huge", "x".repeat(MAX_RESULTS_BODY_BYTES + 1));
    for (let count = 0; waiting().length > 0 && count < 10; count++) await sweep();
    assert.deepEqual(
      ledger.posts.map((results) => results.map(idOf)),
      [["one", "two"], ["three"], ["huge"]],
    );
    for (const body of ledger.bodies.slice(0, 2)) assert.ok(Buffer.byteLength(body) <= MAX_RESULTS_BODY_BYTES);
  });

  it("a restart delivers what the last life did not", async () => {
    const result = end("one");
    await sweep();
    await outbox.stop();
    journal.close();
    open();
    await sweep(2);
    assert.deepEqual(ledger.posts, [[result]]);
    assert.deepEqual(waiting(), []);
  });

  describe("once started", () => {
    let sweeps: number;
    beforeEach(() => {
      sweeps = 0;
      mock.timers.enable({ apis: ["setTimeout"] });
    });
    afterEach(() => mock.timers.reset());

    function start(post: typeof fetch): Outbox {
      const counted = overriding(journal, {
        undelivered: (limit) => {
          sweeps += 1;
          return journal.undelivered(limit);
        },
      });
      const started = new Outbox({
        journal: counted,
        url: URL,
        log: collectLog([]),
        now: () => 0,
        after: realAfter,
        post,
      });
      started.start();
      return started;
    }

    async function pass(count: number): Promise<void> {
      await until(`sweep ${count}`, () => {
        if (sweeps < count) mock.timers.tick(SWEEP_MS);
        return sweeps >= count;
      });
    }

    it("sweeps by itself, and not any more once stopped", async () => {
      end("one");
      const started = start(ledger.fetch);
      await pass(2);
      await until("it is delivered", () => waiting().length === 0);
      await pass(3);
      await started.stop();
      mock.timers.tick(10 * SWEEP_MS);
      assert.deepEqual([sweeps, ledger.posts.length], [3, 1]);
    });

    it("gives a function that does not answer up after ten seconds, and offers the result again", async () => {
      end("one");
      let posts = 0;
      const started = start((_url, init) => {
        posts += 1;
        return new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        });
      });
      await pass(2);
      await until("it is offered", () => posts === 1);
      mock.timers.tick(9_999);
      assert.equal(sweeps, 2);
      // Given up now, and the first pause after a failure is four seconds.
      mock.timers.tick(1);
      await until("it is offered again", () => {
        mock.timers.tick(SWEEP_MS);
        return posts === 2;
      });
      await started.stop();
    });

    it("stopping does not wait for a function that hangs, and ends the sweeping for good", async () => {
      end("one");
      const started = start(
        (_url, init) =>
          new Promise((_resolve, reject) => {
            init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
          }),
      );
      await pass(2);
      await started.stop();
      mock.timers.tick(120_000);
      assert.equal(sweeps, 2);
      assert.deepEqual(waiting(), ["one"]);
    });
  });
});
