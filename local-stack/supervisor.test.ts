// The whole stack with a real Postgres and stand-ins for worker and function: order, failure, restart, clean end.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { StackOptions } from "./options.ts";
import { isAlive } from "./process-identity.ts";
import type { StackParts } from "./stack-parts.ts";
import { type Stack, superviseStack } from "./supervisor.ts";
import { standInParts } from "./testdata/stand-in-parts.ts";

const NO_MIGRATIONS = join(import.meta.dirname, "testdata", "no-migrations");
const OPTIONS: StackOptions = { ephemeral: true, port: 0, dbPort: 0, workerPort: 0, migrationsDir: NO_MIGRATIONS };

async function withStack(options: StackOptions, work: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await superviseStack({ ...OPTIONS, ...options }, standInParts);
  try {
    await work(stack);
  } finally {
    await stack.stop();
  }
}

function get(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, headers: { connection: "close", ...(init.headers as Record<string, string>) } });
}

function pidsOf({ parts }: Stack): number[] {
  return [parts.postgres.pid, parts.worker.pid, parts.function.pid];
}

test("superviseStack() starts everything and stop() leaves nothing: no process, no folder", async () => {
  let pids: number[] = [];
  let dataDir = "";
  await withStack({}, async (stack) => {
    const { info } = stack;
    pids = pidsOf(stack);
    dataDir = info.data_dir;
    assert.equal(pids.filter(isAlive).length, 3);
    assert.equal(info.pid, process.pid);
    assert.equal(info.worker_pid, stack.parts.worker.pid);
    assert.equal((await get(info.jwks_url)).status, 200);
    assert.equal((await get(`${info.worker_url}/healthz`)).status, 200);
  });
  assert.deepEqual(pids.filter(isAlive), []);
  assert.ok(!existsSync(dataDir));
});

test("the gateway hands /functions/v1/api to the function: prefix off, everything else as it came", () =>
  withStack({}, async ({ info }) => {
    const response = await get(`${info.api_url}/functions/v1/api/v1/x?y=1`, {
      method: "PATCH",
      body: '{"a":1}',
      headers: { "idempotency-key": "k", "sb-api-key": "internal" },
    });
    const seen = (await response.json()) as { headers: Record<string, string> } & Record<string, unknown>;
    assert.deepEqual([response.status, response.headers.get("x-own")], [201, "1"]);
    assert.deepEqual([seen.method, seen.url, seen.body], ["PATCH", "/api/v1/x?y=1", '{"a":1}']);
    assert.equal(seen.headers["idempotency-key"], "k");
    assert.equal(seen.headers["sb-api-key"], undefined);
    assert.equal(seen.url_env, info.api_url);
    const preflight = await get(`${info.api_url}/functions/v1/api/v1/x`, { method: "OPTIONS" });
    assert.equal(preflight.status, 201, "the function answers its own preflights");
    await preflight.text();
    assert.equal((await get(`${info.api_url}/functions/v1/other`)).status, 404);
  }));

test("a part that dies is named with its reason, and the rest is stopped", async () => {
  const stack = await superviseStack(OPTIONS, standInParts);
  const pids = pidsOf(stack);
  const failed = new Promise<[string, string]>((resolve) => stack.onFailure((part, why) => resolve([part, why])));
  const answer = await get(`${stack.info.api_url}/functions/v1/api/exit`);
  assert.equal(answer.status, 502);
  await answer.text();
  const [part, why] = await failed;
  assert.equal(part, "function");
  assert.match(why, /exit code 9[\s\S]*asked to end/);
  await stack.stop();
  assert.deepEqual(pids.filter(isAlive), []);
});

test("a killed part is no failure when asked for; the gateway says so meanwhile, and works again after restart()", () =>
  withStack({}, async ({ parts, info, onFailure }) => {
    onFailure((part) => assert.fail(`${part} counted as a failure`));
    parts.function.kill("SIGKILL");
    await parts.function.exited;
    const down = await get(`${info.api_url}/functions/v1/api/v1/health`);
    assert.deepEqual([down.status, ((await down.json()) as { code: string }).code], [503, "BOOT_ERROR"]);
    await parts.function.restart();
    assert.equal((await get(`${info.api_url}/functions/v1/api/v1/health`)).status, 201);

    const before = info.worker_pid;
    await parts.worker.restart();
    assert.notEqual(parts.worker.pid, before);
  }));

test("a killed Postgres answers 503 and comes back with its data", () =>
  withStack({}, async ({ parts, info }) => {
    const headers = { apikey: info.anon_key, "content-type": "application/json" };
    const user = JSON.stringify({ email: "a@example.com", password: "password" });
    const post = (path: string) => get(`${info.api_url}${path}`, { method: "POST", headers, body: user });
    assert.equal((await post("/auth/v1/signup")).status, 200);
    parts.postgres.kill("SIGINT");
    await parts.postgres.exited;
    assert.equal((await get(`${info.api_url}/rest/v1/rpc/x`, { method: "POST", headers })).status, 503);
    await parts.postgres.restart();
    assert.equal((await post("/auth/v1/token?grant_type=password")).status, 200);
    parts.postgres.kill("SIGKILL");
    await parts.postgres.restart();
    assert.equal((await get(`${info.api_url}/rest/v1/rpc/x`, { method: "POST", headers })).status, 404);
  }));

test("a part that does not start ends everything that was started, and the error says why", async () => {
  let keyFolder = "";
  const broken: StackParts = {
    ...standInParts,
    prepareKeys: (keyDir) => {
      keyFolder = keyDir;
      return standInParts.prepareKeys(keyDir);
    },
    worker: (context) => ({
      ...standInParts.worker(context),
      args: ["-e", "console.error('no key'); process.exit(1)"],
    }),
  };
  await assert.rejects(superviseStack(OPTIONS, broken), /worker ended before it was ready: exit code 1[\s\S]*no key/);
  assert.ok(!existsSync(dirname(keyFolder)), "the throw-away folder is gone, so Postgres is too");
});

test("of a part that dies while the next one starts, the error names the first death and not what it led to", async () => {
  const broken: StackParts = {
    ...standInParts,
    // As if somebody else answered at its address.
    worker: (context) => ({
      ...standInParts.worker(context),
      args: ["-e", "console.error('address in use'); process.exit(1)"],
      ready: async () => {},
    }),
    function: (context) => ({
      ...standInParts.function(context),
      args: ["-e", "setInterval(() => {}, 1000)"],
      ready: () => new Promise(() => {}),
    }),
  };
  const reason = /worker ended unexpectedly: exit code 1[\s\S]*address in use/;
  await assert.rejects(superviseStack(OPTIONS, broken), reason);
});

test("a data folder keeps users and keys from one start to the next, and its keys closed to others", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "switchyard-kept-"));
  let first = "";
  const sign = (info: Stack["info"], path: string) =>
    get(`${info.api_url}/auth/v1/${path}`, {
      method: "POST",
      headers: { apikey: info.secret_key },
      body: JSON.stringify({ email: "a@example.com", password: "password" }),
    });
  await withStack({ ephemeral: false, dataDir }, async ({ info }) => {
    first = info.secret_key;
    assert.equal((await sign(info, "signup")).status, 200);
    const second = superviseStack({ ...OPTIONS, ephemeral: false, dataDir }, standInParts);
    await assert.rejects(second, /Another Postgres \(process \d+\) already uses/);
  });
  await withStack({ ephemeral: false, dataDir }, async ({ info }) => {
    assert.equal(info.secret_key, first);
    assert.equal((await sign(info, "token?grant_type=password")).status, 200);
  });
  for (const file of ["signing_keys.json", "api_keys.json"]) {
    assert.equal(statSync(join(dataDir, "keys", file)).mode & 0o777, 0o600);
  }
  rmSync(dataDir, { recursive: true });
});
