// Whose order is whose: a caller's own magic and comment come back to him alone, and the broker's records carry the tag.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, type LedgerEntry, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { signUp, type Trader } from "../support/trader.ts";

const ACCOUNT = { account_name: "shared", login: "1001", server: "Alpha-Demo", set_as_default: true };
const market = { symbol: "EURUSD", order_type: "buy", volume: 0.01, magic: 4711, comment: "my own words, für mich" };
const limit = { ...market, order_type: "buy_limit", price: 1, comment: "below" };
const MARK = /^sy[0-9a-z]{8,11}$/;

describe("marks", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let stack: TestStack;
  let alice: Trader;
  let bob: Trader;
  let accountId: string;

  before(async () => {
    double = await startBrokerDouble();
    stack = await startTestStack({ terminals: `${double.host}:${double.port}` });
    [alice, bob] = [await signUp(stack.info, "alice"), await signUp(stack.info, "bob")];
    for (const trader of [alice, bob]) {
      const connected = await trader.post("/accounts/connect", { ...ACCOUNT, password: "alpha-one" });
      assert.equal(connected.status, 201, connected.text);
      if (trader === alice) accountId = connected.body.account_id;
    }
  });
  after(async () => {
    await stack?.stop();
    await double?.stop();
  });

  type Marked = { ticket: string; magic: unknown; comment: unknown; command_id: unknown };
  async function shown(trader: Trader, list: "positions" | "orders", ticket: string): Promise<Marked> {
    const { status, body, text } = await trader.get(`/${list}?max_age_ms=0`);
    assert.equal(status, 200, text);
    const row = body[list].find((one: Marked) => one.ticket === ticket);
    assert.ok(row, `${ticket} is shown to everybody who has registered the account`);
    return row;
  }

  async function place(fields: object): Promise<{ id: string; ticket: string; record: LedgerEntry }> {
    const { status, body, text } = await alice.post("/trades", fields);
    assert.equal(status, 200, text);
    const record = (await double.ledger()).at(-1);
    assert.ok(record && record.ticket === body.result.order_ticket);
    assert.match(record.comment, MARK, "the tag is at the front of the comment, which is ASCII and at most 27 long");
    return { id: body.command_id, ticket: record.ticket, record };
  }

  /** Everything that a list of the history shows of an order. */
  async function recorded(trader: Trader, list: "orders" | "deals", ticket: string): Promise<Marked[]> {
    const { status, body, text } = await trader.get(`/history/${list}`);
    assert.equal(status, 200, text);
    const rows: (Marked & { order_ticket?: string })[] = body.data;
    const found = rows.filter((one) => (list === "deals" ? one.order_ticket : one.ticket) === ticket);
    assert.equal(found.length, 1, `${ticket} is shown once to everybody who has registered the account`);
    return found;
  }

  const tagIn = ({ comment }: LedgerEntry): number => Number.parseInt(comment.slice(2), 36);

  for (const [list, fields] of [
    ["positions", market],
    ["orders", limit],
  ] as const) {
    it(`the broker's record holds the tag twice; ${list} give magic and comment to their own caller, and null to another`, async () => {
      const { id, ticket, record } = await place(fields);
      assert.equal(record.magic, String(tagIn(record)));
      const { magic, comment, command_id } = await shown(alice, list, ticket);
      assert.deepEqual([magic, comment, command_id], [fields.magic, fields.comment, id]);
      const foreign = await shown(bob, list, ticket);
      assert.deepEqual([foreign.magic, foreign.comment, foreign.command_id], [null, null, null]);
    });
  }

  it("history gives magic and comment to their own caller, and null to another; pages hold every record once", async () => {
    const { id, ticket } = await place(market);
    for (const list of ["orders", "deals"] as const) {
      const [own] = await recorded(alice, list, ticket);
      assert.deepEqual([own?.magic, own?.comment, own?.command_id], [market.magic, market.comment, id]);
      const [foreign] = await recorded(bob, list, ticket);
      assert.deepEqual([foreign?.magic, foreign?.comment, foreign?.command_id], [null, null, null]);
      const all = (await alice.get(`/history/${list}`)).body.data.map((one: Marked) => one.ticket);
      const paged: string[] = [];
      let cursor = "";
      do {
        const { body, text } = await alice.get(`/history/${list}?limit=1${cursor}`);
        assert.equal(body.data.length, 1, text);
        paged.push(body.data[0].ticket);
        cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
      } while (cursor !== "");
      assert.deepEqual(paged, all);
      assert.ok(all.length > 1);
    }
    const position = (await alice.get(`/history/deals?position=${ticket}`)).body.data;
    assert.deepEqual(
      position.map((one: { position_ticket: string }) => one.position_ticket),
      [ticket],
    );
  });

  it("pass_magic sends the caller's magic itself; the marks come back all the same, by the comment", async () => {
    assert.equal((await alice.get(`/accounts/${accountId}`)).body.pass_magic, false);
    const patched = await alice.call("PATCH", `/accounts/${accountId}`, { body: { pass_magic: true } });
    assert.deepEqual([patched.status, patched.body.pass_magic], [200, true]);
    for (const [list, fields] of [
      ["positions", market],
      ["orders", limit],
    ] as const) {
      const { id, ticket, record } = await place(fields);
      assert.equal(record.magic, "4711");
      const own = await shown(alice, list, ticket);
      assert.deepEqual([own.magic, own.comment, own.command_id], [4711, fields.comment, id]);
      const foreign = await shown(bob, list, ticket);
      assert.deepEqual([foreign.magic, foreign.comment, foreign.command_id], [null, null, null]);
      if (list === "orders") continue;
      const [deal] = await recorded(alice, "deals", ticket);
      assert.deepEqual([deal?.magic, deal?.comment, deal?.command_id], [4711, fields.comment, id]);
    }
    const before = (await double.ledger()).length;
    const tooLarge = await alice.post("/trades", { ...market, magic: 2 ** 40 });
    assert.deepEqual([tooLarge.status, tooLarge.body.code], [422, "order_refused"]);
    assert.deepEqual(tooLarge.body.fields[0].path, "magic");
    assert.equal((await double.ledger()).length, before);
    const none = await place({ ...market, magic: undefined });
    assert.equal(none.record.magic, String(tagIn(none.record)), "without a magic of his own the tag stands in both");
  });
});
