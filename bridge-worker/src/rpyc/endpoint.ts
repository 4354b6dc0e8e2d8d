// Where an RPyC server listens and how to reach it. Pure.

/** PEM texts. `rejectUnauthorized` is on unless it is set to false. */
export type RpcTls = { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean };

export type RpcEndpoint = {
  host: string;
  port: number;
  /** `auto` (the default) finds out by asking; a server that accepts only one connection in its life must be pinned. */
  dialect?: "auto" | "v5" | "v6";
  /** Present: speak TLS. The server cannot be asked; it must be configured the same way. */
  tls?: RpcTls;
};

export function describeEndpoint({ host, port }: RpcEndpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
