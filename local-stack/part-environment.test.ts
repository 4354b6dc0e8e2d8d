// The environments of worker and function, and the files they come from.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEnvFile } from "./env-file.ts";
import { functionEnvironment, workerEnvironment } from "./part-environment.ts";

test("parseEnvFile() reads plain, quoted and JSON values and refuses other lines", () => {
  const text = '# a comment\n\nA=1\nexport B = "two words"\nC={"k":"v=w"}\nD=\n';
  assert.deepEqual(parseEnvFile(text), { A: "1", B: "two words", C: '{"k":"v=w"}', D: "" });
  assert.throws(() => parseEnvFile("no line"), /Not a NAME=value line/);
});

test("parseEnvFile() does not repeat a secret in its error", () => {
  assert.throws(
    () => parseEnvFile("bad name=secret"),
    (error: Error) => !error.message.includes("secret"),
  );
});

test("functionEnvironment() puts today's port into WORKERS and leaves keys and other workers alone", () => {
  const workers = {
    "local-1": { url: "ws://127.0.0.1:1/v1/link", seal_jwks: { keys: [] } },
    far: { url: "wss://far/v1/link" },
  };
  const env = functionEnvironment({
    keyFile: `LINK_PRIVATE_JWK={}\nWORKERS=${JSON.stringify(workers)}\n`,
    workerPort: 1234,
    apiUrl: "http://127.0.0.1:1",
    keys: { anon_key: "a", service_role_key: "s", publishable_key: "p", secret_key: "x" },
    extra: { MORE: "1" },
  });
  assert.deepEqual(JSON.parse(env.WORKERS ?? ""), {
    ...workers,
    "local-1": { ...workers["local-1"], url: "ws://127.0.0.1:1234/v1/link" },
  });
  const { WORKERS: _checked, ...rest } = env;
  assert.deepEqual(rest, {
    LINK_PRIVATE_JWK: "{}",
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_PUBLISHABLE_KEYS: '{"default":"p"}',
    SUPABASE_SECRET_KEYS: '{"default":"x"}',
    SUPABASE_ANON_KEY: "a",
    SUPABASE_SERVICE_ROLE_KEY: "s",
    MORE: "1",
  });
});

test("workerEnvironment() adds the terminals only when there are some", () => {
  const options = { keyFile: "K=1\nWORKER_ID=other\n", port: 1, dataDir: "/d", apiUrl: "http://x" };
  assert.deepEqual(workerEnvironment(options), {
    K: "1",
    WORKER_ID: "local-1",
    WORKER_HOST: "127.0.0.1",
    WORKER_PORT: "1",
    WORKER_DATA_DIR: "/d",
    SUPABASE_URL: "http://x",
  });
  assert.equal(workerEnvironment({ ...options, terminals: "a:1,b:2" }).MT5_TERMINALS, "a:1,b:2");
});
