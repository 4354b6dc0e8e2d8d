// Faults on real processes: one stack, and only what a run kills is started again. `FAULTS_FULL=1`: five times as often.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { requirePython } from "../../support/python.ts";
import { BrokerCases } from "./broker-cases.ts";
import { Campaign, type FaultCase } from "./campaign.ts";
import { FrameCases } from "./frame-cases.ts";
import { LinkCases } from "./link-cases.ts";
import { LossCases } from "./loss-cases.ts";
import { PointCases } from "./point-cases.ts";
import { randomCases } from "./random-cases.ts";
import { type Rig, startRig } from "./rig.ts";
import { SlowCases } from "./slow-cases.ts";
import { TerminalCases } from "./terminal-cases.ts";

const IS_FULL = process.env.FAULTS_FULL === "1";
const POINT_TURNS = IS_FULL ? 10 : 2;
const TURNS = IS_FULL ? 5 : 1;
const RANDOM_TURNS = IS_FULL ? 25 : 1;
const SEED = Number(process.env.FAULTS_SEED ?? 1);

describe("faults on real processes", { skip: requirePython() ?? false }, () => {
  let rig: Rig;
  let campaign: Campaign;

  before(async () => {
    rig = await startRig();
    campaign = new Campaign(rig);
  });
  after(async () => {
    if (campaign !== undefined) process.stdout.write(`${JSON.stringify(await campaign.summary())}\n`);
    await rig?.stop();
  });

  function series(title: string, cases: readonly FaultCase[], turns: number): void {
    describe(title, () => {
      for (const one of cases) {
        for (let turn = 1; turn <= turns; turn++) it(`${one.name}, ${turn}`, () => campaign.perform(one, turn));
      }
    });
  }

  series("killed at a point", PointCases, POINT_TURNS);
  series("a link is cut", LinkCases, TURNS);
  series("frames come again", FrameCases, TURNS);
  series("terminals go wrong", TerminalCases, TURNS);
  series("brokers go wrong", BrokerCases, TURNS);
  series("slower than a run may be", SlowCases, IS_FULL ? 1 : 0);
  series("killed at any time", randomCases(SEED), RANDOM_TURNS);
  // Last: for half a minute a new journal knows that it may have forgotten what is asked for.
  series("lost for good", LossCases, 1);

  it("has fourteen points", () => assert.equal(PointCases.length, 14));
  it("leaves nothing open, and the ledger knows every outcome", () => campaign.conclude());
});
