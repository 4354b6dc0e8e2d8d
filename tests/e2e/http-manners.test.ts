// What the API answers to requests that are wrong, through the real function: problem documents everywhere, with a stable
// code; and what a browser needs.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { type ApiAnswer, callApi, signUp, type Trader } from "../support/trader.ts";

function assertProblem(answer: ApiAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  assert.equal(answer.body.code, code);
  assert.equal(answer.body.status, status);
  assert.equal(answer.body.type, `urn:switchyard:error:${code}`);
  assert.equal(typeof answer.body.title, "string");
  assert.equal(typeof answer.body.detail, "string");
  assert.ok("executed" in answer.body);
  assert.equal(typeof answer.body.retryable, "boolean");
  assert.equal(answer.body.request_id, answer.headers.get("x-request-id"));
}

describe("HTTP manners", () => {
  let stack: TestStack;
  let trader: Trader;
  before(async () => {
    stack = await startTestStack();
    trader = await signUp(stack.info);
  });
  after(() => stack.stop());

  const raw = (path: string, init: RequestInit): Promise<Response> =>
    fetch(`${stack.info.api_url}/functions/v1/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${trader.accessToken}`, ...init.headers },
    });

  it("404 for an unknown route, 405 with Allow for an unknown method", async () => {
    assertProblem(await trader.get("/nowhere"), 404, "not_found");
    const answer = await trader.call("PUT", "/accounts");
    assertProblem(answer, 405, "method_not_allowed");
    assert.match(answer.headers.get("allow") ?? "", /GET/);
  });

  it("400 for malformed JSON, 415 for another content type, 413 for a body too large, 422 for a wrong field", async () => {
    assertProblem(await trader.call("POST", "/trades", { body: "{" }), 400, "malformed_json");
    const text = { body: "x=1", headers: { "content-type": "text/plain" } };
    assertProblem(await trader.call("POST", "/trades", text), 415, "unsupported_media_type");
    const huge = await trader.call("POST", "/trades", { body: { comment: "x".repeat(20_000) } });
    assertProblem(huge, 413, "payload_too_large");
    const wrong = await trader.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: -1, volum: 2 });
    assertProblem(wrong, 422, "invalid_request");
    assert.ok(wrong.body.fields.some((field: { path: string }) => field.path === "volume"));
    assert.ok(
      wrong.body.fields.some((field: { path: string; message: string }) => /volum\b/.test(JSON.stringify(field))),
    );
  });

  it("413 also when the length is not announced", async () => {
    const chunks = Array.from({ length: 5 }, () => new TextEncoder().encode(" ".repeat(4096)));
    const stream = ReadableStream.from(chunks);
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit;
    const { status, body } = await raw("/trades", options);
    await body?.cancel();
    assert.equal(status, 413);
  });

  it("401 without a token, with a broken one and with the service key, never a stack", async () => {
    assertProblem(await callApi(stack.info, "GET", "/accounts"), 401, "unauthenticated");
    const [head, payload, signature = ""] = trader.accessToken.split(".");
    const forged = `${head}.${payload}.${signature.slice(0, -4)}AAAA`;
    for (const token of [forged, "x", stack.info.service_role_key, stack.info.anon_key, stack.info.secret_key]) {
      const answer = await callApi(stack.info, "GET", "/accounts", { headers: { authorization: `Bearer ${token}` } });
      assertProblem(answer, 401, "unauthenticated");
      assert.doesNotMatch(answer.text, /at .*\.ts/);
    }
  });

  it("400 for an Idempotency-Key that is none", async () => {
    const order = { symbol: "EURUSD", order_type: "buy", volume: 0.1 };
    assertProblem(await trader.post("/trades", order, "k".repeat(256)), 400, "invalid_idempotency_key");
    assertProblem(await trader.post("/trades", order, '""'), 400, "invalid_idempotency_key");
  });

  it("lets a browser in: preflight, allowed headers, exposed headers", async () => {
    const preflight = await raw("/trades", {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,apikey,content-type,idempotency-key,x-client-info",
      },
    });
    assert.ok(preflight.ok, String(preflight.status));
    assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /idempotency-key/i);
    assert.match(preflight.headers.get("access-control-allow-methods") ?? "", /DELETE/);
    const answer = await raw("/accounts", { headers: { origin: "https://app.example.com" } });
    assert.ok(answer.headers.get("access-control-allow-origin"));
    assert.match(answer.headers.get("access-control-expose-headers") ?? "", /idempotency-key/i);
    await answer.body?.cancel();
  });

  it("keeps a sane request id, replaces another, and lets nothing be cached", async () => {
    const named = await trader.call("GET", "/accounts", { headers: { "x-request-id": "trace-42" } });
    assert.equal(named.headers.get("x-request-id"), "trace-42");
    const odd = await trader.call("GET", "/accounts", { headers: { "x-request-id": "<script>" } });
    assert.notEqual(odd.headers.get("x-request-id"), "<script>");
    assert.match(named.headers.get("cache-control") ?? "", /no-store/);
  });

  it("sends no limits that the worker's link cannot carry: openings are refused, closing and other users go on", async () => {
    const other = await signUp(stack.info);
    const connect = async (user: Trader, login: string): Promise<string> => {
      const account = { account_name: "limits", login, password: `demo-${login}`, server: "Switchyard-Demo" };
      return (await user.post("/accounts/connect", { ...account, set_as_default: true })).body.account_id;
    };
    const id = await connect(trader, "5000031");
    await connect(other, "5000032");
    const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01 };
    const opened = await trader.post("/trades", order);
    // Past the API, as an app may: the database counts characters, the link bytes.
    const written = await fetch(`${stack.info.api_url}/rest/v1/rpc/update_account`, {
      method: "POST",
      headers: {
        apikey: stack.info.publishable_key,
        authorization: `Bearer ${trader.accessToken}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ p_account_id: id, p_changes: { risk_limits: { x: "\u{1f600}".repeat(16_000) } } }),
    });
    assert.equal(written.status, 200, await written.text());
    const [refused, ...others] = await Promise.all([
      trader.post("/trades", order),
      ...[1, 2, 3].map(() => other.post("/trades", order)),
    ]);
    assert.equal(refused?.body.code, "risk_limit_exceeded", refused?.text);
    for (const answer of others) assert.equal(answer.status, 200, answer.text);
    const closed = await trader.post(`/positions/${opened.body.result.position_ticket}/close`);
    assert.equal(closed.status, 200, closed.text);
  });

  it("takes signed results only: a forged batch is rejected one by one, and needs no token", async () => {
    const forged = await callApi(stack.info, "POST", "/internal/results", { body: { results: ["a.b.c"] } });
    assert.equal(forged.status, 200, forged.text);
    assert.deepEqual(forged.body.stored, []);
    assert.equal(forged.body.rejected[0].code, "invalid_result");
    const many = { results: Array.from({ length: 51 }, () => "a.b.c") };
    assertProblem(await callApi(stack.info, "POST", "/internal/results", { body: many }), 422, "invalid_request");
  });
});
