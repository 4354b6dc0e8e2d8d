// Door of the risk limits: pure decisions on what the terminal showed. Imports the shared contract only; the lane calls
// it between `prepare` and the journal. Tests: beside the files.
export { advanceCounters, type EquityCounters } from "./counters.ts";
export { decideRisk, type RiskFacts, type RiskViolation } from "./decide.ts";
