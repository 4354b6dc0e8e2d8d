// Results that nobody confirmed reach the ledger: posted from the journal until the function says that it has stored them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { until } from "../../../tests/support/manual-clock.ts";
import { collectLog } from "../../../tests/support/worker-fixture.ts";
import { type Journal, openJournal } from "../journal/mod.ts";
import { MAX_RESULTS_BODY_BYTES, MAX_RESULTS_PER_POST } from "../protocol.ts";
import { Outbox } from "./outbox.ts";

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

  function open(): void {
    journal = openJournal({ path: join(dir, "journal.db"), workerId: "worker-test", now: () => clock++ });
    ledger = new Ledger();
    outbox = new Outbox({ journal, url: URL, log: collectLog([]), post: ledger.fetch });
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
      (): Response => new Response("no", { status: 500 }),
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

  it("sweeps by itself once started, and not any more once stopped", async (t) => {
    t.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ["setTimeout"] });
    end("one");
    let sweeps = 0;
    const counted = new Proxy(journal, {
      get: (target, name) => {
        if (name === "undelivered") sweeps += 1;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const own = new Outbox({ journal: counted, url: URL, log: collectLog([]), post: ledger.fetch });
    own.start();
    for (let count = 1; count <= 2; count++) {
      await until(`sweep ${count}`, () => {
        if (sweeps < count) mock.timers.tick(SWEEP_MS);
        return sweeps >= count;
      });
    }
    await until("it is delivered", () => waiting().length === 0);
    await own.stop();
    mock.timers.tick(10 * SWEEP_MS);
    assert.equal(sweeps, 2);
    assert.equal(ledger.posts.length, 1);
  });

  it("stopping does not wait for a function that hangs", async () => {
    end("one");
    const hanging = new Outbox({
      ...{ journal, url: URL, log: collectLog([]) },
      post: (_url, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    });
    await hanging.sweepOnce();
    const sweeping = hanging.sweepOnce();
    await hanging.stop();
    await sweeping;
    assert.deepEqual(waiting(), ["one"]);
  });
});
