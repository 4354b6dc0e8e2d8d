// Readings for callers who have next to no time left, on a real RPyC server: they say nothing about the terminal.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { now, ONE, TAG, TIMEOUT_MS, useDouble } from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { TerminalSession } from "./terminal-session.ts";
import { logInto } from "./testdata/fake-terminal.ts";

/** Less than the way to the terminal takes. */
const LEFT_MS = 0.01;
const PERIOD = { fromMsc: 0, toMsc: 1000 };

describe("a reading with no time left", { skip: requirePython() ?? false }, () => {
  const { terminalAt } = useDouble();

  const readings: Record<string, (session: TerminalSession) => Promise<{ kind: string }>> = {
    account: (session) => session.readAccount(ONE, LEFT_MS),
    positions: (session) => session.read(ONE, { positions: {} }, LEFT_MS),
    history: (session) => session.history(ONE, { tag: TAG, from: 0, to: 1 }, LEFT_MS),
    records: (session) => session.records(ONE, { list: "deals", ...PERIOD, limit: 1 }, LEFT_MS),
  };
  for (const [name, read] of Object.entries(readings)) {
    it(`of ${name} does not make a terminal hang that is well`, async () => {
      const session = new TerminalSession({ port: terminalAt(), kind: "rpyc", log: logInto([]), now });
      await session.ensureOpen();
      assert.equal((await session.login(ONE, "alpha-one", TIMEOUT_MS)).kind, "ok");
      assert.equal((await read(session)).kind, "ok");
      assert.deepEqual([session.state, session.outage], ["idle", null]);
    });
  }
});
