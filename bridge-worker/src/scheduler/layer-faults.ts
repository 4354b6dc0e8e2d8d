// What an account's status says of each thing that can be wrong between the worker and the broker: code, sentence, remedy.
// Pure.
import type { LastError } from "../mt5/mod.ts";
import type { LayerFault } from "../protocol.ts";
import type { QuarantineReason } from "../terminals/mod.ts";

const START = "The operator must start the terminal and its Python server. It is tried again by itself.";
const LOOK = "The operator must look at the terminal's window: a dialog may be open, or MetaTrader has ended.";
const ALONE =
  "Ask again: the next request logs in anew. The operator must see to it that nobody else uses the terminal.";
const CONFIGURE =
  "The operator must give every terminal its own MetaTrader and Python process, and compare MT5_TERMINALS.";

const Terminals: Readonly<Record<QuarantineReason, LayerFault>> = {
  unreachable: {
    code: "terminal_unreachable",
    detail: "The terminal's process cannot be reached",
    action: START,
  },
  hung: {
    code: "terminal_hung",
    detail: "The terminal did not answer in time",
    action: "The operator must restart the terminal if it does not come back. It is tried again by itself.",
  },
  protocol: {
    code: "terminal_unfit",
    detail: "The terminal's process answers what makes no sense",
    action: "The operator must compare the versions of Python and RPyC at the terminal with those supported.",
  },
  ipc: { code: "metatrader_silent", detail: "The terminal's Python has lost MetaTrader", action: LOOK },
  wrong_account: {
    code: "terminal_moved",
    detail: "The terminal was moved to another account, at its window or by the broker",
    action: ALONE,
  },
  shared_terminal: {
    code: "terminal_misconfigured",
    detail: "Two terminals of the worker are one MetaTrader",
    action: CONFIGURE,
  },
  same_process: {
    code: "terminal_misconfigured",
    detail: "Two terminals of the worker are one process",
    action: CONFIGURE,
  },
  wrong_terminal: {
    code: "terminal_misconfigured",
    detail: "MetaTrader runs from another folder than configured",
    action: CONFIGURE,
  },
  taken_over: {
    code: "terminal_taken_over",
    detail: "Another worker uses the terminal",
    action: "The operator must let one worker alone use a terminal.",
  },
  guard_not_shared: {
    code: "guard_not_shared",
    detail: "The connections to the terminal do not share one process",
    action: "The operator must run one threaded RPyC server per terminal, which does not fork.",
  },
};

/** `said`: the failure itself, where it is at hand. */
export function terminalFault(reason: QuarantineReason, said?: string): LayerFault {
  const fault = Terminals[reason];
  return said === undefined ? fault : { ...fault, detail: said };
}

export function silentTerminal(call: string, [code]: LastError): LayerFault {
  const detail = `The terminal's Python answers, but MetaTrader did not answer ${call} (${code})`;
  return { code: "metatrader_silent", detail, action: LOOK };
}

export function unreadableSymbol(call: string, [code]: LastError): LayerFault {
  return {
    code: "symbol_unreadable",
    detail: `MetaTrader did not answer ${call} (${code})`,
    action: "Ask again; if it stays, the operator must look at the terminal's Market Watch.",
  };
}

export function noTime(): LayerFault {
  return {
    code: "worker_busy",
    detail: "A login is needed and would take longer than the time left",
    action: "Ask again in a moment.",
  };
}

export function lostLink(): LayerFault {
  return {
    code: "no_connection",
    detail: "The terminal has no connection to the broker",
    action: "Check that the server name is right and the broker is not under maintenance. It is tried again by itself.",
  };
}

export function refusedPassword([code]: LastError): LayerFault {
  return {
    code: "credential_invalid",
    detail: `The broker refuses the stored password (${code})`,
    action: "Replace the password: PUT /accounts/{id}/password.",
  };
}

export function sealedPassword(): LayerFault {
  return {
    code: "credential_unreadable",
    detail: "The worker cannot open the stored password: it was sealed to a key that the worker does not have",
    action: "Replace the password: PUT /accounts/{id}/password. If it concerns many accounts, the operator lost a key.",
  };
}

export function otherSpelling(server: string): LayerFault {
  return {
    code: "server_mismatch",
    detail: `The broker calls this server "${server}"`,
    action: `Connect the account again, with the server "${server}".`,
  };
}

export function pausedLogins(retryAfterMs: number): LayerFault {
  return {
    code: "login_paused",
    detail: `Logins to this account are paused for ${Math.ceil(retryAfterMs / 1000)} s, because some failed`,
    action: "Wait that long; if the password is wrong, replace it (PUT /accounts/{id}/password).",
  };
}
