// One of four terminals is killed, hijacked or hangs under load: the others go on, its accounts are served elsewhere
// within ten seconds, and nothing is doubled, lost or done on another account.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { requirePython } from "../../support/python.ts";
import { type Deal, type Office, openOffice, tradeAll } from "./office.ts";

const ACCOUNTS = 12;
/** In which every account must be served again. */
const MOVED_MS = 10_000;
/** An account of the broker that nobody here trades on. */
const STRANGER = { login: "1002", server: "Alpha-Demo" };

async function until(holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    assert.ok(performance.now() < endMs, `not within ${limitMs} ms`);
    await pause(5);
  }
}

describe("one of four terminals under load", { skip: requirePython() ?? false }, () => {
  let office: Office;
  let deals: Deal[];
  beforeEach(async () => {
    deals = [];
    office = await openOffice({ terminals: 4, accounts: ACCOUNTS, loginMs: 50 });
  });
  afterEach(() => office.stop());

  const doneSince = (sinceMs: number): Deal[] =>
    deals.filter(({ askedMs, outcome }) => askedMs >= sinceMs && outcome.state === "done");
  const served = (sinceMs: number): Set<string> => new Set(doneSince(sinceMs).map(({ login }) => login));

  /** Everybody trades; once each has, `strike` hits the first terminal. Ends when all were served again, and it is over. */
  async function strikeUnderLoad(strike: () => Promise<void>, recover = async (): Promise<void> => {}): Promise<void> {
    let ends = false;
    const trading = tradeAll(office, deals, () => ends);
    let struckAtMs = 0;
    const isServed = (): boolean => served(struckAtMs).size === ACCOUNTS;
    try {
      await until(isServed);
      await strike();
      struckAtMs = performance.now();
      await until(isServed, MOVED_MS);
    } finally {
      ends = true;
      await recover();
      await trading;
    }
  }

  /** What the brokers booked, against what was told. */
  async function checkBooks(): Promise<void> {
    const booked = (await Promise.all(office.terminals.map((terminal) => terminal.ledger()))).flat();
    const told = new Map(deals.map((deal) => [deal.tag, deal]));
    const times = new Map<string, number>();
    for (const { magic, login } of booked) {
      times.set(magic, (times.get(magic) ?? 0) + 1);
      const deal = told.get(magic);
      assert.ok(deal, "an order that nobody asked for");
      if (login !== deal.login) assert.equal(deal.outcome.state, "unknown", "an order on another account");
    }
    for (const { tag, outcome } of deals) {
      const orders = times.get(tag) ?? 0;
      assert.ok(orders <= 1, "an order twice");
      if (outcome.state === "done") assert.equal(orders, 1, "done, and nothing was booked");
      else if (outcome.state !== "unknown") assert.equal(orders, 0, `${outcome.state}, and an order was booked`);
    }
  }

  const first = () => {
    const [terminal, session] = [office.terminals[0], office.worker.sessions[0]];
    assert.ok(terminal && session);
    return { terminal, session };
  };

  it("killed: its accounts move", async () => {
    const { terminal, session } = first();
    await strikeUnderLoad(async () => {
      await terminal.server.kill();
    });
    assert.equal(session.health().reason, "unreachable");
    await checkBooks();
  });

  it("hijacked, again and again: its accounts move", async () => {
    const { terminal } = first();
    let isHijacked = true;
    let hijacking: Promise<void> | undefined;
    const hijack = async (): Promise<void> => {
      for (; isHijacked; await pause(10)) await terminal.control({ switch: STRANGER });
    };
    await strikeUnderLoad(
      async () => {
        hijacking = hijack();
        await until(() => logged("wrong_account"));
      },
      async () => {
        isHijacked = false;
        await hijacking;
      },
    );
    await checkBooks();
  });

  it("hanging in an order: its accounts move, that order's own too, and that order is unknown until it is proven", async () => {
    const { terminal } = first();
    let hung: string[] = [];
    await strikeUnderLoad(
      async () => {
        await terminal.control({ send: [{ hang: true }] });
        await until(async () => {
          hung = await terminal.hanging();
          return hung.length === 1;
        });
      },
      () => terminal.control({ release: true }),
    );
    const its = deals.filter(({ login }) => login === hung[0]);
    assert.equal(its.filter(({ outcome }) => outcome.state === "unknown").length, 1);
    assert.equal(its.at(-1)?.outcome.state, "done", "served elsewhere meanwhile");
    await checkBooks();
  });

  function logged(reason: string): boolean {
    return office.worker.logged.some((line) => line.includes(`"reason":"${reason}"`));
  }
});
