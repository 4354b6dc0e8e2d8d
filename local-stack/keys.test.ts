// Keys: made once, kept, readable by the owner only, and never silently replaced when they cannot be read.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { writeKeySet } from "../scripts/keys.ts";
import { loadProjectKeys } from "./keys.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-keys-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("loadProjectKeys() makes keys once and gives the same ones afterwards", () =>
  inFolder(async (folder) => {
    const first = await loadProjectKeys(folder);
    const second = await loadProjectKeys(folder);
    assert.deepEqual(second.api, first.api);
    assert.deepEqual(second.jwks, first.jwks);
    assert.match(first.api.publishable_key, /^sb_publishable_[\w-]{22}_[\w-]{8}$/);
    assert.match(first.api.secret_key, /^sb_secret_[\w-]{22}_[\w-]{8}$/);
    for (const file of ["api_keys.json", "signing_keys.json"]) {
      assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file);
    }
  }));

test("the legacy keys are ES256 tokens of their role for ten years", () =>
  inFolder(async (folder) => {
    const keys = await loadProjectKeys(folder);
    for (const [key, role] of [
      [keys.api.anon_key, "anon"],
      [keys.api.service_role_key, "service_role"],
    ] as const) {
      const { payload, protectedHeader } = await jwtVerify(key, createLocalJWKSet(keys.jwks));
      assert.deepEqual([payload.role, protectedHeader.alg], [role, "ES256"]);
      assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 10 * 365 * 24 * 60 * 60);
    }
  }));

test("loadProjectKeys() uses the signing key that `npm run keys` wrote", () =>
  inFolder(async (folder) => {
    const dir = join(folder, "set");
    const { signingKeys } = await writeKeySet({ dir, workerId: "w", workerUrl: "ws://127.0.0.1:1/v1/link" });
    const [written] = JSON.parse(readFileSync(signingKeys, "utf8")) as { kid: string }[];
    const keys = await loadProjectKeys(dir);
    assert.equal(keys.jwks.keys[0]?.kid, written?.kid);
  }));

test("API keys are made anew when their signing key is gone", () =>
  inFolder(async (folder) => {
    const first = await loadProjectKeys(folder);
    rmSync(join(folder, "signing_keys.json"));
    const second = await loadProjectKeys(folder);
    assert.notEqual(second.api.anon_key, first.api.anon_key);
    await jwtVerify(second.api.anon_key, createLocalJWKSet(second.jwks));
  }));

test("loadProjectKeys() refuses files it cannot read, and names them", () =>
  inFolder(async (folder) => {
    await loadProjectKeys(folder);
    writeFileSync(join(folder, "signing_keys.json"), "[]");
    await assert.rejects(loadProjectKeys(folder), /Cannot use ".*signing_keys\.json"/);
  }));
