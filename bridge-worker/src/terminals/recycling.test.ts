// When the operator's command may restart a terminal, at each edge.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayRecycle, RECYCLE_GAP_MS, type Trouble } from "./recycling.ts";

const ripe: Trouble = { reason: "unreachable", silences: 0, failures: 3, sinceLastMs: null, mayAnswerForMs: 0 };
const hung: Trouble = { ...ripe, silences: 1, failures: 1 };

const CASES: [string, Trouble, boolean][] = [
  ["after three failed attempts", ripe, true],
  ["not after two", { ...ripe, failures: 2 }, false],
  ["after a hang that a new connection did not cure", hung, true],
  ["not for one hang alone", { ...hung, failures: 0 }, false],
  ["for a second hang soon after the first", { ...hung, reason: "hung", silences: 2, failures: 0 }, true],
  ["not while its process may still answer for a send", { ...ripe, mayAnswerForMs: 1 }, false],
  ["not then after a hang either", { ...hung, mayAnswerForMs: 1 }, false],
  ["not again too soon", { ...ripe, sinceLastMs: RECYCLE_GAP_MS - 1 }, false],
  ["again after a while", { ...ripe, sinceLastMs: RECYCLE_GAP_MS }, true],
  ["where Python has lost MetaTrader", { ...ripe, reason: "ipc" }, true],
  ["not where another worker has it", { ...ripe, reason: "taken_over" }, false],
  ["not where it is another terminal's process", { ...ripe, reason: "same_process" }, false],
  ["not where it is another terminal", { ...ripe, reason: "shared_terminal" }, false],
  ["not where a person is at its window", { ...ripe, reason: "wrong_account" }, false],
];

describe("mayRecycle", () => {
  for (const [name, trouble, expected] of CASES) it(name, () => assert.equal(mayRecycle(trouble), expected));
});
