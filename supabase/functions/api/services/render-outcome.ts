// The HTTP answer of a command, made from its outcome. Pure: whoever renders the same outcome of the same command, now or
// from the worker's outbox days later, gets the same bytes. Nothing of the request that asked may enter.
import { AppError, Catalogue, type ErrorCode, toProblem } from "../../_shared/errors/mod.ts";
import { type CommandState, CommandStates, type Outcome } from "../../_shared/protocol/mod.ts";

export type CommandIdentity = {
  id: string;
  kind: string;
  account: { id: string | null; login: string; server: string };
};

export type RenderedAnswer = { state: CommandState; executed: boolean | null; status: number; body: string };

export function renderOutcome(command: CommandIdentity, outcome: Outcome): RenderedAnswer {
  const { state } = outcome;
  const { executed } = CommandStates[state];
  if (state === "unknown") return { state, executed, status: UNKNOWN_STATUS, body: renderUnknown(command.id) };
  if (state !== "done") return { state, executed, ...renderFailure(command, outcome) };
  const { id, login, server } = command.account;
  const body = JSON.stringify({
    success: true,
    command_id: command.id,
    kind: command.kind,
    state,
    executed,
    account: { id, login, server },
    result: outcome.result,
    timings: outcome.timings,
  });
  return { state, executed, status: 200, body };
}

export const UNKNOWN_STATUS = Catalogue.outcome_unknown.status;

/** The answer while nobody can say: the same whether the worker said so or did not answer at all. */
export function renderUnknown(commandId: string): string {
  return JSON.stringify({
    command_id: commandId,
    state: "unknown",
    executed: null,
    may_have_executed: true,
    retry_same_key: "safe",
    submit_new_key: "unsafe",
  });
}

type Failed = Exclude<Outcome, { state: "done" | "unknown" }>;

/** The plain meaning of a state, for a code that says something else about `executed` than the state does. */
const CodeOfState = {
  rejected: "broker_rejected",
  refused: "order_refused",
  expired: "deadline_exceeded",
  cancelled: "command_cancelled",
  not_executed: "not_executed",
} as const satisfies Record<Failed["state"], ErrorCode>;

function codeOf({ code, state }: Failed): ErrorCode {
  // A stored password that the worker has no key for: to its user the same as one that the broker refuses.
  if (code === "proof_refused") return "credential_invalid";
  return Catalogue[code].executed === null ? CodeOfState[state] : code;
}

function renderFailure(command: CommandIdentity, outcome: Failed): { status: number; body: string } {
  const code = codeOf(outcome);
  const { detail, fields, mt5 } = outcome;
  const error = new AppError(code, { detail, fields, mt5, command_id: command.id });
  // The command's own id stands in for the request's: stored answers must not depend on who asked first.
  return { status: error.status, body: JSON.stringify(toProblem(error, command.id)) };
}
