// What the broker has confirmed counts until the terminal's lists show it, once, and no longer than they lag.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCOUNT } from "../journal/testdata/entries.ts";
import { tagComment } from "../mt5/mod.ts";
import { accountFacts, orderFacts, positionFacts, reading } from "../mt5/testdata/facts.ts";
import { FreshOpenings, SHOWS_WITHIN_MS } from "./fresh-openings.ts";

const tag = 2 ** 40 + 1;
const opening = { tag, tickets: ["1"], symbol: "EURUSD", volume: 0.5 };
const magic = String(tag);
const comment = tagComment(tag);
const empty = reading();

function opened(before = empty): FreshOpenings {
  const fresh = new FreshOpenings();
  fresh.opened(ACCOUNT, opening, before, 0);
  return fresh;
}
const left = (fresh: FreshOpenings, shown = empty, nowMs = 1): number => fresh.unseen(ACCOUNT, shown, nowMs).length;

describe("FreshOpenings", () => {
  it("counts what the lists do not show yet, with its symbol and volume", () => {
    assert.deepEqual(
      opened()
        .unseen(ACCOUNT, empty, 1)
        .map(({ symbol, volume }) => [symbol, volume]),
      [["EURUSD", 0.5]],
    );
    assert.deepEqual(opened().unseen({ ...ACCOUNT, login: "9" }, empty, 1), []);
  });

  it("is found by either mark, among positions and orders", () => {
    for (const shown of [
      reading({ positions: [positionFacts({ magic })] }),
      reading({ positions: [positionFacts({ magic: "7", comment })] }),
      reading({ orders: [orderFacts({ magic })] }),
    ]) {
      assert.equal(left(opened(), shown), 0);
    }
    assert.equal(left(opened(), reading({ positions: [positionFacts()] })), 1, "somebody else's");
  });

  it("is found by its tickets where the broker overwrites both marks", () => {
    const { positions, orders } = { positions: [positionFacts()], orders: [orderFacts()] };
    for (const [shown, ticket] of [
      [reading({ positions }), positions[0]?.ticket],
      [reading({ orders }), orders[0]?.ticket],
    ] as const) {
      const fresh = new FreshOpenings();
      fresh.opened(ACCOUNT, { ...opening, tickets: [ticket ?? "", "9"] }, empty, 0);
      assert.equal(left(fresh), 1);
      assert.equal(left(fresh, shown), 0);
    }
  });

  it("once shown, is counted by the lists alone", () => {
    const fresh = opened();
    assert.equal(left(fresh, reading({ positions: [positionFacts({ magic })] })), 0);
    assert.equal(left(fresh), 0);
  });

  it("shows on a netting account as a change of what was held", () => {
    const account = accountFacts({ margin_mode: 0 });
    const before = reading({ account, positions: [positionFacts({ volume: 0.5 })] });
    assert.equal(left(opened(before), before), 1);
    assert.equal(left(opened(before), reading({ account, positions: [positionFacts({ volume: 1 })] })), 0);
  });

  it("one change of what was held shows one of two openings, with its marks or without, and not the other", () => {
    const account = accountFacts({ margin_mode: 0 });
    for (const marks of [{}, { magic }]) {
      const fresh = opened(reading({ account }));
      fresh.opened(ACCOUNT, { ...opening, tag: tag + 1, volume: 0.25 }, reading({ account }), 0);
      const first = reading({ account, positions: [positionFacts({ volume: 0.5, ...marks })] });
      assert.deepEqual(
        fresh.unseen(ACCOUNT, first, 1).map(({ volume }) => volume),
        [0.25],
      );
      assert.equal(left(fresh, first), 1);
      const both = reading({ account, positions: [positionFacts({ volume: 0.75, ...marks })] });
      assert.equal(left(fresh, both), 0);
    }
  });

  it("that was settled later is found by its marks and tickets alone, also on a netting account", () => {
    const account = accountFacts({ margin_mode: 0 });
    const fresh = new FreshOpenings();
    fresh.opened(ACCOUNT, opening, null, 0);
    assert.equal(left(fresh, reading({ account, positions: [positionFacts({ volume: 0.5 })] })), 1);
    assert.equal(left(fresh, reading({ account, positions: [positionFacts({ magic })] })), 0);
  });

  it("is gone again when it has not shown in time", () => {
    const fresh = opened();
    assert.equal(left(fresh, empty, SHOWS_WITHIN_MS - 1), 1);
    assert.equal(left(fresh, empty, SHOWS_WITHIN_MS), 0);
  });
});
