// The watchdog's line format, both directions. Pure.

export type WatchdogLine =
  | { kind: "register"; pid: number; start: string; signal: NodeJS.Signals }
  | { kind: "forget"; pid: number }
  | { kind: "remove" | "keep"; path: string }
  | { kind: "unknown" };

const SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"];

export function formatWatchdogLine(line: Exclude<WatchdogLine, { kind: "unknown" }>): string {
  switch (line.kind) {
    case "register":
      return `+${line.pid} ${line.start || "?"} ${line.signal}\n`;
    case "forget":
      return `-${line.pid}\n`;
    case "remove":
      return `rm ${line.path}\n`;
    case "keep":
      return `-rm ${line.path}\n`;
  }
}

/** A line that is not understood is `unknown` and ignored: the watchdog must never end on a torn last line. */
export function parseWatchdogLine(text: string): WatchdogLine {
  const register = /^\+([1-9]\d*) (\d+|\?) (SIG[A-Z]+)$/.exec(text);
  if (register) {
    const signal = SIGNALS.find((name) => name === register[3]);
    if (signal === undefined) return { kind: "unknown" };
    return {
      kind: "register",
      pid: Number(register[1]),
      start: register[2] === "?" ? "" : (register[2] ?? ""),
      signal,
    };
  }
  const forget = /^-([1-9]\d*)$/.exec(text);
  if (forget) return { kind: "forget", pid: Number(forget[1]) };
  const folder = /^(-?)rm (\/.+)$/.exec(text);
  if (folder) return { kind: folder[1] ? "keep" : "remove", path: folder[2] ?? "" };
  return { kind: "unknown" };
}
