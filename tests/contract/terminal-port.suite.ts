// The contract of TerminalPort in numbered cases: every implementation passes all of them, so that what works against the
// simulator works against a terminal. Grouped by file; a number names its case for ever.
import { after, before, describe, test } from "node:test";
import { accountCases } from "./terminal-port.account-cases.ts";
import { guardCases } from "./terminal-port.guard-cases.ts";
import type { Fixture, Harness, World } from "./terminal-port.harness.ts";
import { memoryCases } from "./terminal-port.memory-cases.ts";
import { recordsCases } from "./terminal-port.records-cases.ts";
import { tradingCases } from "./terminal-port.trading-cases.ts";

/** A case gets a fresh broker and leaves nothing open. */
export type ContractCase = { id: string; promise: string; run: (fixture: Fixture, world: World) => Promise<void> };

export const ContractCases: readonly ContractCase[] = [
  ...accountCases,
  ...tradingCases,
  ...guardCases,
  ...memoryCases,
  ...recordsCases,
];

/** Runs the contract against one implementation. `skip`: why it cannot run here. */
export function terminalPortSuite(name: string, harness: Harness, skip?: string): void {
  describe(`TerminalPort: ${name}`, { skip: skip ?? false }, () => {
    before(() => harness.start());
    after(() => harness.stop());
    for (const { id, promise, run } of ContractCases) {
      test(`${id} ${promise}`, async () => {
        const fixture = await harness.create();
        try {
          await run(fixture, harness.world);
        } finally {
          await fixture.stop();
        }
      });
    }
  });
}
