// Every arrow between the states, walked by the session itself; and every other pair, which is no arrow.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TerminalLost } from "../mt5/mod.ts";
import { reading, terminalFacts } from "../mt5/testdata/facts.ts";
import { TerminalSession } from "./terminal-session.ts";
import { NEXT_STATES, type TerminalState } from "./terminal-state.ts";
import { ACCOUNT, FakeTerminal, logInto } from "./testdata/fake-terminal.ts";

const LOST = new TerminalLost("connection", "away");
const WELL = { terminal: terminalFacts(), account: null, epoch: "epoch-1" };

type Scene = { port: FakeTerminal; session: TerminalSession };

/** How a terminal gets into a state. What a scene leaves running ends with `settle`. */
const INTO: Record<TerminalState, (scene: Scene) => Promise<unknown>> = {
  disconnected: async () => {},
  connecting: async ({ session }) => void session.open().catch(() => {}),
  idle: ({ session }) => session.open(),
  busy: async ({ session }) => {
    await session.open();
    session.begin();
  },
  switching: async ({ session }) => {
    await session.open();
    void session.login(ACCOUNT, "password", 1000).catch(() => {});
  },
  quarantined: async ({ session, port }) => {
    await session.open();
    port.onRead = LOST;
    await session.read(ACCOUNT, {}, 1000).catch(() => {});
    port.onRead = reading();
  },
  draining: async ({ session }) => {
    await session.open();
    void session.close();
  },
};

/** What makes it leave a state for another: one way for each arrow of the table. */
const ARROWS: Record<string, (scene: Scene) => unknown> = {
  "disconnected → connecting": INTO.connecting,
  "connecting → idle": () => {},
  "connecting → busy": ({ session }) => session.begin(),
  "connecting → quarantined": ({ port }) => {
    port.onOpen = LOST;
  },
  "connecting → draining": ({ session }) => session.close(),
  "idle → busy": ({ session }) => session.begin(),
  "idle → switching": ({ session }) => session.login(ACCOUNT, "password", 1000),
  "idle → quarantined": ({ session, port }) => loseAt(session, port),
  "idle → draining": ({ session }) => session.close(),
  "busy → idle": ({ session }) => session.end(),
  "busy → switching": ({ session }) => session.login(ACCOUNT, "password", 1000),
  "busy → quarantined": ({ session, port }) => loseAt(session, port),
  "busy → draining": ({ session }) => session.close(),
  "switching → idle": () => {},
  "switching → busy": ({ session }) => session.begin(),
  "switching → quarantined": ({ port }) => {
    port.onLogin = LOST;
  },
  "switching → draining": ({ session }) => session.close(),
  "quarantined → connecting": ({ session }) => session.open(),
  "quarantined → draining": ({ session }) => session.close(),
  "draining → disconnected": () => {},
};

async function loseAt(session: TerminalSession, port: FakeTerminal): Promise<void> {
  port.onRead = LOST;
  await session.read(ACCOUNT, {}, 1000).catch(() => {});
}

describe("the states of a terminal", () => {
  let scene: Scene;
  let walked: string[];

  beforeEach(() => {
    walked = [];
    const port = new SlowTerminal();
    port.onOpen = WELL;
    const session = new TerminalSession({ port, kind: "simulator", log: logInto([]), now: () => 0 });
    session.onChange((to, from) => walked.push(`${from} → ${to}`));
    scene = { port, session };
  });

  it("the table has an arrow for each way that is walked here, and no other", () => {
    const arrows = Object.entries(NEXT_STATES).flatMap(([from, all]) => all.map((to) => `${from} → ${to}`));
    assert.deepEqual(arrows.sort(), Object.keys(ARROWS).sort());
  });

  for (const [arrow, walk] of Object.entries(ARROWS)) {
    it(arrow, async () => {
      const [from = ""] = arrow.split(" → ");
      await INTO[from as TerminalState](scene);
      assert.equal(scene.session.state, from);
      walked.length = 0;
      await walk(scene);
      await settle();
      assert.equal(walked[0], arrow);
    });
  }

  it("a late failure finds the terminal gone, and is a loss like any other", async () => {
    await scene.session.open();
    scene.port.onLogin = LOST;
    const login = scene.session.login(ACCOUNT, "password", 1000);
    await Promise.all([scene.session.close(), assert.rejects(login, (error) => error === LOST)]);
    assert.deepEqual(walked.slice(-2), ["switching → draining", "draining → disconnected"]);
  });

  it("a job that ends after the terminal was lost changes nothing", async () => {
    await INTO.busy(scene);
    await loseAt(scene.session, scene.port);
    scene.session.end();
    assert.equal(scene.session.state, "quarantined");
  });

  it("a terminal that connects or logs in for a job is busy afterwards, else idle", async () => {
    scene.session.begin();
    await scene.session.ensureOpen();
    await scene.session.login(ACCOUNT, "password", 1000);
    scene.session.end();
    assert.deepEqual(walked, [
      ...["disconnected → connecting", "connecting → busy", "busy → switching", "switching → busy", "busy → idle"],
    ]);
  });
});

/** Answers a turn later than it is asked, so that a test can come in between. */
class SlowTerminal extends FakeTerminal {
  override async open(): ReturnType<FakeTerminal["open"]> {
    await turn();
    return super.open();
  }

  override async login(...call: Parameters<FakeTerminal["login"]>): ReturnType<FakeTerminal["login"]> {
    await turn();
    return super.login(...call);
  }

  override async close(): Promise<void> {
    await turn();
    return super.close();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}
