// A worker and a function that are only HTTP servers, to test the supervisor without the real ones.
import { mkdirSync } from "node:fs";
import { httpAnswers } from "../http-ready.ts";
import type { StackParts } from "../stack-parts.ts";

/** Answers /healthz, echoes what it was asked otherwise; `/exit` ends it with code 9. */
const SERVER = `
const http = require("node:http");
http.createServer((request, response) => {
  if (request.url === "/api/exit") { console.error("asked to end"); process.exit(9); }
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    response.writeHead(request.url === "/healthz" ? 200 : 201, { "content-type": "application/json", "x-own": "1" });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body, url_env: process.env.SUPABASE_URL }));
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
`;

export const standInParts: StackParts = {
  prepareKeys: async (keyDir) => void mkdirSync(keyDir, { recursive: true, mode: 0o700 }),
  worker: ({ workerPort, apiUrl }) => server("worker", workerPort, apiUrl),
  function: ({ functionPort, apiUrl }) => server("function", functionPort, apiUrl),
};

function server(name: string, port: number, apiUrl: string): ReturnType<StackParts["worker"]> {
  return {
    name,
    file: process.execPath,
    args: ["-e", SERVER],
    env: { PORT: String(port), SUPABASE_URL: apiUrl },
    readyLimitMs: 20_000,
    stopLimitMs: 5000,
    ready: httpAnswers(`http://127.0.0.1:${port}/healthz`, (status) => status === 200),
  };
}
