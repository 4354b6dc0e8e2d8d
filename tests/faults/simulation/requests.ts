// What a client can ask of the function, and the record of every answer as it would stand in an HTTP response.
import {
  type AccountRef,
  AppError,
  type CommandRequest,
  toAppError,
  toProblem,
} from "../../../bridge-worker/src/protocol.ts";
import {
  acknowledgeCommand,
  type Caller,
  cancelCommand,
  canonicalJson,
  connectAccount,
  readAccount,
  readCommand,
  removeAccount,
  submitCommand,
} from "../../../supabase/functions/api/services/mod.ts";
import type { Answer } from "../invariants/mod.ts";
import { type Actor, passwordOf } from "./actors.ts";
import type { Isolate } from "./isolate.ts";
import { userToken } from "./seals.ts";
import type { World } from "./world.ts";

export type Submission = { actor: Actor; request: CommandRequest; key: string; timeoutMs: number };
type Said = Pick<Answer, "status" | "body" | "executed" | "code">;

/** Undefined: the function went away before it answered. */
export async function submit(
  world: World,
  { actor, request, key, timeoutMs }: Submission,
): Promise<Answer | undefined> {
  const isolate = pickIsolate(world);
  const caller = callerOf(world, actor.userId);
  const accountId = world.accountId(actor.userId, actor.account);
  const fingerprint = canonicalJson({ accountId: actor.account, request });
  const ask = async ({ status, body }: { status: number; body: string }): Promise<Said> => {
    const { executed, code = null } = JSON.parse(body) as { executed: boolean | null; code?: string };
    return { status, body, executed, code };
  };
  const what = `submit ${request.kind} ${key}`;
  const answer = await record(world, isolate, caller, { what: "submit", key, note: what }, async () =>
    ask(await submitCommand(isolate.context, { caller, accountId, request, key, fingerprint, timeoutMs })),
  );
  return answer;
}

export async function ask(world: World, userId: string, commandId: string): Promise<Answer | undefined> {
  return aboutCommand(world, userId, commandId, "ask", readCommand);
}

export async function cancel(world: World, userId: string, commandId: string): Promise<Answer | undefined> {
  return aboutCommand(world, userId, commandId, "cancel", cancelCommand);
}

export async function acknowledge(world: World, userId: string, commandId: string): Promise<Answer | undefined> {
  return aboutCommand(world, userId, commandId, "acknowledge", (context, caller, id) =>
    acknowledgeCommand(context, caller, id, "looked at the terminal"),
  );
}

async function aboutCommand(
  world: World,
  userId: string,
  commandId: string,
  what: "ask" | "cancel" | "acknowledge",
  service: typeof readCommand,
): Promise<Answer | undefined> {
  const isolate = pickIsolate(world);
  const caller = callerOf(world, userId);
  return record(world, isolate, caller, { what, key: null, commandId, note: `${what} ${commandId}` }, async () => {
    const row = await service(isolate.context, caller, commandId);
    return { status: 200, body: row.state, executed: row.executed, code: null };
  });
}

/** Reads change nothing; what matters is that they are there, between the orders. */
export async function read(
  world: World,
  { userId, account }: Actor,
  kind: "positions" | "account_info",
): Promise<void> {
  const isolate = pickIsolate(world);
  const caller = callerOf(world, userId);
  const accountId = world.accountId(userId, account);
  await readAccount(isolate.context, { caller, accountId, request: { kind, max_age_ms: 0 } }).catch(mustBeOurs);
}

export async function connect(world: World, userId: string, account: AccountRef, isRight: boolean): Promise<void> {
  const isolate = pickIsolate(world);
  const caller = callerOf(world, userId);
  const password = passwordOf(account, isRight);
  try {
    await connectAccount(isolate.context, caller, { account_name: "mine", ...account, password }, 30_000);
    world.observer.connects.push({ userId, ...account, isRight });
    world.note(`${userId} connected ${account.login}`);
  } catch (error) {
    mustBeOurs(error);
  }
}

/** The account goes, whatever is open on it, and is connected again later. */
export async function removeForAWhile(world: World, { userId, account }: Actor): Promise<void> {
  const accountId = world.accountId(userId, account);
  if (accountId === null) return;
  world.note(`${userId} removes ${account.login} on ${account.server}`);
  await removeAccount(pickIsolate(world).context, callerOf(world, userId), accountId, true).catch(mustBeOurs);
  await world.loop.sleep(world.random.between(1_000, 10_000));
  await connect(world, userId, account, true);
}

function pickIsolate(world: World): Isolate {
  return world.random.pick(world.isolates);
}

function callerOf(world: World, userId: string): Caller {
  return { userId, token: userToken(userId, world.functionWallMs), requestId: world.random.uuid() };
}

type Asked = Pick<Answer, "what" | "key"> & { commandId?: string; note: string };

async function record(
  world: World,
  isolate: Isolate,
  caller: Caller,
  { what, key, commandId, note }: Asked,
  work: () => Promise<Said>,
): Promise<Answer | undefined> {
  const askedMs = world.loop.now;
  world.note(note);
  let said: Said;
  try {
    said = await work();
  } catch (error) {
    said = problem(error, caller.requestId, what);
  }
  if (!isolate.life.isAlive) return undefined;
  const answer: Answer = {
    ...{ atMs: world.loop.now, askedMs, userId: caller.userId, what, key, ...said },
    commandId: commandId ?? world.observer.commandOf.get(caller.requestId) ?? null,
  };
  world.observer.answers.push(answer);
  world.note(`${note}: ${said.status} ${said.body}`);
  return answer;
}

/** As the error handler of the routes answers it. */
function problem(error: unknown, requestId: string, what: Answer["what"]): Said {
  mustBeOurs(error);
  const shown = toProblem(toAppError(error), requestId);
  // About a question or a cancellation it speaks of the request, unless it names the command.
  const isAboutCommand = what === "submit" || shown.command_id !== undefined;
  const executed = isAboutCommand ? shown.executed : undefined;
  return { status: shown.status, body: JSON.stringify({ ...shown, request_id: "" }), executed, code: shown.code };
}

function mustBeOurs(error: unknown): void {
  if (!(error instanceof AppError) || error.code === "internal_error") throw error;
}
