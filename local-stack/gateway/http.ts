// The gateway's few HTTP parts: reading a bounded body, sending JSON, CORS. No routing and no meaning.
import type { IncomingMessage, ServerResponse } from "node:http";

/** Largest body that auth and rest accept, in bytes. PostgREST has no limit of its own; the hosted proxy in front has. */
export const JSON_BODY_MAX_BYTES = 1024 * 1024;

export type JsonAnswer = {
  status: number;
  /** Already serialised (rpc results come as text from Postgres) or undefined for no body. */
  body?: string | undefined;
  headers?: Record<string, string> | undefined;
};

export function json(status: number, value: unknown, headers?: Record<string, string>): JsonAnswer {
  return { status, body: JSON.stringify(value), headers };
}

export class BodyTooLarge extends Error {
  constructor(limit: number) {
    super(`The request body is larger than ${limit} bytes`);
    this.name = "BodyTooLarge";
  }
}

/** The caller went away before its body was complete: there is nobody to answer. */
export class RequestAborted extends Error {
  override readonly name = "RequestAborted";
}

/** The whole body as text. Throws BodyTooLarge as soon as the limit is passed, RequestAborted when the caller is gone. */
export function readBody(request: IncomingMessage, limit = JSON_BODY_MAX_BYTES): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      // The rest is still taken in, and dropped: a caller that is writing reads no answer before it has written.
      if (size > limit) reject(new BodyTooLarge(limit));
      else chunks.push(chunk);
    });
    request.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    request.once("error", () => reject(new RequestAborted()));
    request.once("close", () => reject(new RequestAborted()));
  });
}

export function send(response: ServerResponse, answer: JsonAnswer): void {
  if (response.headersSent) return;
  response.writeHead(answer.status, {
    ...CORS_HEADERS,
    ...(answer.body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
    ...answer.headers,
  });
  response.end(answer.body);
}

const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, X-Supabase-Api-Version, WWW-Authenticate",
};

/** The answer to a preflight: what the page asks for is what it gets, as the hosted gateway does. */
export function sendPreflight(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    ...CORS_HEADERS,
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
    "access-control-allow-headers":
      header(request, "access-control-request-headers") ?? "authorization, apikey, content-type, x-client-info",
    "access-control-max-age": "3600",
  });
  response.end();
}

export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
