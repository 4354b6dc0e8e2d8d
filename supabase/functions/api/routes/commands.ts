// The ledger: what was asked, and what became of it.
import { z } from "zod";
import { Login, ServerName, Uuid } from "../../_shared/domain/mod.ts";
import {
  AcknowledgeReason,
  type CommandState,
  CommandStates,
  Timings,
  TradeResult,
} from "../../_shared/protocol/mod.ts";
import { acknowledgeCommand, cancelCommand, listCommands, readCommand, type ServiceContext } from "../services/mod.ts";
import { type StoredCommand, showAnswer } from "./command-view.ts";
import { ProblemDocument } from "./document-route.ts";
import { CommandParams, queryInt } from "./fields.ts";
import { addUserRoute, type Router } from "./route.ts";

const TAG = "Commands";
export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 200;

const StateName = z.enum(Object.keys(CommandStates) as [CommandState, ...CommandState[]]);

const ListQuery = z.object({
  account_id: Uuid.optional(),
  state: StateName.optional(),
  limit: queryInt(z.int().min(1).max(PAGE_MAX))
    .optional()
    .meta({ description: `Default ${PAGE_DEFAULT}` }),
  cursor: Uuid.optional().meta({ description: "`next_cursor` of the page before" }),
});

const CommandView = z.object({
  id: z.guid(),
  kind: z.string(),
  state: StateName,
  executed: z.boolean().nullable(),
  account: z.object({ id: z.guid().nullable(), login: Login, server: ServerName }),
  request: z.record(z.string(), z.unknown()).meta({ description: "What was asked for" }),
  evidence: z.unknown().meta({ description: "What an `unknown` or a settled outcome rests on" }),
  acknowledged: z
    .object({ at: z.iso.datetime(), reason: z.string() })
    .nullable()
    .meta({ description: "When and why you stopped waiting for an unknown outcome" }),
  created_at: z.iso.datetime(),
  deadline: z.iso.datetime(),
  completed_at: z.iso.datetime().nullable(),
});

const CommandDetail = CommandView.extend({
  result: TradeResult.optional(),
  timings: Timings.optional(),
  problem: ProblemDocument.optional().meta({ description: "The problem that the request was answered with" }),
});

const AcknowledgeRequest = z.strictObject({
  reason: AcknowledgeReason.meta({ description: "What you found: kept in the ledger" }),
});

export function addCommandRoutes(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "get",
      path: "/commands",
      tag: TAG,
      summary: "Your commands, newest first",
      query: ListQuery,
      answers: {
        200: {
          description: "A page; `next_cursor` is null on the last",
          schema: z.object({ data: z.array(CommandView), next_cursor: z.string().nullable() }),
        },
      },
    },
    async ({ c, caller, query }) => {
      const { account_id, state, limit = PAGE_DEFAULT, cursor } = query;
      const page = await listCommands(services, caller, {
        accountId: account_id ?? null,
        state: state ?? null,
        limit,
        cursor: cursor ?? null,
      });
      return c.json({ data: page.data.map(show), next_cursor: page.next_cursor });
    },
  );
  addUserRoute(
    router,
    {
      method: "get",
      path: "/commands/{id}",
      tag: TAG,
      summary: "One command; an open one is asked after at its worker",
      params: CommandParams,
      answers: { 200: { description: "What is known of it", schema: CommandDetail } },
      problems: ["command_not_found"],
    },
    async ({ c, caller, params }) => {
      const command = await readCommand(services, caller, params.id);
      return c.json({ ...show(command), ...showAnswer(command) });
    },
  );
  addEnding(router, services);
}

function addEnding(router: Router, services: ServiceContext): void {
  addUserRoute(
    router,
    {
      method: "post",
      path: "/commands/{id}/cancel",
      tag: TAG,
      summary: "Cancel a command that has not started",
      description:
        "`cancelled` is false when the command had ended otherwise before; `command` then shows how. A command that has started cannot be cancelled: 409.",
      params: CommandParams,
      answers: {
        200: {
          description: "The command as it is now",
          schema: z.object({ success: z.literal(true), cancelled: z.boolean(), command: CommandDetail }),
        },
      },
      problems: ["command_not_found", "command_started", "worker_silent"],
    },
    async ({ c, caller, params }) => {
      const command = await cancelCommand(services, caller, params.id);
      const shown = { ...show(command), ...showAnswer(command) };
      return c.json({ success: true, cancelled: command.state === "cancelled", command: shown });
    },
  );
  addUserRoute(
    router,
    {
      method: "post",
      path: "/commands/{id}/acknowledge",
      tag: TAG,
      summary: "Stop waiting for an unknown outcome",
      description:
        "Lifts the block: openings of the symbol (or closes of the position) are taken again. The command stays `unknown` " +
        "until it is proven. Look at the account first: its order may exist. `acknowledged` is false when the command had " +
        "ended; `command` then shows how. Repeating it changes nothing: the first reason stays.",
      params: CommandParams,
      body: AcknowledgeRequest,
      answers: {
        200: {
          description: "The command as it is now",
          schema: z.object({ success: z.literal(true), acknowledged: z.boolean(), command: CommandDetail }),
        },
      },
      problems: ["command_not_found", "command_under_way", "worker_silent"],
    },
    async ({ c, caller, params, body }) => {
      const command = await acknowledgeCommand(services, caller, params.id, body.reason);
      const shown = { ...show(command), ...showAnswer(command) };
      return c.json({ success: true, acknowledged: command.open, command: shown });
    },
  );
}

function show(command: StoredCommand): StoredCommand {
  const { id, kind, state, executed, account, request, evidence, acknowledged } = command;
  const { created_at, deadline, completed_at } = command;
  return { id, kind, state, executed, account, request, evidence, acknowledged, created_at, deadline, completed_at };
}
