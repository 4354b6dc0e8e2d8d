// The launcher with the real programs: repair of the package, folders that are closed, folders in use or left half made.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "pg";
import { freePort } from "../ports.ts";
import { assertReachable, hydrateSymlinks } from "./binaries.ts";
import { LOCAL_PASSWORD, SUPERUSER, startCluster } from "./cluster.ts";

const HOOKS = { log: () => undefined };

function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-cluster-"));
  chmodSync(folder, 0o711);
  return folder;
}

test("hydrateSymlinks() makes the missing links and leaves the others alone", () => {
  const folder = openFolder();
  mkdirSync(join(folder, "native", "lib"), { recursive: true });
  const links = [
    { source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" },
    { source: "native/lib/libx.so.1.2", target: "native/lib/libx.so" },
  ];
  writeFileSync(join(folder, "native", "pg-symlinks.json"), JSON.stringify(links));
  writeFileSync(join(folder, "native", "lib", "libx.so.1.2"), "");
  hydrateSymlinks(folder);
  hydrateSymlinks(folder);
  assert.equal(readlinkSync(join(folder, "native", "lib", "libx.so.1")), "libx.so.1.2");
  assert.ok(existsSync(join(folder, "native", "lib", "libx.so")));
  rmSync(folder, { recursive: true });
});

test("assertReachable() names the closed folder and the way out", () => {
  const folder = openFolder();
  const closed = join(folder, "closed");
  mkdirSync(join(closed, "data"), { recursive: true });
  chmodSync(closed, 0o700);
  const stranger = { uid: 54321, gid: 54321 };
  assert.throws(
    () => assertReachable(join(closed, "data"), stranger, "The data"),
    (error: Error) => {
      return error.message.includes(`chmod o+x "${closed}"`);
    },
  );
  rmSync(folder, { recursive: true });
});

test("startCluster() serves scram logins on loopback, also over a half made folder and a dead server's pid file", async () => {
  const folder = openFolder();
  const dataDir = join(folder, "postgres");
  // What an interrupted initdb leaves behind.
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "postgresql.conf"), "");
  const port = await freePort();
  const part = await startCluster({ dataDir, port, ephemeral: true }, HOOKS);
  const connect = async (password: string): Promise<string> => {
    const client = new Client({ host: "127.0.0.1", port, user: SUPERUSER, password, database: "postgres" });
    try {
      await client.connect();
      const { rows } = await client.query<{ version: string }>("select current_setting('server_version') as version");
      return rows[0]?.version ?? "";
    } finally {
      await client.end();
    }
  };
  assert.match(await connect(LOCAL_PASSWORD), /^17\./);
  await assert.rejects(connect("wrong"), { code: "28P01" });
  part.kill("SIGKILL");
  await part.exited;
  assert.ok(existsSync(join(dataDir, "postmaster.pid")));
  const again = await startCluster({ dataDir, port, ephemeral: true }, HOOKS);
  assert.match(await connect(LOCAL_PASSWORD), /^17\./);
  await assert.rejects(startCluster({ dataDir, port, ephemeral: true }, HOOKS), /Another Postgres \(process \d+\)/);
  await again.stop();
  assert.ok(!existsSync(join(dataDir, "postmaster.pid")), "a clean end");
  rmSync(folder, { recursive: true });
});
