// The operator's command as a real process: what it gets, and how it ends.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runRecycleCommand } from "./recycle-command.ts";

describe("runRecycleCommand", () => {
  let dir: string;
  let script: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "recycle-"));
    script = join(dir, "restart.mjs");
  });
  after(() => rmSync(dir, { recursive: true }));

  function run(source: string, ...args: string[]): ReturnType<typeof runRecycleCommand> {
    writeFileSync(script, source);
    return runRecycleCommand([process.execPath, script, ...args], "10.0.0.9:18812");
  }

  it("gets its arguments as they are, and of the environment the terminal's name alone", async () => {
    const out = join(dir, "seen.json");
    const source = `import { writeFileSync } from "node:fs";
      const { argv, env } = process;
      console.log("dropped");
      writeFileSync(argv[2], JSON.stringify([argv.slice(3), env]));`;
    const { ended } = run(source, out, "$HOME; echo x", "a b");
    assert.deepEqual(await ended, { exitCode: 0, signal: null });
    const [args, env] = JSON.parse(readFileSync(out, "utf8"));
    assert.deepEqual(args, ["$HOME; echo x", "a b"]);
    assert.deepEqual(env, { SWITCHYARD_TERMINAL: "10.0.0.9:18812" });
  });

  it("tells its exit code", async () => {
    assert.deepEqual(await run("process.exit(7)").ended, { exitCode: 7, signal: null });
  });

  it("can be killed, whatever it does about signals", async () => {
    const command = run(`process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`);
    command.kill();
    assert.deepEqual(await command.ended, { exitCode: null, signal: "SIGKILL" });
  });

  it("that does not exist is an end like any other", async () => {
    const { ended } = runRecycleCommand([join(dir, "absent")], "one");
    assert.deepEqual(await ended, { exitCode: null, signal: null, error: "ENOENT" });
    assert.equal(existsSync(join(dir, "absent")), false);
  });

  it("that the system refuses to start is an end like any other", async () => {
    const refused = { exitCode: null, signal: null };
    writeFileSync(script, "");
    const below = runRecycleCommand([join(script, "restart")], "one");
    assert.deepEqual(await below.ended, { ...refused, error: "ENOTDIR" });
    const long = runRecycleCommand([process.execPath, "a".repeat(4_000_000)], "one");
    assert.deepEqual(await long.ended, { ...refused, error: "E2BIG" });
    long.kill();
    long.leave();
  });
});
