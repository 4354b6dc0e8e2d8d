// A ticket opens one link, and stands beside our own protocol.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ticketOf, UsedTickets } from "./tickets.ts";

describe("UsedTickets", () => {
  it("lets each ticket in once while it could live", () => {
    const tickets = new UsedTickets();
    assert.deepEqual(
      [tickets.use("a", 100, 0), tickets.use("a", 100, 0), tickets.use("a", 100, 100), tickets.use("b", 100, 100)],
      [true, false, false, true],
    );
  });

  it("forgets a ticket only after it is dead", () => {
    const tickets = new UsedTickets();
    tickets.use("a", 100, 0);
    tickets.use("b", 500, 101);
    assert.deepEqual([tickets.use("a", 500, 101), tickets.use("b", 500, 101)], [true, false]);
  });
});

describe("ticketOf", () => {
  const CASES: [string[], string | undefined][] = [
    [["switchyard.v1", "ticket.abc.def.ghi"], "abc.def.ghi"],
    [["ticket.abc", "switchyard.v1"], "abc"],
    [["switchyard.v2", "ticket.abc"], undefined],
    [["ticket.abc"], undefined],
    [["switchyard.v1"], undefined],
    [[], undefined],
  ];
  for (const [offered, expected] of CASES) {
    it(`[${offered.join(", ")}] → ${expected}`, () => {
      assert.equal(ticketOf(offered, "switchyard.v1", "ticket."), expected);
    });
  }
});
