// Brokers that say one thing and do another, or that write over the marks by which an order could be found.
import assert from "node:assert/strict";
import type { FaultCase } from "./campaign.ts";
import type { Player } from "./players.ts";
import type { Rig } from "./rig.ts";

const PATIENT = { timeout_ms: 8_000 };
const NO_ANSWER = [-10005, "IPC timeout"];

type SendFault = Record<string, unknown>;

export const BrokerCases: readonly FaultCase[] = [
  liar("answers 10012 and executes", { retcode: 10012 }, "done"),
  liar("answers 10012 and does not execute", { retcode: 10012, execute: false }, "not_executed"),
  liar("answers None and executes", { error: NO_ANSWER, executed: true }, "done"),
  liar("answers None and does not execute", { error: NO_ANSWER }, "not_executed"),
  liar("overwrites comments", { error: NO_ANSWER, executed: true }, "done", { comment: "broker" }),
  liar("overwrites magic", { error: NO_ANSWER, executed: true }, "done", { magic: 0 }),
  keepsNoMark("executes", { error: NO_ANSWER, executed: true }),
  keepsNoMark("does not execute", { error: NO_ANSWER }),
];

/** The answer says nothing; the broker's records say all, as long as one mark is left. */
function liar(how: string, fault: SendFault, expect: string, overwrite: object = {}): FaultCase {
  return {
    name: `a broker that ${how}`,
    async run({ rig, run }) {
      // One order as it should be: what this broker does with marks is learned from it.
      assert.equal((await run.trade(rig.ann, PATIENT))?.status, 200);
      await rig.broker.control({ send: [fault], overwrite });
      const answer = await run.trade(rig.ann, PATIENT);
      assert.equal(answer?.body.state, "unknown", answer?.text);
      return { fired: 1, expect };
    },
  };
}

/** Where neither mark survives, nothing found proves nothing: it must stay unknown, whatever the broker did. */
function keepsNoMark(how: string, fault: SendFault): FaultCase {
  return {
    name: `a broker that keeps no mark, answers None and ${how}`,
    async run({ rig, run, campaign, turn }) {
      const eve = await campaign.invite(() => joinBeta(rig, `eve-${turn}`));
      await rig.broker.control({ overwrite: { magic: 0, comment: "" } });
      const first = await run.trade(eve, PATIENT);
      assert.equal(first?.status, 200, first?.text);
      await rig.broker.control({ send: [fault] });
      const answer = await run.trade(eve, PATIENT);
      assert.equal(answer?.status, 202, answer?.text);
      const id: string = answer.body.command_id;
      campaign.mayStayUnknown(id);
      await campaign.isShownUnknown(run, eve, id, "not known to keep the mark");
      return { fired: 1, expect: "unknown", mayStayUnknown: true };
    },
  };
}

function joinBeta(rig: Rig, name: string): Promise<Player> {
  return rig.join(name, "1001", "Beta-Live", "beta-one");
}
