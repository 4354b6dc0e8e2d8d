// Parts with real child processes: readiness, deaths that were and were not asked for, stopping the stubborn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Exit, KEPT_LINES, type PartCommand, startPart } from "./child-process.ts";
import { isAlive } from "./process-identity.ts";

/** A child that runs `script` and is ready when it says so. */
function script(source: string, more: Partial<PartCommand> = {}): PartCommand {
  return {
    name: "child",
    file: process.execPath,
    args: ["-e", source],
    env: {},
    readyLimitMs: 20_000,
    stopLimitMs: 5_000,
    ready: ({ line }) => line(/^ready$/),
    ...more,
  };
}

const STAY = "setInterval(() => {}, 1000);";
const READY = "console.log('ready');";

function recorder(): {
  hooks: { log: (line: string) => void; onUnexpectedExit: (exit: Exit) => void };
  lines: string[];
  died: Promise<Exit>;
  deaths: Exit[];
} {
  const { promise: died, resolve } = Promise.withResolvers<Exit>();
  const lines: string[] = [];
  const deaths: Exit[] = [];
  const hooks = {
    log: (line: string) => void lines.push(line),
    onUnexpectedExit: (exit: Exit) => {
      deaths.push(exit);
      resolve(exit);
    },
  };
  return { hooks, lines, died, deaths };
}

test("startPart() resolves when the child is ready and passes its output on with its name", async () => {
  const { hooks, lines, deaths } = recorder();
  const part = await startPart(script(READY + STAY), hooks);
  assert.ok(isAlive(part.pid));
  assert.deepEqual(lines, ["[child] ready"]);
  await part.stop();
  assert.ok(!isAlive(part.pid));
  assert.deepEqual(deaths, []);
});

test("startPart() rejects with the last lines when the child ends before it is ready", async () => {
  const { hooks, deaths } = recorder();
  const starting = startPart(script("console.error('no database'); process.exit(3)"), hooks);
  await assert.rejects(starting, /child ended before it was ready: exit code 3\n {2}\| no database/);
  assert.deepEqual(deaths, []);
});

test("startPart() rejects and ends a child that is not ready in time", async () => {
  const { hooks, lines } = recorder();
  const command = script(`console.log(process.pid); ${STAY}`, {
    readyLimitMs: 1000,
    ready: () => new Promise(() => undefined),
  });
  await assert.rejects(startPart(command, hooks), /was not ready after 1000 ms/);
  assert.ok(!isAlive(Number(lines[0]?.split(" ")[1])));
});

test("startPart() rejects when the program does not exist", async () => {
  await assert.rejects(startPart(script("", { file: "/nonexistent/program" }), recorder().hooks), /ENOENT/);
});

test("a death nobody asked for is reported once, with its last lines and no more than are kept", async () => {
  const { hooks, died } = recorder();
  const source = `${READY} for (let i = 0; i < ${KEPT_LINES + 5}; i++) console.error('line ' + i); process.exitCode = 7;`;
  await startPart(script(source), hooks);
  const exit = await died;
  assert.equal(exit.code, 7);
  assert.equal(exit.lastLines.length, KEPT_LINES);
  assert.equal(exit.lastLines.at(-1), `line ${KEPT_LINES + 4}`);
});

test("a kill through the part is no failure, one from outside is", async () => {
  const asked = recorder();
  const part = await startPart(script(READY + STAY), asked.hooks);
  part.kill("SIGKILL");
  assert.equal((await part.exited).signal, "SIGKILL");
  assert.deepEqual(asked.deaths, []);

  const outside = recorder();
  const other = await startPart(script(READY + STAY), outside.hooks);
  process.kill(other.pid, "SIGKILL");
  assert.equal((await outside.died).signal, "SIGKILL");
});

test("SIGSTOP does not make a later death an expected one", async () => {
  const { hooks, died } = recorder();
  const part = await startPart(script(READY + STAY), hooks);
  part.kill("SIGSTOP");
  process.kill(part.pid, "SIGKILL");
  assert.equal((await died).signal, "SIGKILL");
});

test("restart() gives a new ready process, also after a kill", async () => {
  const { hooks, deaths } = recorder();
  const part = await startPart(script(READY + STAY), hooks);
  const first = part.pid;
  await part.restart();
  const second = part.pid;
  assert.notEqual(second, first);
  assert.ok(!isAlive(first));
  part.kill("SIGKILL");
  await part.restart();
  assert.ok(isAlive(part.pid));
  await part.stop();
  assert.deepEqual(deaths, []);
});

test("stop() kills a child that ignores its stop signal", async () => {
  const stubborn = `process.on('SIGTERM', () => {}); ${READY} ${STAY}`;
  const part = await startPart(script(stubborn, { stopLimitMs: 200 }), recorder().hooks);
  await Promise.all([part.stop(), part.stop()]);
  assert.equal((await part.exited).signal, "SIGKILL");
});

test("a child is in a process group of its own: the terminal's Ctrl-C does not reach it", async () => {
  const source = `require('child_process').exec('ps -o pgid= -p ' + process.pid, (e, out) => console.log('group ' + out.trim())); ${STAY}`;
  const { hooks, lines } = recorder();
  const env = { PATH: process.env.PATH ?? "" };
  const part = await startPart(script(source, { env, ready: ({ line }) => line(/^group \d+$/) }), hooks);
  assert.deepEqual(lines, [`[child] group ${part.pid}`]);
  await part.stop();
});
