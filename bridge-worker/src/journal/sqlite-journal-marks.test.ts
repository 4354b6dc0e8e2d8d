// What the journal keeps for the settling of open commands: what an unknown one rests on, who waits for it, and whether a
// broker keeps our marks.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Journal } from "./journal.ts";
import { openJournal } from "./open-journal.ts";
import { ACCOUNT, endingOf, idOf, intentOf, openOf, WORKER_ID } from "./testdata/entries.ts";

let dir: string;
let journal: Journal;

const open = (newJournal = false): Journal =>
  openJournal({ path: join(dir, "journal.db"), workerId: WORKER_ID, now: () => 1_000_000, newJournal });
const reopen = (): void => {
  journal.close();
  journal = open();
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "journal-"));
  journal = open(true);
});
afterEach(() => {
  journal.close();
  rmSync(dir, { recursive: true });
});

describe("an open command", () => {
  it("comes back with what its last ending rested on", () => {
    journal.recordIntent(intentOf(1));
    journal.recordEnding({ ...endingOf(1, "unknown", false), evidence: { phase: "sending", attempts: 1 } });
    reopen();
    assert.deepStrictEqual(journal.unsettled(), [{ ...openOf(1), evidence: { phase: "sending", attempts: 1 } }]);
    journal.recordEnding(endingOf(1, "unknown", false));
    assert.equal(journal.unsettled()[0]?.evidence, null);
  });

  it("is among the unsettled as long as it is begun or unknown, and never without a tag", () => {
    for (const number of [1, 2, 3]) journal.recordIntent(intentOf(number));
    journal.recordEnding(endingOf(2, "unknown", false));
    journal.recordEnding(endingOf(3, "done"));
    journal.recordEnding(endingOf(4, "unknown", false));
    assert.deepStrictEqual(
      journal.unsettled().map(({ id }) => id),
      [idOf(1), idOf(2)],
    );
  });

  it("is found by its account, server and login both", () => {
    const account = intentOf(1).account;
    journal.recordIntent(intentOf(1));
    journal.recordIntent(intentOf(2, { account: { ...account, server: "Other-Live" } }));
    journal.recordIntent(intentOf(3, { account: { ...account, login: "1" } }));
    journal.recordIntent(intentOf(4));
    journal.recordEnding(endingOf(4, "done"));
    assert.deepStrictEqual(journal.unsettledOf(ACCOUNT), [openOf(1)]);
  });

  it("stays unknown when its user acknowledges it, and says so after a start", () => {
    journal.recordIntent(intentOf(1));
    journal.recordEnding(endingOf(1, "unknown", false));
    journal.acknowledge(idOf(1));
    reopen();
    assert.equal(journal.find(idOf(1))?.state, "unknown");
    assert.equal(journal.unsettled()[0]?.acknowledged, true);
    journal.recordEnding(endingOf(1, "still unknown", false));
    assert.equal(journal.unsettled()[0]?.acknowledged, true);
  });

  it("cannot be acknowledged before it is unknown: it blocks while it may still be sent", () => {
    journal.recordIntent(intentOf(1));
    journal.acknowledge(idOf(1));
    journal.recordEnding(endingOf(1, "unknown", false));
    assert.equal(journal.unsettled()[0]?.acknowledged, false);
  });
});

describe("marks at a broker", () => {
  const { server } = ACCOUNT;
  const other = { ...ACCOUNT, login: "77" };

  it("are not known before an order was looked at", () => {
    journal.recordMarkCheck({ ...ACCOUNT, server: "Other-Live" }, { magic: true, comment: true });
    assert.deepStrictEqual(journal.markSurvival(server), { magic: null, comment: null });
    assert.equal(journal.isMarkChecked(ACCOUNT), false);
  });

  it("survive when every look says so, after a start too", () => {
    journal.recordMarkCheck(ACCOUNT, { magic: true, comment: false });
    journal.recordMarkCheck(other, { magic: true, comment: false });
    reopen();
    assert.deepStrictEqual(journal.markSurvival(server), { magic: true, comment: false });
    assert.equal(journal.isMarkChecked(ACCOUNT), true);
  });

  it("do not survive when one order lost them, on whichever account", () => {
    journal.recordMarkCheck(ACCOUNT, { magic: true, comment: true });
    journal.recordMarkCheck(other, { magic: false, comment: true });
    assert.deepStrictEqual(journal.markSurvival(server), { magic: false, comment: true });
  });

  it("stay lost when a later order of the account kept them", () => {
    journal.recordMarkCheck(ACCOUNT, { magic: false, comment: false });
    journal.recordMarkCheck(ACCOUNT, { magic: true, comment: true });
    assert.deepStrictEqual(journal.markSurvival(server), { magic: false, comment: false });
  });
});
