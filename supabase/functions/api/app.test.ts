import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, Catalogue } from "../_shared/errors/mod.ts";
import {
  healthOf,
  MAX_BODY_BYTES,
  MAX_RESULTS_BODY_BYTES,
  MAX_RESULTS_PER_POST,
  type Outcome,
} from "../_shared/protocol/mod.ts";
import { createApp } from "./app.ts";
import type { Bridge, WorkerCall } from "./bridge/mod.ts";
import type { CommandRow, CommandToSubmit, Database } from "./db/mod.ts";
import {
  ACCOUNT,
  ACCOUNT_ID,
  AS_OF,
  COMMAND_ID,
  INFO,
  makeContext,
  note,
  TIMINGS,
  TRADE_RESULT,
  USER_ID,
} from "./testing/context.ts";

const BASE = "http://127.0.0.1/api/v1";
const TRADE = { symbol: "EURUSD", order_type: "buy", volume: 0.1 };
const DONE: Outcome = { state: "done", result: TRADE_RESULT, timings: TIMINGS };

const UNKNOWN_ROW: CommandRow = {
  ...{ id: COMMAND_ID, kind: "trade", state: "unknown", open: true, executed: null, account: ACCOUNT, request: TRADE },
  ...{ status: 202, body: "{}", evidence: null, acknowledged: null, worker_id: "w1" },
  ...{ created_at: AS_OF, deadline: AS_OF, completed_at: null },
};

type World = { db?: Partial<Database>; bridge?: Partial<Bridge>; corsOrigins?: "*" | string[] };
function start({ db, bridge, corsOrigins = "*" }: World = {}) {
  const services = makeContext({ db, bridge });
  const kept: Promise<unknown>[] = [];
  const app = createApp({
    services,
    clock: services.clock,
    verifyUserToken: async (token) => {
      if (token !== "good-token") throw new AppError("unauthenticated");
      return { userId: USER_ID, token };
    },
    corsOrigins,
    keepAlive: (promise) => kept.push(promise),
    close: () => {},
  });
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.request(BASE + path, {
      method,
      headers: {
        authorization: "Bearer good-token",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: text === "" ? undefined : JSON.parse(text),
    };
  };
  return { send, kept, services };
}

/** A world in which every command is done at once. */
function trading() {
  const submitted: CommandToSubmit[] = [];
  const calls: WorkerCall[] = [];
  const world = start({
    db: {
      submitCommand: async (command) => {
        submitted.push(command);
        return {
          created: true,
          remaining_ms: command.timeoutMs,
          submitted_ago_ms: 0,
          account: { ...ACCOUNT, encrypted_password: "jwe", risk_limits: null, pass_magic: false },
          command: {
            id: COMMAND_ID,
            kind: command.kind,
            raw_state: "accepted",
            status: null,
            body: null,
            tag: 2 ** 41,
            worker_id: "w1",
          },
        };
      },
      completeCommand: async ({ state, executed, status, body }) => ({ stored: true, state, executed, status, body }),
    },
    bridge: {
      runCommand: async (call) => {
        calls.push(call);
        return {
          type: "outcome",
          claims: { iss: "w1", jti: call.id, sub: call.userId, iat: 1, kind: call.kind, command: DONE },
        };
      },
    },
  });
  return { ...world, submitted, calls };
}

const isProblem = (
  answer: { status: number; headers: Headers; json: { code: keyof typeof Catalogue } },
  code: keyof typeof Catalogue,
) => {
  assert.equal(answer.json.code, code, JSON.stringify(answer.json));
  assert.equal(answer.status, Catalogue[code].status);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
};

test("every answer has an id, security headers and CORS headers, also one about a path that is not ours", async () => {
  const { send } = start();
  for (const path of ["/nowhere", "/accounts"]) {
    const { headers } = await send("GET", path, undefined, { authorization: "" });
    assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("access-control-allow-origin"), "*");
  }
});

test("a sane x-request-id is kept, another replaced", async () => {
  const { send } = start();
  const given = async (id: string) =>
    (await send("GET", "/nowhere", undefined, { "x-request-id": id })).headers.get("x-request-id");
  assert.equal(await given("my-request-1"), "my-request-1");
  for (const id of ["short", "x".repeat(65), "with blank in it", 'quote"quote']) assert.notEqual(await given(id), id);
});

test("a preflight is answered with what a browser's client sends", async () => {
  const { send } = start();
  const { status, headers } = await send("OPTIONS", "/trades", undefined, {
    origin: "https://app.example",
    "access-control-request-method": "POST",
  });
  assert.equal(status, 204);
  const allowed = headers.get("access-control-allow-headers") ?? "";
  for (const name of ["authorization", "apikey", "content-type", "idempotency-key", "x-client-info", "x-region"]) {
    assert.ok(allowed.split(",").includes(name), name);
  }
  assert.match(headers.get("access-control-allow-methods") ?? "", /DELETE/);
});

test("only configured origins are allowed", async () => {
  const { send } = start({ corsOrigins: ["https://app.example"] });
  const origin = async (name: string) =>
    (await send("GET", "/nowhere", undefined, { origin: name })).headers.get("access-control-allow-origin");
  assert.deepEqual(
    [await origin("https://app.example"), await origin("https://evil.example")],
    ["https://app.example", null],
  );
});

test("every route but three refuses a request without a valid token, before looking at anything else of it", async () => {
  const { send } = start();
  const { json } = await send("GET", "/openapi.json");
  let checked = 0;
  for (const [path, methods] of Object.entries<Record<string, object>>(json.paths)) {
    if (path.endsWith("/health")) continue;
    for (const method of Object.keys(methods)) {
      for (const authorization of ["", "Bearer bad-token", "Basic good-token", "Bearer"]) {
        const concrete = path.replace("/api/v1", "").replace("{id}", "not-an-id").replace("{ticket}", "0");
        const answer = await send(method.toUpperCase(), concrete, method === "get" ? undefined : "{", {
          authorization,
        });
        isProblem(answer, "unauthenticated");
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
        checked++;
      }
    }
  }
  assert.equal(checked, 20 * 4);
});

test("what is wrong with a request is said as a problem", async () => {
  const { send } = start();
  isProblem(await send("GET", "/nowhere"), "not_found");
  const wrongMethod = await send("DELETE", "/trades");
  isProblem(wrongMethod, "method_not_allowed");
  assert.equal(wrongMethod.headers.get("allow"), "POST");
  isProblem(await send("POST", "/trades", "{"), "malformed_json");
  isProblem(await send("POST", "/trades", ""), "malformed_json");
  isProblem(
    await send("POST", "/trades", "a=b", { "content-type": "application/x-www-form-urlencoded" }),
    "unsupported_media_type",
  );
  isProblem(await send("POST", "/trades", "{}", { "content-type": "" }), "unsupported_media_type");
  isProblem(await send("POST", "/trades", `"${"x".repeat(MAX_BODY_BYTES)}"`), "payload_too_large");
  isProblem(await send("GET", "/accounts/not-an-id"), "invalid_request");
  isProblem(await send("GET", "/positions?max_age_ms=abc"), "invalid_request");
  isProblem(await send("GET", `/positions?account_id=${ACCOUNT_ID}&account_id=${ACCOUNT_ID}`), "invalid_request");
});

test("a body at the limit is read", async () => {
  const { send } = start();
  isProblem(await send("POST", "/trades", `"${"x".repeat(MAX_BODY_BYTES - 2)}"`), "invalid_request");
});

const badTrades: [object, string][] = [
  [{ ...TRADE, volumee: 1 }, "volumee"],
  [{ ...TRADE, volume: 0 }, "volume"],
  [{ ...TRADE, price: 1.1 }, "price"],
  [{ ...TRADE, order_type: "buy_limit" }, "price"],
  [{ ...TRADE, timeout_ms: 499 }, "timeout_ms"],
  [{ ...TRADE, timeout_ms: 25_001 }, "timeout_ms"],
  [{ ...TRADE, account_id: "mine" }, "account_id"],
];
for (const [body, path] of badTrades) {
  test(`a trade ${JSON.stringify(body)} is refused for its ${path}`, async () => {
    const answer = await start().send("POST", "/trades", body);
    isProblem(answer, "invalid_request");
    assert.ok(
      answer.json.fields.some((field: { path: string }) => field.path === path),
      answer.text,
    );
  });
}

test("all faults of a request come in one answer", async () => {
  const { json } = await start().send("POST", "/positions/0/close", { volume: -1, extra: true });
  assert.deepEqual(json.fields.map(({ path }: { path: string }) => path).sort(), ["extra", "ticket", "volume"]);
});

test("a trade answers the broker's result, its key, and keeps the isolate alive meanwhile", async () => {
  const { send, submitted, calls, kept } = trading();
  const answer = await send(
    "POST",
    "/trades",
    { ...TRADE, account_id: ACCOUNT_ID, timeout_ms: 7_000 },
    { "idempotency-key": '"key-1"' },
  );
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(answer.headers.get("idempotency-key"), '"key-1"');
  assert.deepEqual([answer.json.success, answer.json.command_id, answer.json.account], [true, COMMAND_ID, ACCOUNT]);
  const [command] = submitted;
  assert.deepEqual(
    [command?.key, command?.accountId, command?.timeoutMs, command?.request],
    ["key-1", ACCOUNT_ID, 7_000, TRADE],
  );
  assert.equal(command?.requestId, answer.headers.get("x-request-id"));
  assert.deepEqual(JSON.parse(calls[0]?.body ?? "").request, { kind: "trade", params: TRADE });
  assert.equal(kept.length, 1);
});

test("a refusal that the worker just made says when to come back; nothing else of it depends on who asked", async () => {
  const { send, services } = trading();
  const paused: Outcome = { state: "refused", code: "login_paused", retry_after_ms: 59_001 };
  services.bridge.runCommand = async (call) => ({
    type: "outcome",
    claims: { iss: "w1", jti: call.id, sub: call.userId, iat: 1, kind: call.kind, command: paused },
  });
  const answer = await send("POST", "/trades", TRADE);
  isProblem(answer, "login_paused");
  assert.equal(answer.headers.get("retry-after"), "60");
});

test("a wait is told in whole seconds, never too short and never none", async () => {
  const { send, services } = trading();
  services.db.withdrawCommand = async () => true;
  for (const [retryAfterMs, told] of [[1_200, "2"] as const, [0, "1"] as const]) {
    services.bridge.runCommand = async () => ({ type: "refused", code: "worker_busy", retryAfterMs });
    assert.equal((await send("POST", "/trades", TRADE)).headers.get("retry-after"), told);
  }
});

test("without a key one is made, new every time, and told", async () => {
  const { send, submitted } = trading();
  const keys = [await send("POST", "/trades", TRADE), await send("POST", "/trades", TRADE)].map(({ headers }) =>
    headers.get("idempotency-key"),
  );
  assert.deepEqual(
    keys,
    submitted.map(({ key }) => key),
  );
  assert.notEqual(keys[0], keys[1]);
});

test("the key comes back as it was sent: sent again as it came back, it is the same key", async () => {
  const { send, submitted } = trading();
  for (const sent of ["key-1", '"key-1"', '" key-1 "', '"\\"key-1\\""', '" "']) {
    const { headers } = await send("POST", "/trades", TRADE, { "idempotency-key": sent });
    await send("POST", "/trades", TRADE, { "idempotency-key": headers.get("idempotency-key") ?? "" });
    const [first, second] = submitted.splice(0);
    assert.deepEqual([headers.get("idempotency-key"), second?.key], [sent, first?.key]);
  }
});

test("a key that is none is refused before anything is submitted", async () => {
  const { send, submitted } = trading();
  isProblem(await send("POST", "/trades", TRADE, { "idempotency-key": '"open' }), "invalid_idempotency_key");
  assert.equal(submitted.length, 0);
});

test("the fingerprint is of what was sent: timeout and unknown query parameters do not count, the account does", async () => {
  const { send, submitted } = trading();
  await send("DELETE", "/orders/123");
  await send("DELETE", "/orders/123?timeout_ms=900&forceFunctionRegion=eu-central-1");
  await send("DELETE", `/orders/123?account_id=${ACCOUNT_ID}`);
  await send("DELETE", "/orders/124");
  const [plain, waiting, targeted, other] = submitted.map(({ fingerprint }) => fingerprint);
  assert.equal(plain, waiting);
  assert.equal(new Set([plain, targeted, other]).size, 3);
});

test("an account named in the wrong place is refused: another account would be traded on", async () => {
  const { send, submitted } = trading();
  const misplaced = [
    await send("POST", `/trades?account_id=${ACCOUNT_ID}`, TRADE),
    await send("POST", `/positions/7/close?account_id=${ACCOUNT_ID}`),
    await send("DELETE", "/orders/8", { account_id: ACCOUNT_ID }),
  ];
  for (const answer of misplaced) isProblem(answer, "invalid_request");
  assert.deepEqual(
    misplaced.map(({ json }) => json.fields[0].path),
    ["account_id", "account_id", ""],
  );
  assert.equal(submitted.length, 0);
  assert.equal((await send("DELETE", "/orders/8", {})).status, 200);
});

test("close and cancel name their ticket, and a close needs no body", async () => {
  const { send, submitted } = trading();
  assert.equal((await send("POST", "/positions/9007199254740993/close")).status, 200);
  assert.equal((await send("POST", "/positions/7/close", { volume: 0.05 })).status, 200);
  assert.equal((await send("DELETE", "/orders/8")).status, 200);
  assert.deepEqual(
    submitted.map(({ kind, request }) => [kind, request]),
    [
      ["close_position", { ticket: "9007199254740993", volume: undefined }],
      ["close_position", { ticket: "7", volume: 0.05 }],
      ["cancel_order", { ticket: "8" }],
    ],
  );
});

test("an unanswered command is 202 with where and when to ask; its failure carries the key too", async () => {
  const { send, services } = trading();
  services.bridge.runCommand = async () => ({ type: "silent" });
  const answer = await send("POST", "/trades", TRADE, { "idempotency-key": "k" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get("location"), `/functions/v1/api/v1/commands/${COMMAND_ID}`);
  assert.equal(answer.headers.get("retry-after"), "2");
  assert.deepEqual([answer.json.state, answer.json.may_have_executed], ["unknown", true]);
  services.bridge.runCommand = async () => ({ type: "unsent" });
  services.db.withdrawCommand = async () => true;
  const failed = await send("POST", "/trades", TRADE, { "idempotency-key": "k" });
  isProblem(failed, "worker_unreachable");
  assert.deepEqual([failed.json.executed, failed.headers.get("idempotency-key")], [false, "k"]);
  assert.ok(Number(failed.headers.get("retry-after")) >= 1);
});

test("a stored failure is a problem document, byte for byte", async () => {
  const { send, services } = trading();
  const body = '{"code":"broker_rejected" , "odd":"spacing"}';
  services.db.submitCommand = async () => ({
    created: false,
    remaining_ms: -1,
    submitted_ago_ms: 1,
    account: { ...ACCOUNT, encrypted_password: null, risk_limits: null, pass_magic: false },
    command: { id: COMMAND_ID, kind: "trade", raw_state: "rejected", status: 422, body, tag: 2 ** 41, worker_id: "w1" },
  });
  const answer = await send("POST", "/trades", TRADE);
  assert.deepEqual([answer.status, answer.text], [422, body]);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
});

test("account/info stands at the top level, with the account and the time it was read", async () => {
  const calls: WorkerCall[] = [];
  const { send } = start({
    db: { resolveAccount: async () => ({ ...ACCOUNT, status: "active", encrypted_password: "jwe", worker_id: "w1" }) },
    bridge: { read: (call) => note(calls, call, { ok: true, value: { account: INFO, as_of: AS_OF } }) },
  });
  const { status, json } = await send("GET", "/account/info?max_age_ms=0");
  assert.equal(status, 200);
  assert.deepEqual([json.login, json.balance, json.account, json.as_of], [INFO.login, INFO.balance, ACCOUNT, AS_OF]);
  assert.deepEqual(JSON.parse(calls[0]?.body ?? "").request, { kind: "account_info", max_age_ms: 0 });
});

for (const list of ["orders", "deals"]) {
  test(`history/${list} asks for a page of the period and passes it on with its cursor`, async () => {
    const calls: WorkerCall[] = [];
    const page = { data: [], next_cursor: "1795262400000-7", as_of: AS_OF };
    const { send } = start({
      db: {
        resolveAccount: async () => ({ ...ACCOUNT, status: "active", encrypted_password: "jwe", worker_id: "w1" }),
      },
      bridge: { read: (call) => note(calls, call, { ok: true, value: page }) },
    });
    const period = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z";
    const { status, json } = await send(
      "GET",
      `/history/${list}?${period}&position=7&limit=500&cursor=1795262400000-9`,
    );
    assert.deepEqual([status, json], [200, { account: ACCOUNT, ...page }]);
    assert.deepEqual(JSON.parse(calls[0]?.body ?? "").request, {
      kind: `history_${list}`,
      ...{ from_ms: Date.parse("2026-11-01"), to_ms: Date.parse("2026-11-02") },
      ...{ position: "7", limit: 500, cursor: "1795262400000-9" },
    });
    const bad = [
      "limit=0",
      "limit=501",
      "cursor=x",
      "position=0",
      "from=2026-11-01",
      "from=2026-11-01T00:00:00%2B01:00",
    ];
    for (const query of [...bad, "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z"]) {
      isProblem(await send("GET", `/history/${list}?${query}`), "invalid_request");
    }
    assert.equal(calls.length, 1);
  });
}

test("an answer of the worker that does not fit the protocol is not passed on", async () => {
  const { send } = start({
    db: { resolveAccount: async () => ({ ...ACCOUNT, status: "active", encrypted_password: "jwe", worker_id: "w1" }) },
    bridge: { read: async () => ({ ok: true, value: { positions: "all" } }) },
  });
  isProblem(await send("GET", "/positions"), "worker_unreachable");
});

test("an unexpected failure answers 500 without saying what failed, and the log says it", async () => {
  const { send, services } = start({
    db: {
      listAccounts: async () => {
        throw new Error("relation secret_table does not exist");
      },
    },
  });
  const answer = await send("GET", "/accounts");
  isProblem(answer, "internal_error");
  assert.doesNotMatch(answer.text, /secret_table|stack/);
  assert.match(services.logged.join(""), /secret_table/);
});

test("foreign ids answer exactly as absent ones", async () => {
  const { send } = start({ db: { getAccount: async () => null, getCommand: async () => null } });
  isProblem(await send("GET", `/accounts/${ACCOUNT_ID}`), "account_not_found");
  isProblem(await send("GET", `/commands/${COMMAND_ID}`), "command_not_found");
});

test("what the database cannot hold as text is refused, before a terminal logs in", async () => {
  const { send } = start();
  const connect = { account_name: "Main", login: ACCOUNT.login, server: ACCOUNT.server, password: "p" };
  for (const text of ["a\0b", "a\ud800b"]) {
    isProblem(await send("POST", "/accounts/connect", { ...connect, account_name: text }), "invalid_request");
    isProblem(await send("POST", "/accounts/connect", { ...connect, broker_name: text }), "invalid_request");
    isProblem(await send("PATCH", `/accounts/${ACCOUNT_ID}`, { account_name: text }), "invalid_request");
  }
  isProblem(await send("GET", "/commands?cursor=%00"), "invalid_request");
});

test("changing an account takes known fields only, and at least one", async () => {
  const { send } = start();
  isProblem(await send("PATCH", `/accounts/${ACCOUNT_ID}`, {}), "invalid_request");
  isProblem(await send("PATCH", `/accounts/${ACCOUNT_ID}`, { encrypted_password: "x" }), "invalid_request");
  const typo = await send("PATCH", `/accounts/${ACCOUNT_ID}`, { risk_limits: { max_dayly_loss: 1 } });
  assert.deepEqual(
    typo.json.fields.map(({ path }: { path: string }) => path),
    ["risk_limits.max_dayly_loss"],
  );
});

test("an acknowledgement takes a reason of 1 to 500 characters, trimmed, and shows when it was made and why", async () => {
  const given: string[] = [];
  const claims = { iss: "w1", jti: COMMAND_ID, sub: USER_ID, iat: 1, kind: "trade" };
  const { send } = start({
    db: {
      getCommand: async () => UNKNOWN_ROW,
      completeCommand: async ({ state, executed, status, body }) => ({ stored: false, state, executed, status, body }),
      acknowledgeCommand: (_user, _id, reason) =>
        note(given, reason, { ...UNKNOWN_ROW, acknowledged: { at: AS_OF, reason } }),
    },
    bridge: {
      acknowledgeCommand: async () => ({
        type: "outcome",
        claims: { ...claims, command: { state: "unknown", evidence: {} } },
      }),
    },
  });
  const path = `/commands/${COMMAND_ID}/acknowledge`;
  for (const body of [{}, { reason: "  " }, { reason: "r".repeat(501) }, { reason: 5 }, { reason: "x", more: 1 }]) {
    isProblem(await send("POST", path, body), "invalid_request");
  }
  const { status, json } = await send("POST", path, { reason: " looked at the account " });
  assert.deepEqual([status, json.success, json.acknowledged], [200, true, true]);
  assert.deepEqual([json.command.state, json.command.executed], ["unknown", null]);
  assert.deepEqual(json.command.acknowledged, { at: AS_OF, reason: "looked at the account" });
  assert.deepEqual(given, ["looked at the account"]);
});

test("passwords have 1 to 128 characters, and a refused one is not repeated", async () => {
  const { send } = start();
  const connect = { account_name: "Main", login: ACCOUNT.login, server: ACCOUNT.server };
  for (const password of ["", "p".repeat(129)]) {
    const answer = await send("POST", "/accounts/connect", { ...connect, password });
    isProblem(answer, "invalid_request");
    assert.doesNotMatch(answer.text, /ppp/);
  }
});

test("results are taken without a token, 50 at most, up to their own size limit", async () => {
  const { send, services } = start();
  services.verifyResult = async () => {
    throw new AppError("invalid_result");
  };
  const post = (results: unknown) => send("POST", "/internal/results", { results }, { authorization: "" });
  const answer = await post(Array(MAX_RESULTS_PER_POST).fill("x".repeat(1000)));
  assert.equal(answer.status, 200);
  assert.equal(answer.json.rejected.length, MAX_RESULTS_PER_POST);
  isProblem(await post(Array(MAX_RESULTS_PER_POST + 1).fill("x")), "invalid_request");
  isProblem(await post(["x".repeat(MAX_RESULTS_BODY_BYTES)]), "payload_too_large");
});

test("health needs no token, is cached, and says what does not answer", async () => {
  const probes: string[] = [];
  const away = { id: "w1", reachable: false, roundTripMs: null, clockSkewMs: null, health: null };
  const { send } = start({
    db: { withdrawCommand: async () => false },
    bridge: { probe: (id) => note(probes, id, away) },
  });
  const { status, json } = await send("GET", "/health", undefined, { authorization: "" });
  await send("GET", "/health");
  assert.deepEqual([status, json.status, json.database.reachable, probes.length], [200, "degraded", true, 1]);
  assert.deepEqual(json.workers, [
    { id: "w1", reachable: false, round_trip_ms: null, clock_skew_ms: null, clock_skew_warning: false },
  ]);
  const strict = await send("GET", "/health?strict=true");
  assert.deepEqual([strict.status, strict.json, json.serving], [503, json, false]);
  assert.equal((await send("GET", "/health?strict=false")).status, 200);
});

test("health with strict=true answers 200 while something can be served", async () => {
  const terminals = [{ name: "sim-1", kind: "simulator" as const, state: "idle" }];
  const health = { version: "1", wall_ms: 1, terminals, in_flight: 0, plain_rpc: false };
  const { send } = start({
    db: { withdrawCommand: async () => false },
    bridge: { probe: async (id) => ({ id, reachable: true, roundTripMs: 1, clockSkewMs: 0, health }) },
  });
  const { status, json } = await send("GET", "/health?strict=true", undefined, { authorization: "" });
  assert.deepEqual([status, json.status, json.serving, json.workers[0].terminals], [200, "ok", true, terminals]);
});

test("an account's status stands at the top level; a symbol is passed on, and must be one", async () => {
  const calls: WorkerCall[] = [];
  const value = { ...healthOf({ capacity: "well" }, true), as_of: AS_OF };
  const { send } = start({
    db: {
      resolveAccount: async () => ({ ...ACCOUNT, status: "active", encrypted_password: "jwe", worker_id: "w1" }),
    },
    bridge: { read: (call) => note(calls, call, { ok: true, value }) },
  });
  const { status, json } = await send("GET", `/accounts/${ACCOUNT_ID}/status?symbol=EURUSD`);
  assert.deepEqual([status, json], [200, { account: ACCOUNT, status: "active", ...value }]);
  assert.deepEqual(JSON.parse(calls[0]?.body ?? "").request, { kind: "account_status", symbol: "EURUSD" });
  isProblem(await send("GET", `/accounts/${ACCOUNT_ID}/status?symbol=`), "invalid_request");
});

test("the OpenAPI document names every route with its problems, and warns about missing keys", async () => {
  const { json, text } = await start().send("GET", "/openapi.json", undefined, { authorization: "" });
  assert.equal(json.openapi, "3.1.0");
  assert.ok(!text.includes("/internal/"));
  for (const methods of Object.values<Record<string, { summary?: string; responses: Record<string, object> }>>(
    json.paths,
  )) {
    for (const { summary, responses } of Object.values(methods)) {
      assert.ok(summary);
      assert.ok(responses["500"]);
    }
  }
  const trade = json.paths["/api/v1/trades"].post;
  assert.deepEqual(Object.keys(trade.responses), [
    "200",
    "202",
    "400",
    "401",
    "404",
    "409",
    "413",
    "415",
    "422",
    "429",
    "500",
    "503",
    "504",
  ]);
  assert.match(JSON.stringify(trade), /WITHOUT THIS HEADER EVERY REQUEST IS A NEW COMMAND/);
  assert.equal(trade.requestBody.content["application/json"].schema.additionalProperties, false);
  const codesOf = (path: string, method: string): string =>
    JSON.stringify(json.paths[`/api/v1${path}`][method].responses);
  assert.match(codesOf("/accounts/{id}/password", "put"), /`server_mismatch`/);
  assert.match(codesOf("/accounts/{id}/status", "get"), /`terminal_unavailable`/);
  assert.match(codesOf("/orders/{ticket}", "delete"), /`malformed_json`.*`payload_too_large`/);
  assert.doesNotMatch(codesOf("/orders", "get"), /`payload_too_large`/);
  assert.match(text, /Null where the outcome was proven from the broker's records/);
  assert.match(text, /Weaker evidence: the broker's records can then be searched by the comment alone/);
});
