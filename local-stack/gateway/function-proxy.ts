// Hands /functions/v1/NAME… to the function's own server, as the platform's gateway does: the prefix goes, the name
// stays; method, headers and body pass through unread, both ways, as streams.
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream/promises";
import { BodyTooLarge, type JsonAnswer, json, send } from "./http.ts";

/** Largest request body passed to a function, in bytes. */
export const FUNCTION_BODY_MAX_BYTES = 10 * 1024 * 1024;

/** Headers between two neighbours (RFC 9110 7.6.1), which are not passed on. */
const HOP_BY_HOP = [
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
];

export type FunctionTarget = { name: string; port: number };

/** Answers one request. `path` begins with `/NAME` and includes the query. Never throws. */
export async function proxyToFunction(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  target: FunctionTarget | undefined,
): Promise<void> {
  const name = /^\/([^/?]*)/.exec(path)?.[1];
  if (target === undefined || name !== target.name) {
    send(response, json(404, { code: "NOT_FOUND", message: "Requested function was not found" }));
    request.resume();
    return;
  }
  const length = Number(request.headers["content-length"] ?? 0);
  if (length > FUNCTION_BODY_MAX_BYTES) {
    failProxy(request, response, new BodyTooLarge(FUNCTION_BODY_MAX_BYTES));
    return;
  }
  const upstream = httpRequest({
    host: "127.0.0.1",
    port: target.port,
    path,
    method: request.method,
    headers: upstreamHeaders(request),
    // A connection of its own: no request can meet a kept-alive one that the function has just closed.
    agent: false,
  });
  // The caller went away: the function's work has nobody to answer to.
  response.once("close", () => upstream.destroy());
  try {
    const answer = await Promise.race([firstAnswer(upstream), passBody(request, upstream)]);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
    await pipeline(answer, response);
  } catch (error) {
    upstream.destroy();
    failProxy(request, response, error);
  }
}

function firstAnswer(upstream: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    upstream.once("response", resolve);
    // Stays attached: a second error, after the first was answered, must not end this process.
    upstream.on("error", reject);
  });
}

/** Streams the body on. Rejects when it grows over the limit; otherwise never settles: the answer ends the exchange. */
function passBody(request: IncomingMessage, upstream: ClientRequest): Promise<never> {
  return new Promise((_, reject) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (upstream.destroyed) return;
      if (size > FUNCTION_BODY_MAX_BYTES) reject(new BodyTooLarge(FUNCTION_BODY_MAX_BYTES));
      else if (!upstream.write(chunk)) request.pause();
    });
    upstream.on("drain", () => request.resume());
    request.once("end", () => {
      if (!upstream.destroyed) upstream.end();
    });
  });
}

function failProxy(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // Half an answer is out: cutting the connection is the only honest end.
  if (response.headersSent) response.destroy();
  else send(response, failureAnswer(error));
  // A caller that is still writing reads its answer only after it has written: take the rest in and drop it.
  request.resume();
}

function failureAnswer(error: unknown): JsonAnswer {
  if (error instanceof BodyTooLarge) return TOO_LARGE;
  // Refused: no byte reached the function. Anything else: it may have begun its work.
  if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") {
    return json(503, { code: "BOOT_ERROR", message: "Function failed to start (please check logs)" });
  }
  return json(502, { message: "An invalid response was received from the upstream server" });
}

const TOO_LARGE = json(413, { message: `Request size limit exceeded (${FUNCTION_BODY_MAX_BYTES} bytes)` });

function upstreamHeaders(request: IncomingMessage): IncomingHttpHeaders {
  const { "sb-api-key": _internal, ...headers } = endToEnd(request.headers);
  return {
    ...headers,
    "x-forwarded-host": request.headers.host ?? "",
    "x-forwarded-proto": "http",
    "x-forwarded-for": request.socket.remoteAddress ?? "",
  };
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
