// An account in the list, as documented. The sealed password is not among its fields. Pure.
import { z } from "zod";
import { AccountType, Login, RiskLimits, ServerName, TradeMode } from "../../_shared/domain/mod.ts";
import { PassMagic } from "./fields.ts";

export const AccountView = z.object({
  id: z.guid(),
  account_name: z.string(),
  login: Login,
  server: ServerName,
  broker_name: z.string().nullable(),
  account_type: AccountType.nullable(),
  is_active: z.boolean(),
  is_default: z.boolean(),
  is_current: z.boolean().meta({ description: "The account last switched to" }),
  status: z.enum(["active", "inactive", "credential_invalid", "read_only"]),
  currency: z.string().nullable(),
  trade_mode: TradeMode.nullable(),
  risk_limits: RiskLimits.nullable(),
  pass_magic: PassMagic,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
