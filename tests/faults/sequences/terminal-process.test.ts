// Sequences inside the terminal's own Python process: the real guard behind a real RPyC server, on the double of the
// MetaTrader5 package. Its ledger says what the broker booked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { classifySend, type SendReply, type TagState } from "../../../bridge-worker/src/mt5/mod.ts";
import { now, ONE, type OrderParts, order, TAG, until, useDouble } from "../../support/mt5/double-process.ts";
import { requirePython } from "../../support/python.ts";

const GUARD = fileURLToPath(new URL("../../../bridge-worker/src/mt5/guard/guard.py", import.meta.url));
/** What the guard keeps in its process, for a look from outside. */
const STATE = "sys.modules['switchyard_guard_state']";
const SECOND = TAG + 1;
/** Shorter than the hanging call hangs. */
const SHORT_MS = 150;

describe("sequences in the terminal's process", { skip: requirePython() ?? false }, () => {
  const { execute, evaluate, control, terminalAt, loggedIn, ledger, sends, hanging } = useDouble();

  /** One send hangs in the process, and a second call of the same terminal waits behind it. */
  async function hungWithSecondWaiting(more: OrderParts = {}) {
    const [first, second] = [await loggedIn(), terminalAt()];
    await second.open();
    await control({ send: [{ hang: true }] });
    const hung = first.send(order(TAG));
    await hanging();
    const waiting = second.send(order(SECOND, { commandId: "c2", ...more }));
    await until(async () => (await second.query(SECOND)).kind !== "unseen");
    const proceed = async (): Promise<[SendReply, SendReply]> => {
      await control({ release: true });
      return Promise.all([hung, waiting]);
    };
    return { second, proceed };
  }

  /** What the process says of the second one stays so, also when it is asked to send it again. */
  async function isLastWord(second: ReturnType<typeof terminalAt>, word: TagState): Promise<void> {
    const before = await sends();
    await second.send(order(SECOND, { commandId: "c2" }));
    assert.deepEqual(await second.query(SECOND), word);
    assert.equal(await sends(), before);
  }

  test("hung send with a second call waiting: poisoned, the second one never runs", async () => {
    const { second, proceed } = await hungWithSecondWaiting();
    assert.deepEqual(await second.poison(SECOND, "c2"), { kind: "poisoned" });
    const [one, two] = await proceed();
    assert.ok(one.kind === "sent" && one.result?.retcode === 10009);
    assert.deepEqual(two, { kind: "refused", reason: "poisoned" });
    await isLastWord(second, { kind: "poisoned" });
    assert.deepEqual(await tagsBooked(), [TAG]);
  });

  test("hung send with a second call waiting: past its time, the second one never runs", async () => {
    const { second, proceed } = await hungWithSecondWaiting({ notAfterMs: now() + SHORT_MS });
    await until(async () => (await second.query(SECOND)).kind === "finished");
    const [, two] = await proceed();
    const expired = { kind: "refused", reason: "expired" } as const;
    assert.deepEqual(two, expired);
    await isLastWord(second, { kind: "finished", reply: expired });
    assert.deepEqual(await tagsBooked(), [TAG]);
  });

  test("hung send with a second call waiting: in time, the second one runs once, and poison comes too late", async () => {
    const { second, proceed } = await hungWithSecondWaiting();
    const [, two] = await proceed();
    assert.ok(two.kind === "sent" && two.result?.retcode === 10009);
    const finished = { kind: "finished", reply: two } as const;
    assert.deepEqual(await second.poison(SECOND, "c2"), finished);
    await isLastWord(second, finished);
    assert.deepEqual(await tagsBooked(), [TAG, SECOND]);
  });

  test("guard upgrade in a send: the newer functions know the send that runs in the old ones, and do not repeat it", async () => {
    const [first, later] = [await loggedIn(), terminalAt()];
    await later.open();
    const version = await versionOf();
    await control({ send: [{ hang: true }] });
    const hung = first.send(order(TAG));
    await hanging();
    await execute(newerGuard(version + 1));
    assert.deepEqual(await later.query(TAG), { kind: "sending" });
    const repeated = later.send(order(TAG));
    // It waits inside the process for the first one's answer.
    await until(async () => Number(await evaluate(`len(${STATE}.registry._waiters)`)) === 1);
    await control({ release: true });
    const [one, again] = await Promise.all([hung, repeated]);
    assert.ok(one.kind === "sent" && one.result?.retcode === 10009);
    assert.deepEqual(again, one);
    assert.deepEqual(await tagsBooked(), [TAG]);
    // A worker of the older release comes back and brings its functions along: they change nothing.
    await terminalAt().open();
    assert.equal(await versionOf(), version + 1);
  });

  test("None/−2: rejected only when the error was read in the very call that sent", async () => {
    const terminal = await loggedIn();
    const verdict = async (tag: number): Promise<string> =>
      classifySend(await terminal.send(order(tag)), ONE, order(tag).request).state;
    await control({ send: [{ error: [-2, "Invalid arguments"] }] });
    assert.equal(await verdict(TAG), "rejected");
    assert.deepEqual(await tagsBooked(), []);
    // Left over from another call: order_send fails without saying why, and the broker has the order.
    await execute(SILENT_FAILURE);
    try {
      assert.equal(await verdict(TAG + 1), "unknown", "an older −2");
      await execute("mt5.leaves = -10005");
      assert.equal(await verdict(TAG + 2), "unknown", "a −2 of the reading after it");
    } finally {
      await execute("mt5.order_send, mt5.account_info = real_send, real_info");
    }
    assert.deepEqual(await tagsBooked(), [TAG + 1, TAG + 2]);
  });

  async function tagsBooked(): Promise<number[]> {
    return (await ledger()).map(({ magic }) => Number(magic));
  }

  async function versionOf(): Promise<number> {
    return Number(await evaluate(`${STATE}.code[0]`));
  }
});

/** The guard as a later release brings it. */
function newerGuard(version: number): string {
  const source = readFileSync(GUARD, "utf8");
  const newer = source.replace(/^VERSION = \d+$/m, `VERSION = ${version}`);
  assert.notEqual(newer, source);
  return newer;
}

/**
 * From now on order_send books the order and returns None with `leaves` in last_error (−2: an old one, not renewed), and
 * the reading of the account that follows leaves a −2 of its own.
 */
const SILENT_FAILURE = `
real_send, real_info = mt5.order_send, mt5.account_info
mt5.leaves = -2
def silent(request):
    real_send(request)
    return mt5._fail(None, mt5.leaves, "x")
def info():
    shown = real_info()
    mt5._error = (-2, "x")
    return shown
mt5.order_send, mt5.account_info = silent, info
`;
