// A binary heap that knows where its items are: the smallest key first, any item removed or moved in logarithmic time.
// An item is in at most one heap at a time.

export interface Placed {
  /** Index in its heap, or -1. Only the heap writes it. */
  place: number;
}

export class Heap<Item extends Placed> {
  readonly #items: Item[] = [];
  readonly #key: (item: Item) => number;

  /** A key may change while its item is in the heap only if `update` is called right after. */
  constructor(key: (item: Item) => number) {
    this.#key = key;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): Item | undefined {
    return this.#items[0];
  }

  has(item: Item): boolean {
    return this.#items[item.place] === item;
  }

  /** Puts an item in, or to its right place when its key has changed. */
  update(item: Item): void {
    if (!this.has(item)) {
      item.place = this.#items.length;
      this.#items.push(item);
    }
    this.#sink(this.#rise(item));
  }

  remove(item: Item): void {
    if (!this.has(item)) return;
    const last = this.#items.pop() as Item;
    if (last !== item) {
      this.#set(last, item.place);
      this.#sink(this.#rise(last));
    }
    item.place = -1;
  }

  pop(): Item | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  #rise(item: Item): Item {
    const key = this.#key(item);
    while (item.place > 0) {
      const above = this.#items[(item.place - 1) >> 1] as Item;
      if (this.#key(above) <= key) break;
      const free = above.place;
      this.#set(above, item.place);
      this.#set(item, free);
    }
    return item;
  }

  #sink(item: Item): void {
    const key = this.#key(item);
    for (;;) {
      const left = this.#items[2 * item.place + 1];
      const right = this.#items[2 * item.place + 2];
      if (left === undefined) break;
      const below = right !== undefined && this.#key(right) < this.#key(left) ? right : left;
      if (this.#key(below) >= key) break;
      const free = below.place;
      this.#set(below, item.place);
      this.#set(item, free);
    }
  }

  #set(item: Item, place: number): void {
    item.place = place;
    this.#items[place] = item;
  }
}
