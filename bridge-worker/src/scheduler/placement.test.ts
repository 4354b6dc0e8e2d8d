// Where a lane goes that has no work anywhere, as a table.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeLane, type TerminalView } from "./placement.ts";

function view(change: Partial<TerminalView> = {}): TerminalView {
  return { lane: null, load: 0, unavailableForMs: 0, lastUsedMs: 0, ...change };
}

const CASES: { name: string; terminals: TerminalView[]; expected: number | undefined }[] = [
  {
    name: "where its account is still logged in, although another one is idle",
    terminals: [view(), view({ lane: "L", load: 5, lastUsedMs: 9 })],
    expected: 1,
  },
  {
    name: "not to a terminal that cannot be used, even if its account is there",
    terminals: [view({ lane: "L", unavailableForMs: 1 }), view({ lane: "other", load: 9 })],
    expected: 1,
  },
  {
    name: "to the least loaded one",
    terminals: [view({ load: 2 }), view({ lane: "other", load: 1, lastUsedMs: 9 }), view({ load: 3 })],
    expected: 1,
  },
  {
    name: "to one on no account before one on somebody's account",
    terminals: [view({ lane: "other", lastUsedMs: 1 }), view({ lastUsedMs: 99 })],
    expected: 1,
  },
  {
    name: "else to the account that was unused for longest",
    terminals: [
      view({ lane: "a", lastUsedMs: 30 }),
      view({ lane: "b", lastUsedMs: 10 }),
      view({ lane: "c", lastUsedMs: 20 }),
    ],
    expected: 1,
  },
  { name: "to the first of equals", terminals: [view(), view()], expected: 0 },
  {
    name: "to some terminal when none can be used",
    terminals: [view({ unavailableForMs: 5, load: 1 }), view({ unavailableForMs: 900 })],
    expected: 1,
  },
  {
    name: "never to one that may not serve it, even if its account is there and all others are away",
    terminals: [view({ lane: "L", serves: false }), view({ unavailableForMs: 900, load: 5 })],
    expected: 1,
  },
  {
    name: "not to one where a job hangs, although little else waits there",
    terminals: [view({ load: 1, runningForMs: 2_001 }), view({ load: 9, runningForMs: 2_000 })],
    expected: 1,
  },
  { name: "to none when none may serve it", terminals: [view({ serves: false })], expected: undefined },
];

describe("placeLane", () => {
  for (const { name, terminals, expected } of CASES) {
    it(name, () => assert.equal(placeLane("L", terminals), expected));
  }
});
