import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { z } from "zod";
import type { AppError } from "../../_shared/errors/mod.ts";
import { type CallSql, createSqlClient, type SqlFault, toDatabaseError } from "./client.ts";

const faults: [SqlFault, string][] = [
  [{ code: "PT404", message: "account_not_found", details: "There is no such account." }, "account_not_found"],
  [{ code: "PT409", message: "account_busy" }, "account_busy"],
  [{ code: "PT422", message: "idempotency_key_reused" }, "idempotency_key_reused"],
  [{ code: "PT404", message: "something else" }, "internal_error"],
  [{ code: "PGRST301", message: "JWT invalid" }, "unauthenticated"],
  [{ code: "PGRST303", message: "JWT expired" }, "unauthenticated"],
  [{ code: "PGRST202", message: "no function" }, "internal_error"],
  [{ code: "PGRST002", message: "schema cache" }, "database_unavailable"],
  [{ code: "42501", message: "permission denied" }, "internal_error"],
  [{ code: "23503", message: "foreign key" }, "unauthenticated"],
  [{ code: "23505", message: "duplicate key" }, "internal_error"],
  [{ code: "40001", message: "serialization" }, "database_unavailable"],
  [{ code: "40P01", message: "deadlock" }, "database_unavailable"],
  [{ code: "53300", message: "too many connections" }, "database_unavailable"],
  [{ code: "57P01", message: "admin shutdown" }, "database_unavailable"],
  [{ code: "08006", message: "connection failure" }, "database_unavailable"],
  [{ code: "", message: "fetch failed" }, "database_unavailable"],
  [{ message: "no code" }, "database_unavailable"],
];
for (const [fault, code] of faults) {
  test(`toDatabaseError() turns ${fault.code || "no code"} "${fault.message}" into ${code}`, () => {
    assert.equal(toDatabaseError(fault).code, code);
  });
}

test("toDatabaseError() shows the sentence that our functions raise, and nothing that Postgres says", () => {
  assert.equal(
    toDatabaseError({ code: "PT409", message: "account_busy", details: "2 are open." }).message,
    "2 are open.",
  );
  const leaky = toDatabaseError({ code: "23514", message: "check", details: "Failing row contains (secret)" });
  assert.doesNotMatch(JSON.stringify([leaky.message, leaky.extras, String(leaky.cause)]), /secret/);
});

describe("SQL client", () => {
  let respond: (request: IncomingMessage, response: ServerResponse) => void;
  const seen: { url?: string; authorization?: string; apikey?: unknown; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      seen.push({
        url: request.url,
        authorization: request.headers.authorization,
        apikey: request.headers.apikey,
        body,
      });
      respond(request, response);
    });
  });
  let call: CallSql;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    call = createSqlClient({ url, secretKey: "secret-key", publishableKey: "public-key", timeoutMs: 200 });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const answer = (status: number, body: unknown) => (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };

  test("a trusted call carries the secret key; a user's call the publishable key and the user's own token", async () => {
    respond = answer(200, { withdrawn: true });
    assert.deepEqual(await call("withdraw_command", { p_x: 1 }, z.object({ withdrawn: z.boolean() })), {
      withdrawn: true,
    });
    await call("get_command", {}, z.unknown(), "user-token");
    const [trusted, asUser] = seen.slice(-2);
    assert.deepEqual(
      [trusted?.url, trusted?.apikey, trusted?.body],
      ["/rest/v1/rpc/withdraw_command", "secret-key", '{"p_x":1}'],
    );
    assert.deepEqual([asUser?.apikey, asUser?.authorization], ["public-key", "Bearer user-token"]);
  });

  test("a row that does not fit its schema is an internal error, not a wrong answer", async () => {
    respond = answer(200, { withdrawn: "yes" });
    const wrong = call("withdraw_command", {}, z.object({ withdrawn: z.boolean() }));
    await assert.rejects(wrong, (error: AppError) => error.code === "internal_error");
  });

  test("a raised refusal arrives with its code", async () => {
    respond = answer(409, { code: "PT409", message: "account_inactive", details: "It is.", hint: null });
    await assert.rejects(call("f", {}, z.unknown()), (error: AppError) => error.code === "account_inactive");
  });

  test("nothing is repeated: a server that is away is asked once", async () => {
    respond = answer(503, { message: "away" });
    const before = seen.length;
    await assert.rejects(call("f", {}, z.unknown()), (error: AppError) => error.code === "database_unavailable");
    assert.equal(seen.length, before + 1);
  });

  test("a server that does not answer in time is database_unavailable", async () => {
    respond = () => {};
    await assert.rejects(call("f", {}, z.unknown()), (error: AppError) => error.code === "database_unavailable");
  });
});
