// Gets a terminal onto an account, for a user who has proven that the account is his. A terminal that happens to be
// logged in is no permission: without a proof for exactly this credential there is a real login first.
import type { After } from "../after.ts";
import type { Journal, ProofKey } from "../journal/mod.ts";
import { type AccountFacts, type LastError, type LoginReply, TerminalLost } from "../mt5/mod.ts";
import { type AccountRef, PROOF_LIFE_MS } from "../protocol.ts";
import { credentialHash, type Vault } from "../vault/mod.ts";
import { LoginLimiter, type Standing } from "./login-limiter.ts";
import type { LoginTimes } from "./login-times.ts";
import type { TerminalSession } from "./terminal-session.ts";

export type Claim = { userId: string; account: AccountRef; credential: string };

export type AccessReply =
  /** The terminal is on the account; `loginMs` is 0 when it was there already. */
  | { kind: "ready"; loginMs: number; account?: AccountFacts }
  | { kind: "auth_failed" | "no_connection"; lastError: LastError }
  /** The broker accepted, and calls the server differently: the account is registered under a wrong spelling. */
  | { kind: "other_account"; actual: AccountRef }
  /** A login is needed and this broker's logins take longer than the time left. */
  | { kind: "no_time"; expectedMs: number }
  /** A login is needed, and too many of them failed: the broker is not asked. */
  | { kind: "paused"; retryAfterMs: number };

/**
 * The least that a login is given, whatever time its caller has: cut off sooner, a wrong password would reach the broker
 * and its refusal nobody here, and guesses with a short time limit would never be counted.
 */
const LOGIN_PATIENCE_MS = 10_000;
/** Stands in the journal for "some credential of this user": no hash of a credential looks like it. */
const ANY_CREDENTIAL = "any";
/** A proof from then is no proof any more, and still says that the broker accepted this credential once. */
const LAPSED_AT_MS = 0;

export type AccessDeps = {
  journal: Journal;
  vault: Vault;
  times: LoginTimes;
  now: () => number;
  wallClock: () => number;
  after: After;
};

export interface AccountAccess {
  /** On the account with a valid proof: nothing is asked. Else a login within `notAfterMs` (monotonic). */
  enter(session: TerminalSession, claim: Claim, notAfterMs: number): Promise<AccessReply>;
  /** Always a real login: for connect and for a new password. */
  verify(session: TerminalSession, claim: Claim, notAfterMs: number): Promise<AccessReply>;
  /**
   * For the worker's own look at an account's records, without its user: on the account, nothing is asked. A login leaves
   * no proof behind. Its failures count like all others.
   */
  enterToRead(session: TerminalSession, claim: Claim, notAfterMs: number): Promise<AccessReply>;
  isProven(claim: Claim): boolean;
}

/** All methods may throw TerminalLost, and `proof_refused` when the credential is not this user's or account's. */
export function createAccountAccess(deps: AccessDeps): AccountAccess {
  const isProven = (claim: Claim): boolean => deps.journal.isProven(proofKey(claim), deps.wallClock() - PROOF_LIFE_MS);
  const logins: LoginDeps = { ...deps, limiter: new LoginLimiter() };
  return {
    isProven,
    async enter(session, claim, notAfterMs) {
      await openInTime(deps, session, notAfterMs);
      if (session.isOn(claim.account) && isProven(claim)) return { kind: "ready", loginMs: 0 };
      const expectedMs = deps.times.expectedMs(claim.account.server, deps.now());
      if (notAfterMs - deps.now() < expectedMs) return { kind: "no_time", expectedMs };
      return prove(logins, session, claim, notAfterMs);
    },
    async enterToRead(session, claim, notAfterMs) {
      await openInTime(deps, session, notAfterMs);
      if (session.isOn(claim.account)) return { kind: "ready", loginMs: 0 };
      const reply = await login(logins, session, claim, notAfterMs, () => {});
      return reply.kind === "ok" ? { kind: "ready", loginMs: 0, account: reply.account } : reply;
    },
    async verify(session, claim, notAfterMs) {
      await openInTime(deps, session, notAfterMs);
      return prove(logins, session, claim, notAfterMs);
    },
  };
}

/** A terminal that hangs while it is opened keeps no caller longer than his time. The opening goes on for the next one. */
async function openInTime({ now, after }: AccessDeps, session: TerminalSession, notAfterMs: number): Promise<void> {
  let callOff = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    callOff = after(Math.max(0, notAfterMs - now()), () =>
      reject(new TerminalLost("timeout", `Terminal ${session.name} was not open in time`)),
    );
  });
  await Promise.race([session.ensureOpen(), late]).finally(callOff);
}

type LoginDeps = AccessDeps & { limiter: LoginLimiter };
type Accepted = Extract<LoginReply, { kind: "ok" }>;

/** A login that leaves a proof behind. */
async function prove(
  deps: LoginDeps,
  session: TerminalSession,
  claim: Claim,
  notAfterMs: number,
): Promise<AccessReply> {
  const { journal, wallClock } = deps;
  const key = proofKey(claim);
  let startedMs = 0;
  const reply = await login(deps, session, claim, notAfterMs, () => {
    startedMs = deps.now();
    // Until the broker accepts it again, the credential counts as unproven: a crash in between must not leave a proof.
    if (journal.isProven(key, LAPSED_AT_MS)) journal.prove(key, LAPSED_AT_MS);
  });
  if (reply.kind !== "ok") return reply;
  const loginMs = deps.now() - startedMs;
  deps.times.observe(claim.account.server, loginMs, deps.now());
  const { server } = reply.account;
  if (server !== claim.account.server) {
    return { kind: "other_account", actual: { login: claim.account.login, server } };
  }
  const user = { ...key, credentialHash: ANY_CREDENTIAL };
  if (!journal.isProven(user, LAPSED_AT_MS)) journal.prove(user, wallClock());
  journal.prove(key, wallClock());
  return { kind: "ready", loginMs, account: reply.account };
}

/** The one place that shows the broker a password: no login gets past the limiter, and every verdict comes to it. */
async function login(
  { vault, limiter, journal, now, times }: LoginDeps,
  session: TerminalSession,
  claim: Claim,
  notAfterMs: number,
  onStart: () => void,
): Promise<Accepted | Exclude<AccessReply, { kind: "ready" }>> {
  const password = await vault.open(claim.credential, claim);
  const leftMs = notAfterMs - now();
  if (leftMs <= 0) return { kind: "no_time", expectedMs: times.expectedMs(claim.account.server, now()) };
  const key = proofKey(claim);
  const attempt = { ...key, standing: standingOf(journal, key) };
  const permission = limiter.begin(attempt, now());
  if (permission.kind === "refused") return { kind: "auth_failed", lastError: permission.lastError };
  if (permission.kind === "paused") return permission;
  let refusal: LastError | undefined;
  try {
    onStart();
    const reply = await session.login(claim.account, password.reveal(), Math.max(leftMs, LOGIN_PATIENCE_MS));
    if (reply.kind === "ok") return reply;
    if (reply.reason === "auth_failed") refusal = reply.lastError;
    return { kind: reply.reason, lastError: reply.lastError };
  } finally {
    limiter.end(attempt, refusal, now());
    if (refusal !== undefined) journal.disprove(key);
  }
}

function standingOf(journal: Journal, key: ProofKey): Standing {
  if (journal.isProven(key, LAPSED_AT_MS)) return "accepted";
  return journal.isProven({ ...key, credentialHash: ANY_CREDENTIAL }, LAPSED_AT_MS) ? "known" : "unknown";
}

function proofKey({ userId, account, credential }: Claim): ProofKey {
  return { userId, account, credentialHash: credentialHash(credential) };
}
