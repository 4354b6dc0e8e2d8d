// Which terminal may serve which account.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayLogIn, serves, type TerminalLimits, UNLIMITED } from "./limits.ts";

const ANN = { login: "1001", server: "Demo-One" };
const BOB = { login: "1002", server: "Demo-One" };
const NAMESAKE = { login: "1001", server: "Demo-Two" };
const pinnedTo = (...pinned: (typeof ANN)[]): TerminalLimits => ({ servers: null, pinned });
const onlyOn = (...servers: string[]): TerminalLimits => ({ servers, pinned: [] });

describe("mayLogIn", () => {
  const cases: [string, TerminalLimits, typeof ANN, boolean][] = [
    ["without limits, anything", UNLIMITED, ANN, true],
    ["a server on the list", onlyOn("Demo-Two", "Demo-One"), ANN, true],
    ["no server off the list", onlyOn("Demo-Two"), ANN, false],
    ["another spelling of a server on the list", onlyOn("demo-one"), ANN, true],
    ["the pinned account", pinnedTo(BOB, ANN), ANN, true],
    ["no other account where one is pinned", pinnedTo(BOB), ANN, false],
    ["no namesake on another server", pinnedTo(ANN), NAMESAKE, false],
  ];
  for (const [name, limits, account, expected] of cases) {
    it(name, () => assert.equal(mayLogIn(limits, account), expected));
  }
});

describe("serves", () => {
  const all = [UNLIMITED, pinnedTo(ANN), onlyOn("Demo-Two")];
  const servedBy = (account: typeof ANN): number[] =>
    all.flatMap((limits, index) => (serves(limits, account, all) ? [index] : []));

  it("a pinned account is served by its own terminal alone", () => assert.deepEqual(servedBy(ANN), [1]));
  it("the others are served by the others", () => assert.deepEqual(servedBy(BOB), [0]));
  it("a namesake is another account", () => assert.deepEqual(servedBy(NAMESAKE), [0, 2]));
});
