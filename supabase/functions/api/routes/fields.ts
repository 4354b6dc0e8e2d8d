// The fields that several routes share, as schemas. Pure.
import { z } from "zod";
import { Login, plainText, ServerName, SymbolName, Ticket, Uuid } from "../../_shared/domain/mod.ts";
import {
  COMMAND_TIMEOUT_DEFAULT_MS,
  COMMAND_TIMEOUT_MAX_MS,
  COMMAND_TIMEOUT_MIN_MS,
  LOGIN_TIMEOUT_DEFAULT_MS,
  LOGIN_TIMEOUT_MAX_MS,
  MAX_AGE_DEFAULT_MS,
  MAX_AGE_MAX_MS,
} from "../../_shared/protocol/mod.ts";

/** What the user calls an account. */
export const AccountName = plainText(z.string().min(1).max(100));

/** Opens on request only: see the description. */
export const PassMagic = z.boolean().meta({
  description:
    "Your own `magic` goes to the broker as it is (it must then be below 2^40). Weaker evidence: the broker's records can " +
    "then be searched by the comment alone, and brokers overwrite comments. More outcomes may stay unknown. Default false",
});

export const AccountId = Uuid.meta({ description: "Default: the account last switched to, else the default account" });

export const CommandTimeout = z
  .int()
  .min(COMMAND_TIMEOUT_MIN_MS)
  .max(COMMAND_TIMEOUT_MAX_MS)
  .meta({ description: `Milliseconds until it is too late to start. Default ${COMMAND_TIMEOUT_DEFAULT_MS}` });

export const LoginTimeout = z
  .int()
  .min(COMMAND_TIMEOUT_MIN_MS)
  .max(LOGIN_TIMEOUT_MAX_MS)
  .meta({ description: `Milliseconds to wait for the broker's login. Default ${LOGIN_TIMEOUT_DEFAULT_MS}` });

/** A whole number in a query string. */
export function queryInt(schema: z.ZodType<number, number>): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(schema);
}

export const QueryBoolean = z.enum(["true", "false"]).transform((text) => text === "true");

export const MaxAge = queryInt(z.int().min(0).max(MAX_AGE_MAX_MS))
  .optional()
  .meta({
    description: `The oldest answer you accept, in milliseconds; 0 asks the terminal. Default ${MAX_AGE_DEFAULT_MS}`,
  });

export const AccountQuery = z.object({ account_id: AccountId.optional() });
export const ReadQuery = AccountQuery.extend({ max_age_ms: MaxAge });
export const SymbolReadQuery = ReadQuery.extend({ symbol: SymbolName.optional() });

export const AccountParams = z.object({ id: Uuid });
export const CommandParams = z.object({ id: Uuid });
export const TicketParams = z.object({ ticket: Ticket });

/** Which account an answer is about. */
export const AnsweredAccount = z.object({ id: z.guid(), login: Login, server: ServerName });
export const AsOf = z.iso.datetime().meta({ description: "When the terminal was read" });
