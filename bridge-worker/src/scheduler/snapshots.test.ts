// How many readings are kept, and for how long: they can be large, and there are accounts without end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reading } from "../mt5/testdata/facts.ts";
import { Snapshots } from "./snapshots.ts";
import type { Snapshot } from "./task.ts";

const KEPT_MS = 60_000;

function takenAt(takenAtMs: number): Snapshot {
  return { reading: reading(), takenAtMs, asOfMs: takenAtMs };
}

test("Snapshots forgets what is too old to answer anybody", () => {
  const snapshots = new Snapshots(KEPT_MS);
  snapshots.keep("old", takenAt(0));
  snapshots.keep("read again", takenAt(1));
  snapshots.keep("read again", takenAt(KEPT_MS));
  assert.ok(snapshots.find("old"));
  snapshots.keep("new", takenAt(KEPT_MS + 1));
  assert.deepEqual([snapshots.find("old"), snapshots.find("read again")?.takenAtMs], [undefined, KEPT_MS]);
});

test("Snapshots keeps no more than 2,000, the latest", () => {
  const snapshots = new Snapshots(KEPT_MS);
  for (let lane = 0; lane <= 2_000; lane++) snapshots.keep(String(lane), takenAt(0));
  assert.deepEqual([snapshots.find("0"), snapshots.find("1")?.takenAtMs], [undefined, 0]);
});
