// The worker's single way to the contract it shares with the function: no other file here leaves the worker's folder.
export * from "../../supabase/functions/_shared/domain/mod.ts";
export * from "../../supabase/functions/_shared/errors/mod.ts";
export * from "../../supabase/functions/_shared/protocol/mod.ts";
