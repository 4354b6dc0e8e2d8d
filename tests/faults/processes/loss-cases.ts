// What somebody loses for good: the ledger, while the broker's account lives on; the journal, while a send is under way.
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { until } from "../../support/stack.ts";
import type { FaultCase } from "./campaign.ts";

const PATIENT = { timeout_ms: 8_000 };

export const LossCases: readonly FaultCase[] = [
  {
    name: "the database is reset on the same broker account",
    async run({ rig, run, campaign }) {
      await rig.broker.control({ send: [{ hang: true }] });
      // Not a command of the run: there is nobody left who could ask for it.
      const forgotten = rig.ann.trader.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.01 });
      await rig.hanging();
      const id = rig.frames.frames.findLast(({ type }) => type === "command")?.id;
      await campaign.loseRows();
      await truncateLedger(rig.stack.info.db_url);
      await rig.broker.control({ release: true });
      await forgotten.catch(() => undefined);
      // Old orders at the broker, a new ledger: none of them is taken for the new command's.
      assert.equal((await run.trade(rig.ann, PATIENT))?.status, 200);
      const setAside = new RegExp(`${id}.*command_not_found.*outbox\\.refused`);
      const isSetAside = async (): Promise<boolean> => setAside.test(rig.stack.output());
      await until("the outcome that nobody asked for is set aside", isSetAside);
      return { fired: 1, expect: "done" };
    },
  },
  {
    name: "the journal is lost between send and answer",
    async run({ rig, run, campaign }) {
      const { worker } = rig.stack.parts;
      await rig.broker.control({ send: [{ hang: true }] });
      const answer = run.trade(rig.ann, PATIENT);
      await rig.hanging();
      worker.kill("SIGKILL");
      await worker.exited;
      removeJournal(rig.stack.info.data_dir);
      const told = await answer;
      assert.equal(told?.status, 202, told?.text);
      await assert.rejects(worker.restart(), /--new-journal/);
      rig.crash.newJournal();
      await worker.restart();
      await rig.broker.control({ release: true });
      // With its key, and with time left: it is not begun a second time.
      assert.equal((await run.repeat(run.lastSent()))?.status, 202);
      const id: string = told.body.command_id;
      campaign.mayStayUnknown(id);
      await campaign.isShownUnknown(run, rig.ann, id, "journal_younger_than_command");
      return { fired: 1, expect: "unknown", mayStayUnknown: true };
    },
  },
];

async function truncateLedger(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("truncate public.commands");
  } finally {
    await client.end();
  }
}

function removeJournal(dataDir: string): void {
  const folder = join(dataDir, "worker");
  for (const name of readdirSync(folder)) if (name.startsWith("journal")) rmSync(join(folder, name));
}
