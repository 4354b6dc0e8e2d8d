// Every number of the policy, and the presets. docs/scheduling.md says what each one buys and costs.

export type PolicyParams = {
  /** How long a read waits for company before it may force a switch, when the terminals are busy. */
  holdMs: number;
  /** Share of busy time below which a read waits for nobody, and from which on it waits in full. */
  holdFromShare: number;
  holdFullShare: number;
  /** How long a verification waits for a terminal that nobody misses. */
  verifyHoldMs: number;
  /** So long before its last possible start it counts like a change that came in then: as long as those may wait. */
  verifyLeadMs: number;
  /** A read gives way to changes of other lanes for this long. */
  readHandicapMs: number;
  /** A close goes before every other change that has not waited this much longer. */
  closeLeadMs: number;
  /** A read of the lane's own goes before later changes when it has waited this long. */
  readPatienceMs: number;
  /** A lane that is overdue by this much takes a terminal from a lane that still has work there… */
  overdueMs: number;
  /** …once that lane has been served what waited at its login, and for this long. */
  leastVisitMs: number;
  /** Requests a second below which nobody misses a lane: it gives its terminal to work that could still wait. */
  coldPerSecond: number;
  /** A lane that holds positions counts as used so many times as much: it is kept longer. */
  exposedFactor: number;
  /** Time constants of the two request rates of a lane. */
  fastMs: number;
  slowMs: number;
  /** A change needs this much of its time left when it begins. */
  sendMarginMs: number;
  /** A snapshot taken sooner than this after a change may not show it yet, and is not kept. */
  settleMs: number;
  /** No snapshot older than this is used: whoever keeps them may drop it then. */
  keptMs: number;
  /** A lane used within this time is read once more before its terminal goes, unless its snapshot is as fresh as that. */
  farewellUsedMs: number;
  farewellAgeMs: number;
  /** For so long after it has reached no broker a terminal is not the first choice. */
  strandedRestMs: number;
  /** Share of the terminals that may log in at once to servers that nobody has reached lately. */
  doubtfulShare: number;
  /** Share of the terminals' logins that one user may cause, whoever else is there, and how many at once are free. */
  userShare: number;
  userBurst: number;
  /** Most work waiting, in all and in one lane. */
  maxWaiting: number;
  maxLaneWaiting: number;
  /** A lane without work and terminal is forgotten after this time, and sooner when there are more lanes than this. */
  forgetMs: number;
  maxIdleLanes: number;
  /** A login of a server never seen before is expected to take this long. */
  firstLoginMs: number;
};

const BALANCED: PolicyParams = {
  holdMs: 2_000,
  holdFromShare: 0.2,
  holdFullShare: 0.4,
  verifyHoldMs: 2_000,
  verifyLeadMs: 10_000,
  readHandicapMs: 7_000,
  closeLeadMs: 3_000,
  readPatienceMs: 3_000,
  overdueMs: 4_000,
  leastVisitMs: 2_000,
  coldPerSecond: 1 / 30,
  exposedFactor: 2.5,
  fastMs: 8_000,
  slowMs: 1_800_000,
  sendMarginMs: 500,
  settleMs: 100,
  keptMs: 60_000,
  farewellUsedMs: 60_000,
  farewellAgeMs: 100,
  strandedRestMs: 60_000,
  doubtfulShare: 0.5,
  userShare: 0.5,
  userBurst: 4,
  maxWaiting: 20_000,
  maxLaneWaiting: 250,
  forgetMs: 1_800_000,
  maxIdleLanes: 100_000,
  firstLoginMs: 500,
};

export type PresetName = "prompt" | "balanced" | "lean";

/** `maxAgeMs`: for reads that do not say how old an answer they take. */
export const PRESETS: Readonly<Record<PresetName, { maxAgeMs: number; params: PolicyParams }>> = {
  prompt: { maxAgeMs: 1_000, params: { ...BALANCED, holdMs: 0, verifyHoldMs: 0 } },
  balanced: { maxAgeMs: 2_000, params: BALANCED },
  lean: { maxAgeMs: 3_000, params: { ...BALANCED, holdMs: 3_000 } },
};
