import assert from "node:assert/strict";
import { test } from "node:test";
import { addRecord } from "./sim-book.ts";

test("addRecord() keeps as many records as the limit, and drops the oldest one over it", () => {
  const records: number[] = [1, 2];
  addRecord(records, 3, 3);
  assert.deepEqual(records, [1, 2, 3]);
  addRecord(records, 4, 3);
  assert.deepEqual(records, [2, 3, 4]);
});
