// TP-73 … TP-84: what the terminal's process keeps of tags while sends hang, wait, grow old and change hands.
import assert from "node:assert/strict";
import { type SendOrder, type TerminalPort, tagComment } from "../../bridge-worker/src/mt5/mod.ts";
import {
  assertNothingBooked,
  Buy,
  enter,
  isLost,
  marketOrder,
  newTag,
  order,
  read,
  resultOf,
  TIMEOUT_MS,
  until,
} from "./terminal-port.acts.ts";
import type { Fixture, World } from "./terminal-port.harness.ts";
import type { ContractCase } from "./terminal-port.suite.ts";

const DAY_S = 86_400;

/** Two connections of one owner: `hanging` is inside `order_send`, `waiting` has asked behind it. */
type Queue = {
  second: TerminalPort;
  hanging: SendOrder;
  hung: ReturnType<TerminalPort["send"]>;
  waiting: SendOrder;
  waited: ReturnType<TerminalPort["send"]>;
};

function buy(fixture: Fixture, world: World, more: Partial<Omit<SendOrder, "request">> = {}): SendOrder {
  return order(fixture, world.main.account, marketOrder(world, Buy, 0.01), more);
}

async function hangingSend(fixture: Fixture, world: World): Promise<Omit<Queue, "waiting" | "waited">> {
  const first = fixture.connect("owner-of-both");
  const second = fixture.connect("owner-of-both");
  await enter(first, world.main);
  await second.open();
  await fixture.failNextSend({ kind: "hang" });
  const hanging = buy(fixture, world);
  const hung = first.send(hanging);
  await until(async () => (await second.query(hanging.tag)).kind === "sending");
  return { second, hanging, hung };
}

async function waitingSend(fixture: Fixture, world: World, lifeMs = TIMEOUT_MS): Promise<Queue> {
  const before = await hangingSend(fixture, world);
  const waiting = buy(fixture, world, { notAfterMs: fixture.now() + lifeMs });
  const waited = before.second.send(waiting);
  await until(async () => (await before.second.query(waiting.tag)).kind !== "unseen");
  return { ...before, waiting, waited };
}

export const memoryCases: readonly ContractCase[] = [
  {
    id: "TP-73",
    promise: "a tag poisoned while its send waits for the terminal is never sent, and the tag is proven so",
    run: async (fixture, world) => {
      const { second, hanging, hung, waiting, waited } = await waitingSend(fixture, world);
      assert.deepEqual(await second.poison(waiting.tag, waiting.commandId), { kind: "poisoned" });
      await fixture.release();
      assert.deepEqual(await waited, { kind: "refused", reason: "poisoned" });
      resultOf(await hung);
      assert.deepEqual(
        (await fixture.orders()).map(({ magic }) => magic),
        [String(hanging.tag)],
      );
    },
  },
  {
    id: "TP-74",
    promise: "a new owner stops a send of the old one that already waits",
    run: async (fixture, world) => {
      const { hung, waiting, waited } = await waitingSend(fixture, world);
      const successor = fixture.connect("successor");
      const opening = successor.open();
      // A tag can be asked for from the moment the new owner has taken over.
      await until(async () =>
        successor.query(waiting.tag).then(
          () => true,
          () => false,
        ),
      );
      await fixture.release();
      assert.deepEqual(await waited, { kind: "refused", reason: "stale_owner" });
      // What had begun is not stopped, and the new owner can ask for it.
      resultOf(await hung);
      await opening;
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-75",
    promise: "a send that waits for the terminal past its limit is expired when it gets it",
    run: async (fixture, world) => {
      const { second, hung, waiting, waited } = await waitingSend(fixture, world, 60);
      await until(async () => fixture.now() > waiting.notAfterMs);
      await fixture.release();
      assert.deepEqual(await waited, { kind: "refused", reason: "expired" });
      resultOf(await hung);
      const reply = await second.send({ ...waiting, notAfterMs: fixture.now() + TIMEOUT_MS });
      assert.deepEqual(reply, { kind: "refused", reason: "expired" });
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-76",
    promise: "an account switched while a send waits for the terminal: wrong_account, and nothing is sent",
    run: async (fixture, world) => {
      const { hung, waited } = await waitingSend(fixture, world);
      await fixture.switchBehindBack(world.second.account);
      await fixture.release();
      assert.deepEqual(await waited, { kind: "refused", reason: "wrong_account", actual: world.second.account });
      await hung;
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-77",
    promise: "a second call beside a hanging send: its command gets the same answer, another one is refused",
    run: async (fixture, world) => {
      const { second, hanging, hung } = await hangingSend(fixture, world);
      const other = await second.send({ ...hanging, commandId: "another-command" });
      assert.deepEqual(other, { kind: "refused", reason: "poisoned" });
      assert.deepEqual(await second.query(hanging.tag), { kind: "sending" });
      const again = second.send(hanging);
      await fixture.release();
      assert.deepEqual(await again, await hung);
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-78",
    promise: "a terminal closed between read and send: nothing is sent before it is opened again",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await read(fixture.port, world.main.account);
      await fixture.closeTerminal();
      assert.deepEqual(await fixture.port.send(buy(fixture, world)), { kind: "refused", reason: "not_connected" });
      assert.equal((await fixture.port.read(world.main.account, {}, TIMEOUT_MS)).kind, "failed");
      await assertNothingBooked(fixture);
      await fixture.port.open();
      resultOf(await fixture.port.send(buy(fixture, world)));
      assert.equal((await fixture.orders()).length, 1);
    },
  },
  {
    id: "TP-79",
    promise: "a tag that was evicted is forgotten: not sent again, and poison proves nothing",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      await fixture.keepTags(1);
      const old = buy(fixture, world);
      resultOf(await fixture.port.send(old));
      const newer = buy(fixture, world);
      const reply = await fixture.port.send(newer);
      assert.deepEqual(await fixture.port.query(old.tag), { kind: "forgotten" });
      assert.deepEqual(await fixture.port.query(newer.tag), { kind: "finished", reply });
      await assert.rejects(fixture.port.send(old), isLost("protocol"));
      assert.deepEqual(await fixture.port.poison(old.tag, old.commandId), { kind: "forgotten" });
      assert.equal((await fixture.orders()).length, 2);
    },
  },
  {
    id: "TP-80",
    promise: "a tag that waits or is being sent is never evicted",
    run: async (fixture, world) => {
      const { second, hanging, hung, waiting, waited } = await waitingSend(fixture, world);
      await fixture.keepTags(1);
      for (let more = 0; more < 4; more += 1) await second.poison(newTag(), "more");
      assert.deepEqual(await second.query(hanging.tag), { kind: "sending" });
      assert.deepEqual(await second.query(waiting.tag), { kind: "waiting" });
      await fixture.release();
      resultOf(await hung);
      resultOf(await waited);
      assert.equal((await fixture.orders()).length, 2);
    },
  },
  {
    id: "TP-81",
    promise: "a caller's own magic goes to the broker, and the order is found by the tag in its comment",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const plain = buy(fixture, world, { ownMagic: true });
      const own = { ...plain, request: { ...plain.request, magic: 77 } };
      const result = resultOf(await fixture.port.send(own));
      const [booked] = await fixture.orders();
      assert.deepEqual([booked?.magic, booked?.comment], ["77", tagComment(own.tag)]);
      const { broker_now_msc } = await read(fixture.port, account, { symbol: world.symbol });
      assert.ok(broker_now_msc);
      const now = Math.floor(broker_now_msc / 1000);
      const query = { tag: own.tag, from: now - DAY_S, to: now + DAY_S };
      const found = await fixture.port.history(account, query, TIMEOUT_MS);
      assert.ok(found.kind === "ok");
      assert.deepEqual(
        found.orders.map((one) => [one.ticket, one.magic]),
        [[result.order, "77"]],
      );
    },
  },
  {
    id: "TP-82",
    promise: "an order that carries its tag in neither place is not sent, and its tag stays unseen",
    run: async (fixture, world) => {
      await enter(fixture.port, world.main);
      const plain = buy(fixture, world);
      const { tag } = plain;
      const mark = tagComment(tag);
      for (const [ownMagic, magic, comment] of [
        [false, 77, mark],
        [true, 77, ""],
        [true, 77, `${mark}0`],
        [true, 77, ` ${mark}`],
        [true, 77, `${mark} ${"x".repeat(20)}`],
        [true, 2 ** 40, mark],
      ] as const) {
        const wrong = { ...plain, ownMagic, request: { ...plain.request, magic, comment } };
        await assert.rejects(fixture.port.send(wrong), isLost("protocol"));
        await fixture.port.open();
        assert.deepEqual(await fixture.port.query(tag), { kind: "unseen" });
      }
      await assertNothingBooked(fixture);
    },
  },
  {
    id: "TP-83",
    promise:
      "history finds an order by its ticket, whatever it carries and however old, and counts what is in the period",
    run: async (fixture, world) => {
      const { account } = world.main;
      await enter(fixture.port, world.main);
      const asked = resultOf(await fixture.port.send(buy(fixture, world)));
      resultOf(await fixture.port.send(buy(fixture, world)));
      const { broker_now_msc } = await read(fixture.port, account, { symbol: world.symbol });
      assert.ok(broker_now_msc);
      const now = Math.floor(broker_now_msc / 1000);
      const query = { tag: newTag(), tickets: [asked.order], from: now - DAY_S, to: now + DAY_S };
      const found = await fixture.port.history(account, query, TIMEOUT_MS);
      assert.ok(found.kind === "ok");
      const tickets = [found.orders.map((one) => one.ticket), found.deals.map((one) => one.ticket)];
      assert.deepEqual(tickets, [[asked.order], [asked.deal]]);
      assert.deepEqual(found.counts, { orders: 2, deals: 2 });
      const outside = await fixture.port.history(account, { ...query, from: 0, to: DAY_S }, TIMEOUT_MS);
      assert.ok(outside.kind === "ok");
      assert.deepEqual(outside.orders, found.orders);
      assert.deepEqual([outside.deals, outside.counts], [[], { orders: 0, deals: 0 }]);
    },
  },
  {
    id: "TP-84",
    promise: "poison asks the process that was to send and no other, which would deny what that one did",
    run: async (fixture, world) => {
      const { epoch } = await fixture.port.open();
      await enter(fixture.port, world.main);
      const sent = buy(fixture, world);
      const reply = await fixture.port.send(sent);
      assert.deepEqual(await fixture.port.poison(sent.tag, sent.commandId, epoch), { kind: "finished", reply });
      const unsent = newTag();
      await assert.rejects(fixture.port.poison(unsent, "c", "of another process"), isLost("guard_not_shared"));
      assert.deepEqual(await fixture.port.query(unsent), { kind: "unseen" });
    },
  },
];
