// The simulator: a deterministic paper broker with its terminals, the second TerminalPort beside the real one. It is what
// the local stack trades on, and its accounts are usable as paper accounts. It fills market orders, keeps positions,
// pending orders, money and history, and refuses what a broker refuses; it triggers no pending order and no stop level,
// calls no margin and charges no swap. It may import the port, the facts and the tag of `mt5`, and `protocol.ts`; never
// `rpyc` or `terminals`. Its tests: beside each file, and `tests/contract/simulator.test.ts`.
export { FaultScript, type LoginFault, type ReadFault, type SendFault } from "./faults.ts";
export {
  ACCOUNTS_PER_SERVER,
  FIRST_LOGIN,
  investorPassword,
  MarginMode,
  SIM_SERVERS,
  type SimServer,
  tradingPassword,
} from "./sim-accounts.ts";
export { type LedgerEntry, SimBroker, type SimBrokerOptions, type SimBrokerState } from "./sim-broker.ts";
export { SimProcess } from "./sim-process.ts";
export { symbolNames } from "./sim-symbols.ts";
export { MAX_TAGS, TagRegistry } from "./sim-tags.ts";
export {
  createSimTerminal,
  LOGIN_LATENCY_MS,
  OPEN_TIMEOUT_MS,
  ORDER_LATENCY_MS,
  type SimTerminalOptions,
} from "./sim-terminal.ts";
