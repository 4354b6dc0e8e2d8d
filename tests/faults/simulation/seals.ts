// Signatures and seals that need no thread and no random numbers, with the same checks of their claims as the real ones:
// who, for whom, about what, until when. Everything secret is one key that the two sides share.
import { createHash, createHmac } from "node:crypto";
import type { FunctionKeys, UserTokens } from "../../../bridge-worker/src/link/mod.ts";
import {
  type AccountRef,
  AppError,
  CLOCK_TOLERANCE_S,
  ENVELOPE_LIFE_S,
  EnvelopeClaims,
  ResultClaims,
  TicketClaims,
} from "../../../bridge-worker/src/protocol.ts";
import type { SignResult } from "../../../bridge-worker/src/scheduler/mod.ts";
import { Secret, type Vault } from "../../../bridge-worker/src/vault/mod.ts";

export const WORKER_ID = "worker-sim";
const TOKEN_LIFE_S = 3600;

type Kind = "token" | "ticket" | "envelope" | "result" | "seal";

function mac(kind: Kind, text: string): string {
  return createHmac("sha256", `key of ${kind}`).update(text).digest("base64url");
}

export function sign(kind: Kind, claims: unknown): string {
  const text = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${text}.${mac(kind, text)}`;
}

function open(kind: Kind, signed: string): Record<string, unknown> {
  const [text = "", given] = signed.split(".");
  if (given !== mac(kind, text)) throw new Error("wrong signature");
  return JSON.parse(Buffer.from(text, "base64url").toString()) as Record<string, unknown>;
}

/** Synchronous, in the form of the function's own. */
export async function sha256(text: string): Promise<string> {
  return createHash("sha256").update(text).digest("base64url");
}

export function userToken(userId: string, wallMs: number): string {
  return sign("token", { sub: userId, exp: Math.floor(wallMs / 1000) + TOKEN_LIFE_S });
}

export function userOfToken(token: string): string {
  return String(open("token", token).sub);
}

export function userTokens(wallClock: () => number): UserTokens {
  return {
    async verify(token) {
      try {
        const { sub, exp } = open("token", token);
        if (Number(exp) + CLOCK_TOLERANCE_S < wallClock() / 1000) throw new Error("expired");
        return String(sub);
      } catch {
        throw refusal("The user's access token is not valid here");
      }
    },
  };
}

/** As jose checks them: `exp` and the age since `iat`, both with the tolerance. */
function checkTimes({ iat, exp }: Record<string, unknown>, wallMs: number): void {
  const now = Math.floor(wallMs / 1000);
  if (Number(exp) <= now - CLOCK_TOLERANCE_S) throw new Error("expired");
  const age = now - Number(iat);
  if (age - CLOCK_TOLERANCE_S > ENVELOPE_LIFE_S || age < -CLOCK_TOLERANCE_S) throw new Error("too old, or not yet");
}

export function functionKeys(bootId: string, wallClock: () => number): FunctionKeys {
  const verified = (kind: "ticket" | "envelope", text: string): Record<string, unknown> => {
    try {
      const claims = open(kind, text);
      checkTimes(claims, wallClock());
      if (claims.aud !== WORKER_ID) throw new Error("for another worker");
      return claims;
    } catch {
      throw refusal("The function's signature is not valid here");
    }
  };
  return {
    verifyTicket: async (ticket) => TicketClaims.parse(verified("ticket", ticket)),
    async verifyEnvelope(envelope, body) {
      const claims = EnvelopeClaims.parse(verified("envelope", envelope));
      if (claims.boot !== bootId) throw refusal("The envelope was made for an earlier start of this worker");
      if (claims.bh !== (await sha256(body))) throw refusal("The envelope belongs to another body");
      return claims;
    },
  };
}

/** What verifies the signature and the body alone: the broken build of one mutant. */
export function timelessFunctionKeys(real: FunctionKeys): FunctionKeys {
  return {
    verifyTicket: (ticket) => real.verifyTicket(ticket),
    verifyEnvelope: async (envelope) => EnvelopeClaims.parse(open("envelope", envelope)),
  };
}

/** Other threads sign: it takes them a while, which `signing` waits for. */
export function resultSigner(wallClock: () => number, signing: () => Promise<void>): SignResult {
  return async ({ id, userId, ...ending }) => {
    await signing();
    return sign("result", { iss: WORKER_ID, jti: id, sub: userId, iat: Math.floor(wallClock() / 1000), ...ending });
  };
}

export async function verifyResult(signed: string): Promise<ResultClaims> {
  try {
    return openResult(signed);
  } catch (cause) {
    throw new AppError("invalid_result", { cause });
  }
}

export function openResult(signed: string): ResultClaims {
  return ResultClaims.parse(open("result", signed));
}

type Sealed = { sub: string; lgn: string; srv: string; text: string };

/** Nobody who reads the sealed text finds the password in it. */
function veil(text: string): string {
  return Buffer.from(text, "utf8")
    .map((byte, index) => byte ^ (0x5a + (index % 7)))
    .toString();
}

export function sealPassword(userId: string, account: AccountRef, password: string, salt: string): string {
  const text = veil(password);
  return sign("seal", {
    sub: userId,
    lgn: account.login,
    srv: account.server,
    salt,
    text: Buffer.from(text).toString("hex"),
  });
}

export const vault: Vault = {
  kids: ["sim"],
  async open(credential, { userId, account }) {
    const { sub, lgn, srv, text } = open("seal", credential) as Sealed;
    if (sub !== userId) throw refusal("The credential belongs to another user");
    if (lgn !== account.login || srv !== account.server) throw refusal("The credential belongs to another account");
    return new Secret(veil(Buffer.from(text, "hex").toString()));
  },
};

function refusal(detail: string): AppError {
  return new AppError("proof_refused", { detail });
}
