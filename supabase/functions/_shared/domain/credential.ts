// The protected header of a sealed MT5 password: who may use it and for which broker account. Pure.
import { z } from "zod";
import { Login, ServerName, Uuid } from "./ids.ts";
import { plainText } from "./text.ts";

export const CREDENTIAL_TYP = "mt5-credential+jwe";
export const CREDENTIAL_ALG = "ECDH-ES";
export const CREDENTIAL_ENC = "A256GCM";
export const CREDENTIAL_VERSION = 1;

/** Characters, not bytes. MT5 itself allows 16; brokers with longer master passwords exist. */
export const Password = plainText(z.string().min(1).max(128));

/**
 * The header is authenticated with the ciphertext (RFC 7516 §5.1), so a row's password moved to another user's row, or
 * to another login, no longer opens: the worker compares these fields with the command's own user and account.
 */
export const CredentialHeader = z.object({
  alg: z.literal(CREDENTIAL_ALG),
  enc: z.literal(CREDENTIAL_ENC),
  typ: z.literal(CREDENTIAL_TYP),
  kid: z.string().min(1),
  v: z.literal(CREDENTIAL_VERSION),
  sub: Uuid,
  lgn: Login,
  srv: ServerName,
});
export type CredentialHeader = z.infer<typeof CredentialHeader>;
