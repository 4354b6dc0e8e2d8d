// When and how hard an open outcome is looked for, and how long nothing must be found before absence counts as proof.
// Pure. Milliseconds throughout.

export type SettlePolicy = {
  /** Pauses between attempts; the last one repeats while something is open and younger than `giveUpAfterMs`. */
  pausesMs: readonly number[];
  /** Whoever asks for an open command starts an attempt, but not more often than this. */
  onDemandMs: number;
  /** An older one is left to a person: it is looked for only when somebody asks, and at a start. */
  giveUpAfterMs: number;
  /** Proof of absence: so long must the send have been over, … */
  quietMs: number;
  /** … so far apart must two searches without a find be, … */
  searchGapMs: number;
  /** … and so long must the history have kept its size after a login. */
  stableMs: number;
};

/** The floor: a deployment may wait longer, never shorter. */
export const SETTLE_POLICY: SettlePolicy = {
  pausesMs: [1_000, 3_000, 10_000, 30_000, 60_000, 120_000, 300_000],
  onDemandMs: 10_000,
  giveUpAfterMs: 3_600_000,
  quietMs: 60_000,
  searchGapMs: 30_000,
  stableMs: 5_000,
};
