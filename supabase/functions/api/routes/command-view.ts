// The stored answer of a command, taken apart for GET /commands/{id}. Pure.
import { z } from "zod";
import type { CommandState } from "../../_shared/protocol/mod.ts";

/** What the ledger knows of a command, as far as a route shows it. */
export type StoredCommand = {
  id: string;
  kind: string;
  state: CommandState;
  executed: boolean | null;
  account: { id: string | null; login: string; server: string };
  request: Record<string, unknown>;
  evidence?: unknown;
  acknowledged: { at: string; reason: string } | null;
  created_at: string;
  deadline: string;
  completed_at: string | null;
};

const StoredBody = z.looseObject({ result: z.unknown().optional(), timings: z.unknown().optional() });

/** `result` and `timings` of a success, or the `problem`; nothing while the outcome is open. */
export function showAnswer({ status, body }: { status: number | null; body: string | null }): Record<string, unknown> {
  if (status === null || body === null || status === 202) return {};
  const parsed = StoredBody.safeParse(parse(body));
  if (!parsed.success) return {};
  return status < 400 ? { result: parsed.data.result, timings: parsed.data.timings } : { problem: parsed.data };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
