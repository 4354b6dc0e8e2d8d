// Gets a terminal onto an account, for a user who has proven that the account is his. A terminal that happens to be
// logged in is no permission: without a proof for exactly this credential there is a real login first.
import type { Journal, ProofKey } from "../journal/mod.ts";
import type { AccountFacts, LastError } from "../mt5/mod.ts";
import { type AccountRef, PROOF_LIFE_MS } from "../protocol.ts";
import { credentialHash, type Vault } from "../vault/mod.ts";
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
  | { kind: "no_time"; expectedMs: number };

export type AccessDeps = {
  journal: Journal;
  vault: Vault;
  times: LoginTimes;
  now: () => number;
  wallClock: () => number;
};

export interface AccountAccess {
  /** On the account with a valid proof: nothing is asked. Else a login within `notAfterMs` (monotonic). */
  enter(session: TerminalSession, claim: Claim, notAfterMs: number): Promise<AccessReply>;
  /** Always a real login: for connect and for a new password. */
  verify(session: TerminalSession, claim: Claim, notAfterMs: number): Promise<AccessReply>;
  isProven(claim: Claim): boolean;
}

/** Both methods may throw TerminalLost, and `proof_refused` when the credential is not this user's or account's. */
export function createAccountAccess(deps: AccessDeps): AccountAccess {
  const isProven = (claim: Claim): boolean => deps.journal.isProven(proofKey(claim), deps.wallClock() - PROOF_LIFE_MS);
  return {
    isProven,
    async enter(session, claim, notAfterMs) {
      await session.ensureOpen();
      if (session.isOn(claim.account) && isProven(claim)) return { kind: "ready", loginMs: 0 };
      const expectedMs = deps.times.expectedMs(claim.account.server);
      if (notAfterMs - deps.now() < expectedMs) return { kind: "no_time", expectedMs };
      return login(deps, session, claim, notAfterMs);
    },
    async verify(session, claim, notAfterMs) {
      await session.ensureOpen();
      return login(deps, session, claim, notAfterMs);
    },
  };
}

async function login(
  deps: AccessDeps,
  session: TerminalSession,
  claim: Claim,
  notAfterMs: number,
): Promise<AccessReply> {
  const password = await deps.vault.open(claim.credential, claim);
  const started = deps.now();
  const timeoutMs = notAfterMs - started;
  if (timeoutMs <= 0) return { kind: "no_time", expectedMs: deps.times.expectedMs(claim.account.server) };
  // Until the broker has accepted it again, the credential counts as unproven: a crash in between must not leave a proof.
  deps.journal.disprove(proofKey(claim));
  const reply = await session.login(claim.account, password.reveal(), timeoutMs);
  if (reply.kind === "failed") return { kind: reply.reason, lastError: reply.lastError };
  const loginMs = deps.now() - started;
  deps.times.observe(claim.account.server, loginMs);
  const { server } = reply.account;
  if (server !== claim.account.server) {
    return { kind: "other_account", actual: { login: claim.account.login, server } };
  }
  deps.journal.prove(proofKey(claim), deps.wallClock());
  return { kind: "ready", loginMs, account: reply.account };
}

function proofKey({ userId, account, credential }: Claim): ProofKey {
  return { userId, account, credentialHash: credentialHash(credential) };
}
