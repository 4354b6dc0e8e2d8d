// Terminals that are slow, that end, or that somebody moves to another account: between the check and the send, and
// inside the send.
import assert from "node:assert/strict";
import { until } from "../../support/stack.ts";
import type { FaultCase } from "./campaign.ts";

const PATIENT = { timeout_ms: 8_000 };
const MARGIN_MS = 200;
const SLOW_MS = 1_500;
const BOB = { login: "1002", server: "Alpha-Demo" };

export const TerminalCases: readonly FaultCase[] = [
  {
    name: "a slow send",
    async run({ rig, run }) {
      await rig.broker.control({ send_ms: SLOW_MS });
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.status, 200, answer?.text);
      return { fired: answer.body.timings.send_ms >= SLOW_MS ? 1 : 0, expect: "done" };
    },
  },
  {
    name: "a slow login",
    async run({ rig, run }) {
      await run.trade(rig.bob, PATIENT);
      await rig.broker.control({ login_ms: SLOW_MS });
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.status, 200, answer?.text);
      return { fired: answer.body.timings.login_ms >= SLOW_MS ? 1 : 0, expect: "done" };
    },
  },
  {
    name: "the time is over between the check and the send",
    async run({ rig, run }) {
      const timeout_ms = 1_000;
      // The database counts from when it hears of it.
      const overAtMs = Date.now() + timeout_ms + MARGIN_MS;
      const isOver = (): Promise<void> => until("the time is over", async () => Date.now() > overAtMs);
      await rig.holdWorkerAt("intent_written", () => run.trade(rig.ann, { timeout_ms }), isOver);
      return { fired: 1, expect: "expired" };
    },
  },
  {
    name: "another account between the check and the send",
    async run({ rig, run }) {
      const move = (): Promise<void> => rig.broker.control({ switch: BOB });
      await rig.holdWorkerAt("intent_written", () => run.trade(rig.ann, PATIENT), move);
      return { fired: 1, expect: "refused" };
    },
  },
  {
    name: "the terminal starts anew between the check and the send",
    async run({ rig, run }) {
      await rig.holdWorkerAt(
        "intent_written",
        () => run.trade(rig.ann, PATIENT),
        () => rig.killPython(),
      );
      return { fired: 1, expect: "not_executed" };
    },
  },
  {
    name: "a new process of the terminal is asked while it is still being opened",
    async run({ rig, run }) {
      await run.trade(rig.ann, PATIENT);
      await rig.broker.control({ send: [{ hang_after: true }] });
      const answer = run.trade(rig.ann, PATIENT);
      await rig.hanging();
      await rig.killPython({ initialize_ms: SLOW_MS });
      const told = await answer;
      assert.equal(told?.status, 202, told?.text);
      // Every question starts an attempt to settle it; the process that answers knows nothing of the order it made.
      const isSettled = async (): Promise<boolean> =>
        (await run.ask(rig.ann, told.body.command_id))?.body.executed !== null;
      await until("it is settled", isSettled);
      return { fired: 1, expect: "done" };
    },
  },
  {
    name: "another account inside the send, after the broker had the order",
    async run({ rig, run }) {
      await rig.broker.control({ send: [{ switch_after: BOB }] });
      const answer = await run.trade(rig.ann, PATIENT);
      return { fired: answer?.status === 202 ? 1 : 0, expect: "done" };
    },
  },
  {
    name: "another account inside the send, before the broker had the order",
    async run({ rig, run, campaign }) {
      await rig.broker.control({ send: [{ switch: BOB }] });
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.status, 202, answer?.text);
      const id: string = answer.body.command_id;
      campaign.wasMoved(id);
      const booked = (await rig.broker.ledger()).at(-1);
      assert.deepEqual([booked?.login, booked?.server], [BOB.login, BOB.server], "the order is where it should not be");
      await campaign.isShownUnknown(run, rig.ann, id, "account_changed_during_send");
      return { fired: 1, expect: "unknown", mayStayUnknown: true };
    },
  },
  {
    name: "logged out inside the send",
    async run({ rig, run, campaign }) {
      await rig.broker.control({ send: [{ switch: null }] });
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.status, 202, answer?.text);
      campaign.mayStayUnknown(answer.body.command_id);
      return { fired: 1, mayStayUnknown: true };
    },
  },
];
