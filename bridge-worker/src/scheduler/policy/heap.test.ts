// The heap: always the smallest key first, whatever was added, moved or removed in between.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Heap, type Placed } from "./heap.ts";

type Item = Placed & { key: number };
const item = (key: number): Item => ({ key, place: -1 });
const heapOf = (...items: Item[]): Heap<Item> => {
  const heap = new Heap<Item>(({ key }) => key);
  for (const one of items) heap.update(one);
  return heap;
};
const drain = (heap: Heap<Item>): number[] => {
  const keys: number[] = [];
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) keys.push(next.key);
  return keys;
};

describe("Heap", () => {
  it("gives the smallest key first", () => assert.deepEqual(drain(heapOf(item(3), item(1), item(2))), [1, 2, 3]));

  it("moves an item whose key has changed, up and down", () => {
    const items = [item(1), item(2), item(3), item(4)];
    const heap = heapOf(...items);
    (items[3] as Item).key = 0;
    heap.update(items[3] as Item);
    assert.equal(heap.peek()?.key, 0);
    (items[3] as Item).key = 9;
    heap.update(items[3] as Item);
    assert.deepEqual(drain(heap), [1, 2, 3, 9]);
  });

  it("knows only its own items, and takes a second removal for nothing", () => {
    const [one, other] = [item(1), item(1)];
    const heap = heapOf(one);
    other.place = 0;
    heap.remove(other);
    assert.equal(heap.size, 1);
    heap.remove(one);
    heap.remove(one);
    assert.deepEqual([heap.size, one.place], [0, -1]);
  });

  it("fills the place of a removed item with one that may belong above it", () => {
    const items = [10, 12, 7, 13, 13, 6, 8].map(item);
    const heap = heapOf(...items);
    heap.remove(items[3] as Item);
    assert.deepEqual(drain(heap), [6, 7, 8, 10, 12, 13]);
  });

  it("is a sorted list, after any adds, moves and removals", () => {
    const step = fc.record({ index: fc.nat(19), key: fc.nat(50), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const items = Array.from({ length: 20 }, () => item(0));
        const heap = heapOf();
        const inside = new Set<Item>();
        for (const { index, key, remove } of steps) {
          const one = items[index] as Item;
          if (remove) {
            heap.remove(one);
            inside.delete(one);
          } else {
            one.key = key;
            heap.update(one);
            inside.add(one);
          }
          assert.equal(
            heap.peek()?.key,
            inside.size === 0 ? undefined : Math.min(...[...inside].map((in_) => in_.key)),
          );
        }
        assert.deepEqual(
          drain(heap),
          [...inside].map(({ key }) => key).sort((a, b) => a - b),
        );
      }),
    );
  });
});
