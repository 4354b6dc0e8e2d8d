// What the journal promises while it is open and across a close: one beginning, one final ending, nothing undelivered
// forgotten, and proofs that lapse. Crashes and foreign files: sqlite-journal-crash.test.ts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Journal, ProofKey } from "./journal.ts";
import { openJournal } from "./open-journal.ts";
import { ACCOUNT, endingOf, idOf, intentOf, openOf, USER_ID, WORKER_ID } from "./testdata/entries.ts";

describe("SqliteJournal", () => {
  let dir: string;
  let path: string;
  let nowMs: number;
  let journal: Journal;

  const open = (newJournal = false): Journal =>
    openJournal({ path, workerId: WORKER_ID, now: () => nowMs, newJournal });
  const reopen = (): void => {
    journal.close();
    journal = open();
  };
  /** The column as it is on the disk; undefined when there is no such row. */
  const stored = (column: string, id: string): unknown => {
    journal.close();
    const db = new DatabaseSync(path);
    const value = db.prepare(`select ${column} as value from command where id = ?`).get(id)?.value;
    db.close();
    journal = open();
    return value;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "journal-"));
    path = join(dir, "journal.db");
    nowMs = 1_000_000;
    journal = open(true);
  });
  afterEach(() => {
    journal.close();
    rmSync(dir, { recursive: true });
  });

  it("gives back after a reopening all that was written", () => {
    journal.recordIntent(intentOf(1));
    journal.recordIntent(intentOf(2));
    journal.recordEnding(endingOf(2, "signed"));
    const proof: ProofKey = { userId: USER_ID, account: ACCOUNT, credentialHash: "hash" };
    journal.prove(proof, nowMs);
    journal.saveRiskCounters(ACCOUNT, { day: "2026-03-02", dayStartEquity: 1000.25, peakEquity: 1200.5 });
    nowMs += 5000;
    reopen();
    assert.equal(journal.workerId, WORKER_ID);
    assert.equal(journal.createdAt, 1_000_000);
    assert.deepStrictEqual(journal.interrupted(), [openOf(1)]);
    assert.deepStrictEqual(journal.find(idOf(2)), {
      ...{ id: idOf(2), userId: USER_ID, kind: "trade", tag: 2 ** 40 + 2, account: intentOf(2).account },
      ...{ state: "final", result: "signed", request: intentOf(2).request },
    });
    assert.equal(journal.isProven(proof, 0), true);
    assert.deepStrictEqual(journal.riskCounters(ACCOUNT), {
      ...{ day: "2026-03-02", dayStartEquity: 1000.25, peakEquity: 1200.5 },
    });
  });

  it("knows nothing of an id it was never told", () => {
    assert.equal(journal.find(idOf(1)), undefined);
    assert.equal(journal.tagOwner(2 ** 40), undefined);
    assert.equal(journal.riskCounters(ACCOUNT), undefined);
  });

  describe("beginning (J1)", () => {
    it("begins a command once: the second intent throws and changes nothing", () => {
      journal.recordIntent(intentOf(1));
      assert.throws(() => journal.recordIntent(intentOf(1, { tag: 2 ** 41, credential: "other" })));
      assert.deepStrictEqual(journal.interrupted(), [openOf(1)]);
    });

    it("does not begin what has ended: a tombstone meets the late frame", () => {
      journal.recordEnding(endingOf(1, "expired"));
      assert.throws(() => journal.recordIntent(intentOf(1)));
      assert.equal(journal.find(idOf(1))?.result, "expired");
      assert.deepStrictEqual(journal.interrupted(), []);
    });

    it("refuses a tag that another command has", () => {
      journal.recordIntent(intentOf(1));
      assert.throws(() => journal.recordIntent(intentOf(2, { tag: intentOf(1).tag })));
      assert.equal(journal.find(idOf(2)), undefined);
    });

    it("carries the largest tag exactly", () => {
      journal.recordIntent(intentOf(1, { tag: 2 ** 52 - 1 }));
      assert.equal(journal.interrupted()[0]?.tag, 2 ** 52 - 1);
      assert.equal(journal.tagOwner(2 ** 52 - 1)?.id, idOf(1));
    });
  });

  describe("ending (J2)", () => {
    it("keeps the first final ending and answers it to whoever comes second", () => {
      journal.recordIntent(intentOf(1));
      assert.equal(journal.recordEnding(endingOf(1, "done")), "done");
      assert.equal(journal.recordEnding(endingOf(1, "rejected")), "done");
      assert.equal(journal.recordEnding(endingOf(1, "unknown", false)), "done");
      assert.equal(journal.find(idOf(1))?.state, "final");
    });

    it("lets an unknown one become final, once", () => {
      journal.recordIntent(intentOf(1));
      assert.equal(journal.recordEnding(endingOf(1, "unknown", false)), "unknown");
      assert.equal(journal.find(idOf(1))?.state, "unknown");
      assert.equal(journal.recordEnding(endingOf(1, "done")), "done");
      assert.equal(journal.recordEnding(endingOf(1, "not_executed")), "done");
    });

    it("ends commands that never began", () => {
      assert.equal(journal.recordEnding(endingOf(1, "refused")), "refused");
      assert.deepStrictEqual(journal.find(idOf(1)), {
        ...{ id: idOf(1), userId: USER_ID, kind: "trade", tag: null, account: null },
        ...{ state: "final", result: "refused", request: null },
      });
    });

    it("keeps the credential while the outcome is open and wipes it from the row when it is final", () => {
      journal.recordIntent(intentOf(1));
      assert.equal(stored("credential", idOf(1)), "sealed-1");
      journal.recordEnding(endingOf(1, "unknown", false));
      assert.equal(stored("credential", idOf(1)), "sealed-1");
      journal.recordEnding(endingOf(1, "done"));
      assert.equal(stored("credential", idOf(1)), null);
      assert.deepStrictEqual(journal.find(idOf(1))?.request, intentOf(1).request);
    });
  });

  it("lists as interrupted the intents without an ending, oldest first", () => {
    for (const number of [3, 1, 2, 4]) {
      nowMs += 1;
      journal.recordIntent(intentOf(number));
    }
    journal.recordEnding(endingOf(2, "done"));
    journal.recordEnding(endingOf(4, "unknown", false));
    assert.deepStrictEqual(
      journal.interrupted().map(({ id }) => id),
      [idOf(3), idOf(1)],
    );
  });

  it("names the owner of a tag, also after the end, with what he asked for", () => {
    journal.recordIntent(intentOf(1));
    journal.recordEnding(endingOf(1, "done"));
    const owner = { id: idOf(1), userId: USER_ID, request: intentOf(1).request };
    assert.deepStrictEqual(journal.tagOwner(2 ** 40 + 1), owner);
    assert.equal(journal.tagOwner(2 ** 40 + 2), undefined);
  });

  describe("the outbox", () => {
    it("holds results until they are confirmed, oldest first, as many as asked for", () => {
      for (const number of [2, 1, 3]) {
        nowMs += 1;
        journal.recordEnding(endingOf(number, `result ${number}`));
      }
      assert.deepStrictEqual(
        journal.undelivered(2).map(({ id }) => id),
        [idOf(2), idOf(1)],
      );
      journal.confirmDelivery(idOf(2), "result 2");
      reopen();
      assert.deepStrictEqual(
        journal.undelivered(10).map(({ result }) => result),
        ["result 1", "result 3"],
      );
    });

    it("offers a later ending again, and is not fooled by a confirmation of the older one", () => {
      journal.recordIntent(intentOf(1));
      journal.recordEnding(endingOf(1, "unknown", false));
      journal.confirmDelivery(idOf(1), "unknown");
      assert.deepStrictEqual(journal.undelivered(10), []);
      journal.recordEnding(endingOf(1, "done"));
      journal.confirmDelivery(idOf(1), "unknown");
      assert.deepStrictEqual(journal.undelivered(10), [{ id: idOf(1), result: "done" }]);
      journal.confirmDelivery(idOf(1), "done");
      assert.deepStrictEqual(journal.undelivered(10), []);
    });

    it("does not offer intents, nor again what a refused second ending repeated", () => {
      journal.recordIntent(intentOf(1));
      assert.deepStrictEqual(journal.undelivered(10), []);
      journal.recordEnding(endingOf(1, "done"));
      journal.confirmDelivery(idOf(1), "done");
      journal.recordEnding(endingOf(1, "rejected"));
      assert.deepStrictEqual(journal.undelivered(10), []);
    });
  });

  it("counts the orders begun on an account since a moment, that moment included", () => {
    journal.recordIntent(intentOf(1));
    nowMs += 60_000;
    journal.recordIntent(intentOf(2));
    journal.recordEnding(endingOf(2, "done"));
    journal.recordEnding(endingOf(9, "refused"));
    journal.recordIntent(intentOf(3, { account: { ...intentOf(3).account, server: "Other-Live" } }));
    assert.equal(journal.intentsSince(ACCOUNT, 1_000_000), 2);
    assert.equal(journal.intentsSince(ACCOUNT, 1_000_001), 1);
    assert.equal(journal.intentsSince(ACCOUNT, 1_060_001), 0);
    assert.equal(journal.intentsSince({ ...ACCOUNT, login: "1" }, 0), 0);
  });

  describe("proofs", () => {
    const proof: ProofKey = { userId: USER_ID, account: ACCOUNT, credentialHash: "hash" };
    const others: Record<string, ProofKey> = {
      user: { ...proof, userId: "7c9e6679-7425-40de-944b-e07fc1f90ae7" },
      login: { ...proof, account: { ...ACCOUNT, login: "5012346" } },
      server: { ...proof, account: { ...ACCOUNT, server: "MetaQuotes-Live" } },
      credential: { ...proof, credentialHash: "hash2" },
    };

    for (const [part, other] of Object.entries(others)) {
      it(`proves nothing for another ${part}, and is not removed with it`, () => {
        journal.prove(proof, 5000);
        assert.equal(journal.isProven(other, 0), false);
        journal.disprove(other);
        assert.equal(journal.isProven(proof, 0), true);
      });
    }

    it("counts from its last login, and lapses one millisecond later", () => {
      journal.prove(proof, 5000);
      assert.equal(journal.isProven(proof, 5000), true);
      assert.equal(journal.isProven(proof, 5001), false);
      journal.prove(proof, 6000);
      assert.equal(journal.isProven(proof, 6000), true);
    });

    it("is gone for good when it was removed", () => {
      journal.prove(proof, 5000);
      journal.disprove(proof);
      reopen();
      assert.equal(journal.isProven(proof, 0), false);
    });
  });

  it("keeps the newest risk counters of each account apart", () => {
    const counters = { day: "2026-03-02", dayStartEquity: 1000, peakEquity: 1000 };
    journal.saveRiskCounters(ACCOUNT, counters);
    journal.saveRiskCounters({ ...ACCOUNT, server: "Other-Live" }, { ...counters, peakEquity: 7 });
    journal.saveRiskCounters(ACCOUNT, { ...counters, peakEquity: 1100 });
    assert.equal(journal.riskCounters(ACCOUNT)?.peakEquity, 1100);
    assert.equal(journal.riskCounters({ ...ACCOUNT, server: "Other-Live" })?.peakEquity, 7);
  });

  it("tells how much is open: unknown commands, and since when the oldest result is not delivered", () => {
    assert.deepStrictEqual(journal.backlog(), { unknown: 0, undeliveredSince: null });
    journal.recordIntent(intentOf(1));
    assert.deepStrictEqual(journal.backlog(), { unknown: 0, undeliveredSince: null });
    journal.recordEnding(endingOf(1, "unknown", false));
    nowMs += 5000;
    journal.recordEnding(endingOf(2, "done"));
    assert.deepStrictEqual(journal.backlog(), { unknown: 1, undeliveredSince: 1_000_000 });
    journal.confirmDelivery(idOf(1), "unknown");
    assert.deepStrictEqual(journal.backlog(), { unknown: 1, undeliveredSince: 1_005_000 });
    journal.confirmDelivery(idOf(2), "done");
    journal.recordIntent(intentOf(3));
    journal.recordEnding(endingOf(3, "unknown", false));
    journal.acknowledge(idOf(3));
    journal.confirmDelivery(idOf(3), "unknown");
    assert.deepStrictEqual(journal.backlog(), { unknown: 1, undeliveredSince: null });
    journal.recordEnding(endingOf(1, "settled"));
    assert.deepStrictEqual(journal.backlog(), { unknown: 0, undeliveredSince: nowMs });
  });
});
