// What forbids trading, and who can change it: the terminal's two switches, the account's two rights, the symbol's mode. The
// same table decides whether a command is sent and what an account's status says. Pure.
import type { LayerFault } from "../protocol.ts";
import type { AccountFacts, SymbolFacts, TerminalFacts, TickFacts } from "./facts.ts";

/** Why this terminal and account cannot trade at all, as a sentence; undefined when they can. */
export function tradingBlocked(account: AccountFacts, terminal: TerminalFacts): string | undefined {
  if (!terminal.connected) return "The terminal has no connection to the broker";
  return permissionFault(account, terminal)?.detail;
}

/** The first of the rights that is missing, the terminal's before the account's. */
export function permissionFault(account: AccountFacts, terminal: TerminalFacts): LayerFault | undefined {
  if (terminal.tradeapi_disabled) {
    return {
      code: "python_trading_disabled",
      detail: "The terminal's options forbid trading through the external Python API",
      action:
        'The operator must untick "Disable automatic trading via external Python API" in the terminal (Tools, Options, ' +
        "Expert Advisors).",
    };
  }
  if (!terminal.trade_allowed) {
    return {
      code: "autotrading_off",
      detail: "AutoTrading is switched off in the terminal",
      action: "The operator must press the Algo Trading button in the terminal's toolbar.",
    };
  }
  if (!account.trade_allowed) {
    return {
      code: "read_only",
      detail: "The account is read-only: it was opened with the investor password, or is disabled",
      action:
        "Replace the stored password with the master password (PUT /accounts/{id}/password); if it is the master password, " +
        "ask the broker to enable trading.",
    };
  }
  if (!account.trade_expert) {
    return {
      code: "automated_trading_forbidden",
      detail: "The broker does not allow automated trading on this account",
      action: "Ask the broker to allow automated trading, or use another account.",
    };
  }
  return undefined;
}

/** SYMBOL_TRADE_MODE → what it forbids; 4 forbids nothing. */
const Modes: Readonly<Record<number, Pick<LayerFault, "code"> & { says: string }>> = {
  0: { code: "symbol_disabled", says: "is not traded at all" },
  1: { code: "symbol_long_only", says: "may only be bought" },
  2: { code: "symbol_short_only", says: "may only be sold" },
  3: { code: "symbol_close_only", says: "may only be closed" },
};

/** `symbol` null: the broker has none of this name. `tick` null: it has never been quoted. */
export function symbolFault(name: string, symbol: SymbolFacts | null, tick: TickFacts | null): LayerFault | undefined {
  if (symbol === null) {
    return {
      code: "symbol_not_found",
      detail: `The broker has no symbol "${name}"`,
      action: "Use the broker's own name of it: many add a suffix, as in EURUSD.pro.",
    };
  }
  const mode = Modes[symbol.trade_mode];
  if (mode !== undefined) {
    return {
      code: mode.code,
      detail: `"${name}" ${mode.says}`,
      action: "Send only what the broker permits for this symbol, or use another symbol.",
    };
  }
  if (tick !== null) return undefined;
  return {
    code: "symbol_no_quote",
    detail: `"${name}" has no quote`,
    action: "Wait until its market opens; if it stays without one, ask the broker.",
  };
}
