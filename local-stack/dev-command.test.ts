// `npm run dev` with a stand-in stack: what it prints where, and its exit codes.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "./child-process.ts";
import { type DevDeps, runDev } from "./dev-command.ts";
import type { StackOptions } from "./options.ts";
import type { Stack, StackInfo } from "./supervisor.ts";

const INFO: StackInfo = {
  ...{ api_url: "http://127.0.0.1:1", anon_key: "a", service_role_key: "s", publishable_key: "p", secret_key: "x" },
  ...{ db_url: "postgres://", worker_url: "http://w", jwks_url: "http://j", pid: 1, worker_pid: 2, data_dir: "/d" },
};

function standIn(more: Partial<DevDeps> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const seen: { options?: StackOptions; stops: number; fail: (part: string, why: string) => void } = {
    stops: 0,
    fail: () => undefined,
  };
  const part: Part = {
    ...{ name: "part", pid: 1, exited: new Promise<never>(() => undefined), kill: () => undefined },
    ...{ restart: () => Promise.resolve(), stop: () => Promise.resolve() },
  };
  const stack: Stack = {
    info: INFO,
    parts: { postgres: part, worker: part, function: part },
    onFailure: (callback) => {
      seen.fail = callback;
    },
    stop: async () => void seen.stops++,
  };
  const deps: DevDeps = {
    args: ["--json"],
    env: {},
    start: async (options) => {
      seen.options = options;
      return stack;
    },
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    demoUserFile: () => "/nonexistent/demo_user.json",
    untilSignal: () => Promise.resolve("SIGINT"),
    ...more,
  };
  return { deps, out, err, seen };
}

test("runDev() --json prints exactly one line, stops at a signal and ends with 0", async () => {
  const { deps, out, seen } = standIn({ args: ["--json", "--port", "5"] });
  assert.equal(await runDev(deps), 0);
  assert.equal(out.length, 1);
  assert.deepEqual(JSON.parse(out[0] ?? ""), INFO);
  assert.equal(seen.options?.port, 5);
  assert.equal(seen.stops, 1);
});

test("runDev() ends with 1 when a part fails, and names it", async () => {
  const { deps, err, seen } = standIn({ untilSignal: () => new Promise(() => undefined) });
  deps.out = () => seen.fail("worker", "exit code 3");
  assert.equal(await runDev(deps), 1);
  assert.match(err.join(), /worker ended unexpectedly \(exit code 3\)/);
  assert.equal(seen.stops, 1);
});

test("runDev() ends with 1 when the start fails", async () => {
  const { deps, err } = standIn({ start: () => Promise.reject(new Error("no Postgres")) });
  assert.equal(await runDev(deps), 1);
  assert.deepEqual(err, ["no Postgres"]);
});

test("runDev() ends with 2 and starts nothing on an unknown flag", async () => {
  const { deps, err, seen } = standIn({ args: ["--jsno"] });
  assert.equal(await runDev(deps), 2);
  assert.match(err.join(), /Unknown option "--jsno"[\s\S]*usage:/);
  assert.equal(seen.options, undefined);
});

test("runDev() stops the stack when the greeting cannot be made", async () => {
  const { deps, seen } = standIn({ args: [] });
  assert.equal(await runDev(deps), 1);
  assert.equal(seen.stops, 1);
});
