// What is remembered about refused filling modes belongs to one symbol of one server, and to one of two kinds of orders.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FillingMemory } from "./filling-memory.ts";

describe("FillingMemory", () => {
  it("collects refused modes per server, symbol and kind, and knows nothing about others", () => {
    const memory = new FillingMemory();
    const euro = { server: "Demo", symbol: "EURUSD", market: true };
    assert.equal(memory.refused(euro).size, 0);
    memory.remember(euro, 0);
    memory.remember(euro, 1);
    memory.remember(euro, 1);
    assert.deepEqual([...memory.refused(euro)], [0, 1]);
    for (const other of [{ server: "Live" }, { symbol: "XAUUSD" }, { market: false }]) {
      assert.equal(memory.refused({ ...euro, ...other }).size, 0);
    }
  });
});
