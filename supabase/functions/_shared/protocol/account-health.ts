// How an account is, layer by layer, from the caller outwards to the broker: what may be wrong with each and how it is
// shown. Pure. The worker finds out what lies behind it, the function adds what the account's row says.
import { z } from "zod";

/** Layer → its codes beside `ok` and `not_known`: a promise to callers. docs/errors.md says what each means. */
export const HealthCodes = {
  capacity: ["worker_unreachable", "worker_busy", "read_timeout"],
  terminal: [
    "terminal_unreachable",
    "terminal_hung",
    "guard_not_shared",
    "terminal_unfit",
    "terminal_moved",
    "terminal_misconfigured",
    "terminal_taken_over",
    "metatrader_silent",
  ],
  broker_link: ["no_connection"],
  credential: ["credential_invalid", "credential_unreadable", "server_mismatch", "login_paused"],
  trading_permission: [
    "account_inactive",
    "python_trading_disabled",
    "autotrading_off",
    "read_only",
    "investor_password",
    "account_trade_disabled",
    "automated_trading_forbidden",
  ],
  symbol: [
    "symbol_not_found",
    "symbol_disabled",
    "symbol_close_only",
    "symbol_long_only",
    "symbol_short_only",
    "symbol_no_quote",
    "symbol_unreadable",
  ],
} as const;
export type LayerName = keyof typeof HealthCodes;
export type HealthCode = (typeof HealthCodes)[LayerName][number];

const LayerNames = Object.keys(HealthCodes) as LayerName[];
const Codes = ["ok", "not_known", ...Object.values(HealthCodes).flat()] as const;

/** One layer between the caller and the broker; `ok: false` says what is wrong and what to do. */
export const HealthLayer = z
  .object({
    layer: z.enum(LayerNames),
    ok: z.boolean().nullable().meta({ description: "null: not known, because another layer is broken" }),
    code: z.enum(Codes).meta({ description: "For programs; never changes its meaning" }),
    detail: z.string().meta({ description: "What is wrong, for people" }),
    action: z
      .string()
      .nullable()
      .meta({ description: "What a person can do about it; null when nothing is to be done" }),
  })
  .meta({ description: "One layer between you and the broker" });
export type HealthLayer = z.infer<typeof HealthLayer>;

export type LayerFault = { code: HealthCode; detail: string; action: string };
/** What was found out. A layer that is not named is not known. */
export type Findings = Partial<Record<LayerName, "well" | LayerFault>>;
export type AccountHealth = { healthy: boolean; layers: HealthLayer[] };

const Well: Record<LayerName, string> = {
  capacity: "A terminal has time for the account",
  terminal: "The terminal answers",
  broker_link: "The terminal is connected to the broker",
  credential: "The broker accepted the stored password",
  trading_permission: "Trading is allowed",
  symbol: "The symbol can be traded and has a quote",
};

/** Every layer, outermost first. `withSymbol`: one was asked about. */
export function healthOf(findings: Findings, withSymbol: boolean): AccountHealth {
  const names = LayerNames.filter((name) => withSymbol || name !== "symbol");
  const layers = names.map((layer) => show(layer, findings[layer]));
  return { healthy: layers.every(({ ok }) => ok === true), layers };
}

function show(layer: LayerName, finding: Findings[LayerName]): HealthLayer {
  if (finding === "well") return { layer, ok: true, code: "ok", detail: Well[layer], action: null };
  if (finding !== undefined) return { layer, ok: false, ...finding };
  return { layer, ok: null, code: "not_known", detail: "Not known while another layer is broken", action: null };
}
