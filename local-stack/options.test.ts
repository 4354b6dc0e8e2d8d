// Flags, environment and their order; what cannot be understood is refused with the flag's name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDevOptions, UsageError } from "./options.ts";

test("parseDevOptions() without anything takes the defaults", () => {
  assert.deepEqual(parseDevOptions([], {}), { json: false, help: false, stack: { ephemeral: false } });
});

test("parseDevOptions() reads flags in both spellings and prefers them to the environment", () => {
  const env = { SWITCHYARD_PORT: "1", SWITCHYARD_DATA_DIR: "env", SWITCHYARD_EPHEMERAL: "1", MT5_TERMINALS: "a:1" };
  const fromEnv = { json: false, help: false, stack: { port: 1, dataDir: "env", ephemeral: true, terminals: "a:1" } };
  assert.deepEqual(parseDevOptions([], env), fromEnv);
  const both = { json: true, help: false, stack: { port: 65_535, dataDir: "d", ephemeral: true, terminals: "a:1" } };
  assert.deepEqual(parseDevOptions(["--json", "--port", "65535", "--data-dir=d"], env), both);
});

test("parseDevOptions() takes the original service's single terminal", () => {
  assert.equal(parseDevOptions([], { MT5_RPC_HOST: "h" }).stack.terminals, "h:18812");
  assert.equal(parseDevOptions([], { MT5_RPC_HOST: "h", MT5_RPC_PORT: "9" }).stack.terminals, "h:9");
});

test("parseDevOptions() hands on how the worker reaches its terminals, and nothing else of the environment", () => {
  const reach = { ALLOW_PLAIN_RPC: "1", MT5_TLS_CA_FILE: "ca.pem" };
  const env = {
    ...reach,
    MT5_TERMINALS: "10.0.0.5:1",
    MT5_RPC_DIALECT: "",
    WORKER_ID: "mine",
    SUPABASE_URL: "http://x",
  };
  const { terminals, workerEnv } = parseDevOptions([], env).stack;
  assert.deepEqual({ terminals, workerEnv }, { terminals: "10.0.0.5:1", workerEnv: reach });
});

test("parseDevOptions() refuses what it does not know", () => {
  for (const args of [
    ["--prot", "1"],
    ["x"],
    ["--json=1"],
    ["--port"],
    ["--port", "--json"],
    ["--port", "0"],
    ["--port", "65536"],
    ["--port", "1x"],
  ]) {
    assert.throws(() => parseDevOptions(args, {}), UsageError, args.join(" "));
  }
  assert.throws(() => parseDevOptions([], { SWITCHYARD_EPHEMERAL: "perhaps" }), UsageError);
});
