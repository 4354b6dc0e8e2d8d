// The door of `gateway/`: the part of Supabase's HTTP surface that Switchyard uses (Auth for e-mail users, functions of
// the database over PostgREST's rpc, the proxy to Edge Functions), answering as the originals do. May import
// `../keys.ts` and `../database.ts`. It is never deployed. Tests: `gateway/*.test.ts`.
export { type Gateway, type GatewayOptions, startGateway } from "./gateway.ts";
