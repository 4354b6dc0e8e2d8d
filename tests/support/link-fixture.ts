// What a function and an auth server hold towards a worker, for tests: their keys, and everything they sign. Each claim
// and header can be replaced, to make the forgery that must not pass.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { importJWK, type JWK, type JWTPayload, SignJWT } from "jose";
import {
  API_ISSUER,
  type CallFrame,
  ENVELOPE_LIFE_S,
  ENVELOPE_TYP,
  SIGNATURE_ALG,
  TICKET_TYP,
} from "../../bridge-worker/src/protocol.ts";
import type { CommandCall } from "../../bridge-worker/src/scheduler/mod.ts";
import { type KeyPair, makeKeyPair } from "../../scripts/keys.ts";
import { WORKER_ID } from "./worker-fixture.ts";

export const ISSUER = "http://127.0.0.1/auth/v1";

export type Change = {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: KeyPair;
  /** Signs with this shared secret instead, under HS256. */
  secret?: string;
};

export type Signers = {
  linkKey: KeyPair;
  userKey: KeyPair;
  bootId: string;
  ticket(change?: Change): Promise<string>;
  envelope(body: string, about: EnvelopeAbout, change?: Change): Promise<string>;
  userToken(userId: string, change?: Change): Promise<string>;
  /** A whole `command` frame as an honest function makes it. */
  commandFrame(call: CommandCall): Promise<CallFrame>;
  /** `status`, `cancel` or `acknowledge` about a command. */
  questionFrame(type: "status" | "cancel" | "acknowledge", call: CommandCall): Promise<CallFrame>;
};

/** When every envelope of these tests was made, on the worker's clock. */
export const MADE_AT_MS = 1_000;

export type EnvelopeAbout = {
  id: string;
  userId: string;
  kind: string;
  account: object;
  notAfterMs: number;
  submittedAgoMs: number;
};

export async function createSigners(): Promise<Signers> {
  const linkKey = await makeKeyPair({ alg: "ES256", use: "sig" });
  const userKey = await makeKeyPair({ alg: "ES256", use: "sig" });
  const bootId = randomUUID();
  const userToken: Signers["userToken"] = (userId, change = {}) => {
    const now = nowS();
    const claims = { iss: ISSUER, aud: "authenticated", role: "authenticated", sub: userId, iat: now, exp: now + 3600 };
    return sign(userKey, "JWT", claims, change);
  };
  const envelope: Signers["envelope"] = (body, about, change = {}) => {
    const now = nowS();
    const claims = {
      ...{ iss: API_ISSUER, aud: WORKER_ID, sub: about.userId, jti: about.id, iat: now, exp: now + ENVELOPE_LIFE_S },
      ...{ kind: about.kind, account: about.account, bh: hashOf(body), boot: bootId },
      ...{ not_after_ms: about.notAfterMs, submitted_ago_ms: about.submittedAgoMs, made_at_ms: MADE_AT_MS },
    };
    return sign(linkKey, ENVELOPE_TYP, claims, change);
  };
  return {
    ...{ linkKey, userKey, bootId, userToken, envelope },
    ticket: (change = {}) => {
      const now = nowS();
      const claims = { iss: API_ISSUER, aud: WORKER_ID, jti: randomUUID(), iat: now, exp: now + ENVELOPE_LIFE_S };
      return sign(linkKey, TICKET_TYP, claims, change);
    },
    async commandFrame(call) {
      const body = JSON.stringify(call.body);
      const about = { ...call, kind: call.body.request.kind };
      const [statement, user_token] = await Promise.all([envelope(body, about), userToken(call.userId)]);
      return { type: "command", id: call.id, envelope: statement, user_token, body };
    },
    async questionFrame(type, call) {
      const reason = type === "acknowledge" ? { reason: "looked at the account" } : {};
      const body = JSON.stringify({ command_id: call.id, ...reason });
      const id = randomUUID();
      const [statement, user_token] = await Promise.all([
        envelope(body, { ...call, id, kind: type }),
        userToken(call.userId),
      ]);
      return { type, id, envelope: statement, user_token, body };
    },
  };
}

export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

export function hashOf(body: string): string {
  return createHash("sha256").update(body).digest("base64url");
}

async function sign(pair: KeyPair, typ: string, claims: JWTPayload, change: Change): Promise<string> {
  const { privateJwk } = change.key ?? pair;
  const alg = change.secret === undefined ? SIGNATURE_ALG : "HS256";
  const key = change.secret === undefined ? await importJWK(privateJwk, alg) : new TextEncoder().encode(change.secret);
  const payload = JSON.parse(JSON.stringify({ ...claims, ...change.claims })) as JWTPayload;
  return new SignJWT(payload).setProtectedHeader({ alg, typ, kid: privateJwk.kid, ...change.header }).sign(key);
}

/** The same token, unsigned. */
export function withoutSignature(token: string): string {
  const [header = "", payload = ""] = token.split(".");
  const fields = JSON.parse(Buffer.from(header, "base64url").toString()) as object;
  return `${Buffer.from(JSON.stringify({ ...fields, alg: "none" })).toString("base64url")}.${payload}.`;
}

/** The same token with another payload under the old signature. */
export function withPayload(token: string, change: object): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  return `${header}.${Buffer.from(JSON.stringify({ ...claims, ...change })).toString("base64url")}.${signature}`;
}

export type KeyServer = { url: string; asked: () => number; stop: () => Promise<void> };

/** An auth server's JWKS on loopback. `body` is served as it is at the time of asking. */
export async function serveKeys(body: () => unknown, status = 200): Promise<KeyServer> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(body()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    asked: () => asked,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export function keySet(...keys: KeyPair[]): { keys: JWK[] } {
  return { keys: keys.map(({ publicJwk }) => publicJwk) };
}
