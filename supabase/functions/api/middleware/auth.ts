// The caller of a request, from its bearer token.
import type { Context } from "hono";
import { AppError } from "../../_shared/errors/mod.ts";
import type { VerifyUserToken } from "../crypto/mod.ts";
import type { Caller } from "../services/mod.ts";
import type { AppEnv } from "./app-env.ts";

export type Authenticate = (c: Context<AppEnv>) => Promise<Caller>;

/** Throws `unauthenticated`. Every route but three calls it before it looks at anything else of the request. */
export function createAuthenticator(verify: VerifyUserToken): Authenticate {
  return async (c) => {
    const [, token] = /^bearer +([^\s]+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (token === undefined) throw new AppError("unauthenticated", { detail: "The request carries no bearer token" });
    return { ...(await verify(token)), requestId: c.get("requestId") };
  };
}
