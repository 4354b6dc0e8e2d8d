// The function's own services between a real Postgres and a worker's inner rooms, in one process: what is left out is HTTP
// and the link. A user's id stands for his access token.
import { CommandBody, type CommandRequest } from "../../../bridge-worker/src/protocol.ts";
import type { Bridge, CommandReply, WorkerCall } from "../../../supabase/functions/api/bridge/mod.ts";
import {
  type CallSql,
  type CommandRow,
  createDatabase,
  toDatabaseError,
} from "../../../supabase/functions/api/db/mod.ts";
import {
  type CommandAnswer,
  type Receipt,
  readCommand,
  receiveResults,
  type ServiceContext,
  submitCommand,
} from "../../../supabase/functions/api/services/mod.ts";
import { makeContext } from "../../../supabase/functions/api/testing/context.ts";
import { connect, type Session } from "../../db/session.ts";
import { type Actor, listen, WORKER_ID, type WorkerFixture } from "../../support/worker-fixture.ts";

const TIMEOUT_MS = 10_000;

export type OfficeOptions = {
  session: Session;
  worker: WorkerFixture;
  /** Stands in the way of a command's answer from the worker, which has ended by then. */
  answer?: (reply: CommandReply) => Promise<CommandReply>;
};

export type Office = {
  /** A user of this ledger whose account is registered, as connect would leave it. */
  register(login?: string): Promise<Actor>;
  submit(actor: Actor, key: string, request?: CommandRequest): Promise<CommandAnswer>;
  /** What `GET /commands/{id}` finds. */
  read(userId: string, commandId: string): Promise<CommandRow>;
  /** What `POST /internal/results` does. */
  receive(results: readonly string[]): Promise<Receipt>;
};

const BUY: CommandRequest = { kind: "trade", params: { symbol: "EURUSD", order_type: "buy", volume: 0.01 } };

export function openOffice({ session, worker, answer = async (reply) => reply }: OfficeOptions): Office {
  const { clock } = worker;
  const bridge: Partial<Bridge> = {
    runCommand: async (call) => answer(await runOn(worker, call)),
    askCommand: async (call, commandId) => {
      const event = await worker.scheduler.status({
        ...{ commandId, userId: call.userId, notAfterMs: call.startByMs },
        submittedAgoMs: clock.now() - call.submittedAtMs,
      });
      return "result" in event ? worker.open(event.result) : null;
    },
  };
  const context: ServiceContext = makeContext({
    db: createDatabase(callSql(session)),
    bridge,
    verifyResult: worker.open,
    workerIds: [WORKER_ID],
    clock: { monotonicMs: clock.now, wallMs: clock.wallClock },
  });
  const callerOf = (userId: string) => ({ userId, token: userId, requestId: "request" });
  return {
    async register(login = "5000001") {
      const actor = await worker.actor({ userId: await session.newUser(), account: { login } });
      const { server } = actor.account;
      const row = { login, server, encrypted_password: actor.credential, worker_id: WORKER_ID, set_as_default: true };
      const { id } = await connect(session, actor.userId, row);
      return { ...actor, account: { ...actor.account, id } };
    },
    submit: ({ userId }, key, request = BUY) =>
      submitCommand(context, {
        ...{ caller: callerOf(userId), accountId: null, request, key },
        ...{ fingerprint: JSON.stringify(request), timeoutMs: TIMEOUT_MS },
      }),
    read: (userId, commandId) => readCommand(context, callerOf(userId), commandId),
    receive: (results) => receiveResults(context, results),
  };
}

async function runOn(worker: WorkerFixture, call: WorkerCall): Promise<CommandReply> {
  const { id, userId, account, startByMs, submittedAtMs } = call;
  const heard = listen();
  const command = {
    ...{ id, userId, account: { ...account, id: account.id ?? "" }, notAfterMs: startByMs },
    submittedAgoMs: worker.clock.now() - submittedAtMs,
    body: CommandBody.parse(JSON.parse(call.body)),
  };
  await worker.scheduler.command(command, heard.subscriber);
  return { type: "outcome", claims: await worker.open(await heard.result) };
}

/** As the gateway calls: a trusted call as the service role, any other as the user whose token it carries. */
function callSql(session: Session): CallSql {
  return async (name, args, answer, userToken) => {
    try {
      return answer.parse(
        await session.call(userToken === undefined ? "service_role" : { user: userToken }, name, args),
      );
    } catch (error) {
      throw toDatabaseError(error as Parameters<typeof toDatabaseError>[0]);
    }
  };
}
