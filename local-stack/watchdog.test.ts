// The watchdog with a supervisor that is really killed: nothing registered survives it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { isAlive, isSameProcess, processStart } from "./process-identity.ts";
import { startWatchdog } from "./watchdog.ts";
import { formatWatchdogLine, parseWatchdogLine } from "./watchdog-lines.ts";

const LIMIT_MS = 10_000;

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("when the supervisor is killed, its children end and its folders go, newest child first", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-watchdog-"));
  const program = new URL("./testdata/killed-supervisor.ts", import.meta.url).pathname;
  const supervisor = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(supervisor, "exit");
  const [line] = (await once(createInterface({ input: supervisor.stdout }), "line")) as [string];
  const pids = JSON.parse(line) as number[];
  assert.equal(pids.length, 2);
  for (const pid of pids) assert.ok(isAlive(pid));
  supervisor.kill("SIGKILL");
  await exited;
  // Orphans are collected by the system's first process; until then they are zombies, which do not run.
  const runs = (pid: number) => isSameProcess(pid, processStart(pid));
  await until(() => !pids.some(runs), "both children ended");
  await until(() => !existsSync(folder), "the folder is gone");
});

test("close() ends the watchdog and nothing that was forgotten", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  const watchdog = startWatchdog();
  assert.ok(child.pid);
  const folder = mkdtempSync(join(tmpdir(), "switchyard-watchdog-"));
  writeFileSync(join(folder, "kept"), "");
  watchdog.guard(child.pid, "SIGTERM");
  watchdog.removeAtDeath(folder);
  watchdog.forget(child.pid);
  watchdog.keep(folder);
  await watchdog.close();
  assert.ok(isAlive(child.pid));
  assert.ok(existsSync(join(folder, "kept")));
  rmSync(folder, { recursive: true });
  const gone = once(child, "exit");
  child.kill();
  await gone;
});

test("isSameProcess() does not take another process with the same id for the old one", () => {
  assert.ok(isSameProcess(process.pid, processStart(process.pid)));
  if (process.platform === "linux") assert.ok(!isSameProcess(process.pid, "1"));
});

test("watchdog lines survive the pipe; torn ones are ignored", () => {
  for (const line of [
    { kind: "register", pid: 12, start: "345", signal: "SIGINT" },
    { kind: "register", pid: 12, start: "", signal: "SIGTERM" },
    { kind: "forget", pid: 7 },
    { kind: "remove", path: "/tmp/a b" },
    { kind: "keep", path: "/tmp/a b" },
  ] as const) {
    assert.deepEqual(parseWatchdogLine(formatWatchdogLine(line).trimEnd()), line);
  }
  for (const text of ["", "+", "+12", "+0 1 SIGTERM", "+12 1 SIGFOO", "rm relative", "-x"]) {
    assert.deepEqual(parseWatchdogLine(text), { kind: "unknown" }, text);
  }
});
