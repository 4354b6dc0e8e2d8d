// The terminal port on a real RPyC server: one order, the checks before it, and what comes back.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  lost,
  NAMESAKE,
  now,
  ONE,
  type OrderParts,
  order,
  TAG,
  TWO,
  until,
  useDouble,
} from "../../../tests/support/mt5/double-process.ts";
import { requirePython } from "../../../tests/support/python.ts";
import { connectRpc } from "../rpyc/mod.ts";

describe("RpycTerminal, sending", { skip: requirePython() ?? false }, () => {
  const { evaluate, control, terminalAt, loggedIn, ledger, sends, hanging } = useDouble();

  test("send() makes one order on the account, in one round trip", async () => {
    const terminal = await loggedIn();
    const trips = terminal.roundTrips;
    const reply = await terminal.send(order(TAG));
    assert.equal(terminal.roundTrips, trips + 1);
    assert.ok(reply.kind === "sent" && reply.result !== null);
    assert.deepEqual([reply.result.retcode, reply.result.order, reply.after], [10009, "9007199254740993", ONE]);
    const [booked, ...others] = await ledger();
    assert.deepEqual([booked?.magic, booked?.login, booked?.server, others], [String(TAG), ...Object.values(ONE), []]);
  });

  test("send() of a known tag answers what it knows and sends nothing", async () => {
    const terminal = await loggedIn();
    const first = await terminal.send(order(TAG));
    assert.deepEqual(await terminal.send(order(TAG)), first);
    assert.deepEqual(await terminal.query(TAG), { kind: "finished", reply: first });
    assert.equal(await sends(), 1);
  });

  test("send() is refused for what the terminal shows at that moment", async () => {
    const terminal = await loggedIn();
    let tag = TAG;
    const refusal = async (more: OrderParts = {}) => {
      tag += 1;
      const reply = await terminal.send(order(tag, more));
      return reply.kind === "refused" ? reply.reason : reply.kind;
    };
    assert.equal(await refusal({ account: NAMESAKE }), "wrong_account");
    assert.equal(await refusal({ requirePosition: { ticket: "5", type: 0, minVolume: 0.1 } }), "position_changed");
    await control({ auto_trading: false });
    assert.equal(await refusal(), "trading_disabled");
    await control({ auto_trading: true, connected: false });
    assert.equal(await refusal(), "not_connected");
    await control({ connected: true, switch: TWO });
    assert.equal(await refusal(), "wrong_account");
    assert.equal(await sends(), 0);
  });

  test("send() does not begin after its limit", async () => {
    const terminal = await loggedIn();
    const late = await terminal.send(order(TAG, { notAfterMs: now() - 1 }));
    assert.deepEqual(late, { kind: "refused", reason: "expired" });
    assert.equal(await sends(), 0);
  });

  test("send() does not begin after the caller has stopped waiting", async () => {
    const first = await loggedIn();
    const second = terminalAt();
    await second.open();
    await control({ send: [{ hang: true }] });
    const hung = first.send(order(TAG));
    await hanging();
    const impatient = second.send(order(TAG + 1, { timeoutMs: 60 }));
    // Either the guard's own refusal arrives just in time, or nothing does.
    await impatient.catch((error) => assert.ok(lost("timeout")(error)));
    await until(async () => (await second.query(TAG + 1)).kind === "finished");
    const reply = { kind: "refused", reason: "expired" } as const;
    assert.deepEqual(await second.query(TAG + 1), { kind: "finished", reply });
    await control({ release: true });
    await hung;
    assert.equal(await sends(), 1);
  });

  test("time that replies spend on the way makes the guard's limit earlier, never later", async () => {
    const transitMs = 50;
    const limits: number[] = [];
    const connect: typeof connectRpc = async (...args) => {
      const connection = await connectRpc(...args);
      const call = connection.call.bind(connection);
      connection.call = async (ref, callArgs, timeoutMs) => {
        const message = JSON.parse(String(callArgs[0]));
        if (message.op === "send") limits.push(message.not_after);
        const reply = await call(ref, callArgs, timeoutMs);
        await pause(transitMs);
        return reply;
      };
      return connection;
    };
    const terminal = await loggedIn({ connect });
    const ours = now() + 5000;
    await terminal.send(order(TAG, { notAfterMs: ours }));
    const theirs = Number(await evaluate("time.monotonic()")) * 1000;
    // Read after theirs, so this is at most the true distance of the two clocks.
    const distance = theirs - now();
    const mapped = (limits[0] ?? Number.NaN) - ours;
    assert.ok(mapped < distance, `${mapped} is not below ${distance}`);
    assert.ok(mapped > distance - 5000, `${mapped} is far below ${distance}`);
  });

  test("None with -2 and None with an IPC error arrive with the error of that call", async () => {
    const terminal = await loggedIn();
    const local = await terminal.send(order(TAG, { request: { comment: "x".repeat(28) } }));
    assert.ok(local.kind === "sent");
    assert.deepEqual([local.result, local.lastError], [null, [-2, 'Invalid "comment" argument']]);
    await control({ send: [{ error: [-10005, "IPC timeout"], executed: true }] });
    const broken = await terminal.send(order(TAG + 1));
    assert.ok(broken.kind === "sent");
    assert.deepEqual([broken.result, broken.lastError, broken.after], [null, [-10005, "IPC timeout"], ONE]);
    assert.deepEqual(
      (await ledger()).map(({ magic }) => magic),
      [String(TAG + 1)],
    );
  });

  test("an account that changed inside order_send is seen afterwards", async () => {
    const terminal = await loggedIn();
    await control({ send: [{ switch: TWO }] });
    const reply = await terminal.send(order(TAG));
    assert.ok(reply.kind === "sent");
    assert.deepEqual(reply.after, TWO);
  });
});
