// Which logins may be tried now. Brokers lock accounts after a few wrong passwords, and whoever knows a login number can
// guess through this API: guesses are counted and stopped, and an owner is not stopped with them. Pure: time is an
// argument, monotonic milliseconds.
import type { LastError } from "../mt5/mod.ts";
import type { AccountRef } from "../protocol.ts";

/** Nobody types a password again at once; a script does. */
export const PAUSE_MS = 60_000;
/** So many failures within `STOP_MS` stop further tries for `STOP_MS`. */
export const FAILURES_PER_ACCOUNT = 3;
/** Of one user over all accounts: one password tried on many logins is guessing too. */
export const FAILURES_PER_USER = 10;
export const STOP_MS = 3_600_000;
/** Entries of each table; beyond it the oldest are forgotten. */
export const MAX_REMEMBERED = 50_000;

/**
 * What the broker once said decides whose failures stop a login.
 * `accepted`: it accepted this credential when it last judged it. Nobody's failures stop it, not even those of its own
 * user with other passwords; refused once, it is not tried again.
 * `known`: it once let this user in here, with another credential. Only his own failures stop it.
 * `unknown`: it never did. Everybody's failures stop it.
 */
export type Standing = "accepted" | "known" | "unknown";

export type Attempt = { userId: string; account: AccountRef; credentialHash: string; standing: Standing };

export type Permission =
  /** `end` must follow. */
  | { kind: "go" }
  /** The broker refused this very credential before: only another one can help. */
  | { kind: "refused"; lastError: LastError }
  | { kind: "paused"; retryAfterMs: number };

export class LoginLimiter {
  readonly #own = new Failures(FAILURES_PER_ACCOUNT, PAUSE_MS);
  readonly #accounts = new Failures(FAILURES_PER_ACCOUNT, 0);
  readonly #users = new Failures(FAILURES_PER_USER, 0);
  /** Account → logins of anybody whose verdict is not there yet. */
  readonly #underWay = new Map<string, number>();
  readonly #refused = new Map<string, LastError>();

  begin(attempt: Attempt, nowMs: number): Permission {
    const lastError = this.#refused.get(attempt.credentialHash);
    if (lastError !== undefined) return { kind: "refused", lastError };
    const untilMs = this.#blockedUntilMs(attempt, nowMs);
    if (untilMs > nowMs) return { kind: "paused", retryAfterMs: Math.ceil(untilMs - nowMs) };
    const account = accountKey(attempt.account);
    this.#underWay.set(account, (this.#underWay.get(account) ?? 0) + 1);
    return { kind: "go" };
  }

  /** `refusal`: why the broker refused login and password; undefined when it did not: accepted, or never asked. */
  end(attempt: Attempt, refusal: LastError | undefined, nowMs: number): void {
    const account = accountKey(attempt.account);
    const underWay = (this.#underWay.get(account) ?? 0) - 1;
    if (underWay > 0) this.#underWay.set(account, underWay);
    else this.#underWay.delete(account);
    if (refusal === undefined) return;
    this.#own.add(ownKey(attempt), nowMs);
    this.#accounts.add(account, nowMs);
    this.#users.add(attempt.userId, nowMs);
    this.#refused.set(attempt.credentialHash, refusal);
    trim(this.#refused);
  }

  /** Entries of its largest table. */
  get size(): number {
    return Math.max(this.#own.size, this.#accounts.size, this.#users.size, this.#underWay.size, this.#refused.size);
  }

  #blockedUntilMs(attempt: Attempt, nowMs: number): number {
    if (attempt.standing === "accepted") return nowMs;
    const own = this.#own.blockedUntilMs(ownKey(attempt), nowMs);
    if (attempt.standing === "known") return own;
    const account = accountKey(attempt.account);
    // One under way may yet fail: several terminals must not let more through than one does.
    const others = this.#accounts.blockedUntilMs(account, nowMs, this.#underWay.get(account));
    return Math.max(own, others, this.#users.blockedUntilMs(attempt.userId, nowMs));
  }
}

/** Failures by key. A success does not take them back, or right and wrong passwords in turn would never be stopped. */
class Failures {
  /** Ordered by the last failure. `times`: at most `limit`, the latest. */
  readonly #byKey = new Map<string, { times: number[]; stoppedUntilMs: number }>();
  readonly #limit: number;
  readonly #pauseMs: number;

  constructor(limit: number, pauseMs: number) {
    this.#limit = limit;
    this.#pauseMs = pauseMs;
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(key: string, nowMs: number): void {
    const before = this.#byKey.get(key);
    const times = [...recent(before?.times, nowMs), nowMs].slice(-this.#limit);
    const stops = times.length === this.#limit;
    this.#byKey.delete(key);
    this.#byKey.set(key, { times, stoppedUntilMs: stops ? nowMs + STOP_MS : (before?.stoppedUntilMs ?? nowMs) });
    for (const [old, { times: oldTimes }] of this.#byKey) {
      if (recent(oldTimes.slice(-1), nowMs).length > 0) break;
      this.#byKey.delete(old);
    }
    trim(this.#byKey);
  }

  /** Not later than `nowMs`: free. */
  blockedUntilMs(key: string, nowMs: number, underWay = 0): number {
    const entry = this.#byKey.get(key);
    const times = recent(entry?.times, nowMs);
    const mayFill = underWay > 0 && times.length + underWay >= this.#limit;
    return Math.max(
      entry?.stoppedUntilMs ?? nowMs,
      (times.at(-1) ?? Number.NEGATIVE_INFINITY) + this.#pauseMs,
      mayFill ? nowMs + PAUSE_MS : nowMs,
    );
  }
}

function recent(times: readonly number[] = [], nowMs: number): number[] {
  return times.filter((at) => nowMs - at < STOP_MS);
}

function trim(table: Map<string, unknown>): void {
  for (const key of table.keys()) {
    if (table.size <= MAX_REMEMBERED) break;
    table.delete(key);
  }
}

/** A broker takes other spellings of its server too: they are no way around the count. */
function accountKey({ server, login }: AccountRef): string {
  return `${login}\n${server
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "")}`;
}

function ownKey({ userId, account }: Attempt): string {
  return `${userId}\n${accountKey(account)}`;
}
