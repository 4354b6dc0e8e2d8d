// The identifiers that travel between app, function, worker and broker, as schemas. Pure.
import { z } from "zod";

/** Row, command, request and call ids: RFC 9562 UUIDs in lower case. */
export const Uuid = z.guid().transform((text) => text.toLowerCase());

/**
 * A broker's 64-bit ticket (order, deal, position) as decimal text: JSON numbers lose digits above 2^53.
 */
export const Ticket = z.string().regex(/^[1-9][0-9]{0,19}$/, "must be a ticket: decimal digits as a string");
export type Ticket = z.infer<typeof Ticket>;

/** MT5 login number as text, as the broker assigned it. */
export const Login = z.string().regex(/^[1-9][0-9]{0,14}$/, "must be the account number: 1 to 15 digits");

/**
 * A broker's server name such as `MetaQuotes-Demo`: a name from the terminal's own list, never an address, because a
 * terminal may also dial `host:port` values and would then hand the password to whoever listens there.
 */
export const ServerName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,61}[A-Za-z0-9])?$/,
    "must be the broker's server name, for example MetaQuotes-Demo",
  )
  .refine((name) => !/^[0-9.]+$/.test(name), "must be a server name, not an address");

/** Broker symbol names carry suffixes (`EURUSD.pro`, `#AAPL`); quotes and blanks are never part of one. */
export const SymbolName = z.string().regex(/^[A-Za-z0-9._#&+!-]{1,32}$/, "must be the broker's symbol name");

/**
 * The mark that names a command at the broker: 52 random bits, at least 2^40 (so that it never looks like a magic
 * number a person would choose) and below 2^52 (so that a JSON number carries it exactly).
 */
export const Tag = z
  .int()
  .min(2 ** 40)
  .lt(2 ** 52);
