// The worker as its service manager sees it: what it needs to start, and the exit code that says who has to act.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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

type How = { signal?: NodeJS.Signals; env?: Record<string, string> };

/** Runs until it ends by itself, or is told to as soon as it is ready. */
async function run(flags: string[] = [], { signal = "SIGTERM", env = {} }: How = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: { ...environment, ...env } });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    ended.stdout += String(chunk);
    if (ended.stdout.includes("worker.ready")) child.kill(signal);
  });
  child.stderr.on("data", (chunk) => {
    ended.stderr += String(chunk);
  });
  [ended.code] = await once(child, "close");
  return ended;
}

describe("the worker's start", () => {
  it("ends with 2 on an option that it does not know, and shows which there are", async () => {
    const { code, stderr } = await run(["--new-jurnal"]);
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
    const first = await run(["--new-journal"]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /journal\.made/);
    assert.ok(existsSync(join(dir, "data", "journal.db")));
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const next = await run([], { signal });
      assert.equal(next.code, 0, `${signal}: ${next.stderr}`);
      assert.match(next.stdout, /worker\.stopping/);
      assert.doesNotMatch(next.stdout, /journal\./);
    }
  });

  it("ends with 2 when the project signs with a shared secret alone, and says what to change", async () => {
    const keys = createServer((_request, response) => void response.end('{"keys":[{"kty":"oct"}]}')).listen(
      0,
      "127.0.0.1",
    );
    await once(keys, "listening");
    const { port } = keys.address() as AddressInfo;
    const { code, stderr } = await run([], { env: { JWKS_URL: `http://127.0.0.1:${port}/jwks` } });
    keys.close();
    assert.equal(code, 2);
    assert.match(stderr, /Switch it to asymmetric JWT signing keys/);
  });

  it("ends with 3 when the journal was put back without its witness", async () => {
    rmSync(join(dir, "data", "journal.db-witness"));
    const { code, stderr } = await run();
    assert.equal(code, 3);
    assert.match(stderr, /is a copy/);
  });
});
