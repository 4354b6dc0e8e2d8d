// The book of running commands: everybody who waits hears the same, and the result is the last thing they hear.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandCall, CommandEvent } from "./calls.ts";
import { CommandBook } from "./command-book.ts";

const CALL: CommandCall = {
  id: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
  userId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  account: { id: "16fd2706-8baf-433b-82eb-8c7fada847da", login: "5000001", server: "Switchyard-Demo" },
  notAfterMs: 1,
  submittedAgoMs: 0,
  body: {
    request: { kind: "cancel_order", params: { ticket: "1" } },
    tag: 2 ** 40,
    credential: "x",
    risk_limits: null,
  },
};

describe("CommandBook", () => {
  it("finds a command until it is finished, and counts it", () => {
    const book = new CommandBook();
    const command = book.add(CALL, 5);
    assert.equal(book.find(CALL.id), command);
    assert.deepEqual([book.size, command.phase, command.cancelled, command.arrivedMs], [1, "received", false, 5]);
    book.finish(command, "signed");
    assert.deepEqual([book.find(CALL.id), book.size], [undefined, 0]);
  });

  it("tells every subscriber each phase and then the one result", () => {
    const book = new CommandBook();
    const command = book.add(CALL, 0);
    const heard: CommandEvent[][] = [[], []];
    for (const events of heard) command.subscribers.add((event) => events.push(event));
    book.setPhase(command, "queued");
    book.setPhase(command, "started");
    book.finish(command, "signed");
    // Whoever ends it a second time (a cancel against an expiry) tells nobody anything any more.
    book.finish(command, "another");
    const expected = [{ phase: "queued" }, { phase: "started" }, { result: "signed" }];
    assert.deepEqual(heard, [expected, expected]);
    assert.equal(command.phase, "started");
  });

  it("tells nothing to a subscriber that left", () => {
    const book = new CommandBook();
    const command = book.add(CALL, 0);
    const heard: CommandEvent[] = [];
    const subscriber = (event: CommandEvent): unknown => heard.push(event);
    command.subscribers.add(subscriber);
    command.subscribers.delete(subscriber);
    book.finish(command, "signed");
    assert.deepEqual(heard, []);
  });
});
