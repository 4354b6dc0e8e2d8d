// The worker as its service manager sees it: what it needs to start, and the exit code that says who has to act.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeKeyPair } from "../../scripts/keys.ts";

const MAIN = join(import.meta.dirname, "main.ts");

let dir: string;
let environment: Record<string, string>;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), "worker-main-"));
  const [seal, result, link] = await Promise.all([
    makeKeyPair({ alg: "ECDH-ES", use: "enc" }),
    makeKeyPair({ alg: "ES256", use: "sig" }),
    makeKeyPair({ alg: "ES256", use: "sig" }),
  ]);
  environment = {
    WORKER_ID: "worker-1",
    WORKER_PORT: "0",
    WORKER_DATA_DIR: join(dir, "data"),
    // Nobody listens there: the start is logged as without the project's key set, and goes on.
    SUPABASE_URL: "http://127.0.0.1:1",
    SEAL_PRIVATE_JWKS: JSON.stringify({ keys: [seal.privateJwk] }),
    RESULT_PRIVATE_JWK: JSON.stringify(result.privateJwk),
    LINK_JWKS: JSON.stringify({ keys: [link.publicJwk] }),
  };
});
after(() => rmSync(dir, { recursive: true }));

type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs until it ends by itself, or is told to as soon as it is ready. */
async function run(...flags: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: environment });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    ended.stdout += String(chunk);
    if (ended.stdout.includes("worker.ready")) child.kill("SIGTERM");
  });
  child.stderr.on("data", (chunk) => {
    ended.stderr += String(chunk);
  });
  [ended.code] = await once(child, "close");
  return ended;
}

describe("the worker's start", () => {
  it("ends with 2 on an option that it does not know, and shows which there are", async () => {
    const { code, stderr } = await run("--new-jurnal");
    assert.equal(code, 2);
    assert.match(stderr, /"--new-jurnal"/);
    assert.match(stderr, /--new-journal {2}once/);
  });

  it("ends with 3 when there is no journal, says what that means, and makes none", async () => {
    const { code, stderr } = await run();
    assert.equal(code, 3);
    assert.match(stderr, /There is no journal at .*journal\.db.*--new-journal.*never started/);
    assert.deepStrictEqual(readdirSync(join(dir, "data")), []);
  });

  it("makes the journal when a person says so, and after that starts without being told", async () => {
    const first = await run("--new-journal");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /journal\.made/);
    assert.ok(existsSync(join(dir, "data", "journal.db")));
    const second = await run();
    assert.equal(second.code, 0, second.stderr);
    assert.doesNotMatch(second.stdout, /journal\./);
  });

  it("ends with 3 when the journal was put back without its witness", async () => {
    rmSync(join(dir, "data", "journal.db-witness"));
    const { code, stderr } = await run();
    assert.equal(code, 3);
    assert.match(stderr, /is a copy/);
  });
});
