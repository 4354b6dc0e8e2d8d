// MetaTrader as this project sees it: what a terminal can do, what it says, what its numbers mean, and the real terminal
// behind RPyC with its guard. The room may import ../rpyc/mod.ts and ../protocol.ts; the pool, the scheduler and the
// simulator import this door. Tests: beside each file; guard/guard_test.py tests the guard in plain Python, and
// rpyc-terminal*.test.ts all of it through real RPyC servers on a double of the MetaTrader5 package (tests/support/mt5).
export * from "./broker-clock.ts";
export * from "./classify-send.ts";
export * from "./facts.ts";
export * from "./history-views.ts";
export * from "./permissions.ts";
export * from "./plan.ts";
export * from "./record-place.ts";
export * from "./retcodes.ts";
export { createRpycTerminal, REPLY_GRACE_MS, type RpycTerminal, type RpycTerminalOptions } from "./rpyc-terminal.ts";
export * from "./tag.ts";
export * from "./terminal-port.ts";
export * from "./views.ts";
