// One isolate of the function: the real services on the real bridge client, until it is taken away.
import { createBridge, DefaultBridgeLimits } from "../../../supabase/functions/api/bridge/mod.ts";
import { createLog } from "../../../supabase/functions/api/log.ts";
import type { ServiceContext } from "../../../supabase/functions/api/services/mod.ts";
import type { FaultPlan } from "./faults.ts";
import { faultyDatabase } from "./faulty-database.ts";
import type { Ledger } from "./ledger.ts";
import { Lifeline } from "./lifeline.ts";
import type { Loop } from "./loop.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import { sealPassword, sha256, sign, verifyResult, WORKER_ID } from "./seals.ts";

export type IsolateOptions = {
  loop: Loop;
  random: Random;
  plan: FaultPlan;
  network: Network;
  ledger: () => Ledger;
  wallClock: () => number;
  onSubmitted: (requestId: string, commandId: string) => void;
  onLogLine: (line: string) => void;
};

export class Isolate {
  readonly life: Lifeline;
  readonly context: ServiceContext;

  constructor({ loop, random, plan, network, ledger, wallClock, onSubmitted, onLogLine }: IsolateOptions) {
    this.life = new Lifeline(loop);
    const startMs = random.between(0, 1_000_000);
    const bornMs = loop.now;
    const clock = { monotonicMs: () => startMs + loop.now - bornMs, wallMs: wallClock };
    const newId = (): string => random.uuid();
    const log = createLog({ write: onLogLine, level: "info", wallMs: wallClock });
    const bridge = createBridge({
      workers: [{ id: WORKER_ID, url: "worker" }],
      openTransport: network.opener(this.life),
      signEnvelope: async (claims) => sign("envelope", claims),
      signTicket: async ({ workerId, jti, nowS }) =>
        sign("ticket", { iss: "switchyard-api", aud: workerId, jti, iat: nowS, exp: nowS + 30 }),
      verifyResult,
      hash: sha256,
      newId,
      ...clock,
      after: this.life.after,
      limits: DefaultBridgeLimits,
      onFault: (_workerId, error) => log.error("link.fault", { code: error.code, detail: error.extras.detail }),
    });
    this.context = {
      db: faultyDatabase({ ledger, life: this.life, plan, random, onSubmitted }),
      bridge,
      sealPassword: async ({ userId, account, password }) => ({
        credential: sealPassword(userId, account, password, random.hex(8)),
        kid: "sim",
      }),
      verifyResult,
      workerIds: [WORKER_ID],
      clock,
      newId,
      log,
    };
  }
}
