// What is remembered about refused filling modes belongs to one symbol of one server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FillingMemory } from "./filling-memory.ts";

describe("FillingMemory", () => {
  it("collects refused modes per server and symbol, and knows nothing about others", () => {
    const memory = new FillingMemory();
    assert.equal(memory.refused("Demo", "EURUSD").size, 0);
    memory.remember("Demo", "EURUSD", 0);
    memory.remember("Demo", "EURUSD", 1);
    memory.remember("Demo", "EURUSD", 1);
    assert.deepEqual([...memory.refused("Demo", "EURUSD")], [0, 1]);
    assert.equal(memory.refused("Live", "EURUSD").size, 0);
    assert.equal(memory.refused("Demo", "XAUUSD").size, 0);
  });
});
