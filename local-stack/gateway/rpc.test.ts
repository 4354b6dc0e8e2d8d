// Database functions over HTTP: results, roles and refusals as PostgREST answers them, on a real Postgres.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { SupabaseClient } from "@supabase/supabase-js";
import { type GatewayUnderTest, startGatewayUnderTest } from "../testdata/gateway-under-test.ts";

suite("rpc", () => {
  let gateway: GatewayUnderTest;
  before(async () => {
    gateway = await startGatewayUnderTest();
  });
  after(() => gateway.close());

  async function user(): Promise<{ client: SupabaseClient; id: string; token: string }> {
    const client = gateway.client(gateway.keys.api.publishable_key);
    const { data } = await client.auth.signUp({ email: `${crypto.randomUUID()}@example.com`, password: "password" });
    assert.ok(data.session);
    return { client, id: data.session.user.id, token: data.session.access_token };
  }
  const codeOf = (body: unknown) => (body as { code: string }).code;

  test("results of every kind arrive as PostgREST shapes them", async () => {
    const { client, id } = await user();
    const added = await client.rpc("add_note", { p_title: "one" });
    assert.equal(added.status, 200);
    assert.equal(added.data.title, "one");
    assert.equal(added.data.user_id, id);
    await client.rpc("add_note", { p_title: "two" });
    assert.deepEqual(
      (await client.rpc("list_notes")).data.map(({ title }: { title: string }) => title),
      ["one", "two"],
    );
    assert.deepEqual((await client.rpc("titles")).data, ["one", "two"]);
    assert.deepEqual((await client.rpc("title_table")).data, [{ title: "one" }, { title: "two" }]);
    assert.equal((await client.rpc("sum_of", { p_a: 1 })).data, 11);
    assert.deepEqual((await client.rpc("as_json", { p_value: { a: [1] } })).data, { got: { a: [1] } });
    assert.deepEqual((await client.rpc("two_out")).data, { a: 1, b: "x" });
    assert.equal((await client.rpc("joined", { p_words: ["a", "b"] })).data, "a-b");
    const nothing = await client.rpc("nothing");
    assert.deepEqual([nothing.status, nothing.data, nothing.error], [204, null, null]);
  });

  test("a 64-bit number arrives digit for digit", async () => {
    const response = await fetch(`${gateway.url}/rest/v1/rpc/big`, {
      method: "POST",
      headers: { apikey: gateway.keys.api.publishable_key, connection: "close" },
    });
    assert.equal(await response.text(), "9223372036854775807");
  });

  test("a function with one unnamed json takes the whole body", async () => {
    assert.deepEqual((await gateway.rpc("whole", [1, { a: 2 }])).body, [1, { a: 2 }]);
    assert.deepEqual((await gateway.rpc("whole", { any: "name" })).body, { any: "name" });
  });

  test("response.status and response.headers of the function are used", async () => {
    const { status, headers } = await gateway.rpc("made", {});
    assert.deepEqual([status, headers.get("location")], [201, "/there"]);
  });

  test("each key and token really runs as its role", async () => {
    const { anon_key, publishable_key, service_role_key, secret_key } = gateway.keys.api;
    const roles = [
      [anon_key, "anon"],
      [publishable_key, "anon"],
      [service_role_key, "service_role"],
      [secret_key, "service_role"],
    ] as const;
    for (const [key, role] of roles) {
      const { data } = await gateway.client(key).rpc("who");
      assert.deepEqual([data.user, data.role, data.uid], [role, role, null], key);
    }
    const { client, id } = await user();
    const { data } = await client.rpc("who");
    assert.deepEqual([data.user, data.role, data.uid], ["authenticated", "authenticated", id]);
  });

  test("a user's token wins over a secret key", async () => {
    const { token, id } = await user();
    const { body } = await gateway.call("/rest/v1/rpc/who", {
      method: "POST",
      apikey: gateway.keys.api.secret_key,
      headers: { authorization: `Bearer ${token}` },
    });
    assert.deepEqual([(body as { user: string }).user, (body as { uid: string }).uid], ["authenticated", id]);
  });

  test("the function sees the request, and nothing of it stays on the connection", async () => {
    const { body } = await gateway.rpc("who", {}, { "x-trace": "t1" });
    const { method, path, trace } = body as Record<string, string>;
    assert.deepEqual({ method, path, trace }, { method: "POST", path: "/rpc/who", trace: "t1" });
    assert.equal(((await gateway.rpc("who", {})).body as { trace: null }).trace, null);
  });

  test("other users' rows do not exist; the service role sees all", async () => {
    const [one, two] = [await user(), await user()];
    const title = crypto.randomUUID();
    await one.client.rpc("add_note", { p_title: title });
    assert.deepEqual((await two.client.rpc("titles")).data, []);
    const all = await gateway.client(gateway.keys.api.secret_key).rpc("titles");
    assert.ok(all.data.includes(title));
  });

  test("raised SQLSTATEs become PostgREST's statuses and bodies", async () => {
    const rows = [
      ["P0001", 400],
      ["PT409", 409],
      ["PT429", 429],
      ["22023", 400],
      ["23503", 409],
      ["23505", 409],
      ["40001", 500],
      ["53300", 503],
      ["55P03", 500],
      ["57014", 500],
      ["42501", 401],
    ] as const;
    for (const [code, status] of rows) {
      const answer = await gateway.rpc("refuse", { p_code: code, p_message: "m", p_detail: "d", p_hint: "h" });
      assert.equal(answer.status, status, code);
      assert.deepEqual(answer.body, { code, details: "d", hint: "h", message: "m" });
    }
  });

  test("sqlstate PGRST writes the whole answer", async () => {
    const message = JSON.stringify({ code: "mine", message: "text", details: "d" });
    const detail = JSON.stringify({ status: 418, headers: { "X-Own": "1" } });
    const answer = await gateway.rpc("refuse", { p_code: "PGRST", p_message: message, p_detail: detail });
    assert.deepEqual(answer.body, { code: "mine", details: "d", hint: null, message: "text" });
    assert.deepEqual([answer.status, answer.headers.get("x-own")], [418, "1"]);
    const broken = await gateway.rpc("refuse", { p_code: "PGRST", p_message: "no json" });
    assert.deepEqual([broken.status, codeOf(broken.body)], [500, "PGRST121"]);
  });

  test("a call that is not allowed answers 401 without and 403 with a user", async () => {
    const anonymous = await gateway.rpc("only_service", {});
    assert.deepEqual([anonymous.status, codeOf(anonymous.body)], [401, "42501"]);
    const { client } = await user();
    const { status, error } = await client.rpc("only_service");
    assert.deepEqual([status, error?.code], [403, "42501"]);
    assert.equal((await gateway.client(gateway.keys.api.service_role_key).rpc("only_service")).data, 1);
  });

  test("unknown names and arguments answer PGRST202 in PostgREST's words", async () => {
    const wrongArgs = await gateway.rpc("sum_of", { p_b: 1, p_c: 2 });
    assert.deepEqual(
      [wrongArgs.status, wrongArgs.body],
      [
        404,
        {
          code: "PGRST202",
          details:
            "Searched for the function public.sum_of with parameters p_b, p_c or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.",
          hint: null,
          message: "Could not find the function public.sum_of(p_b, p_c) in the schema cache",
        },
      ],
    );
    const unknown = await gateway.rpc("no_such", {});
    assert.equal(
      (unknown.body as { message: string }).message,
      "Could not find the function public.no_such without parameters in the schema cache",
    );
    assert.equal((await gateway.rpc("hidden", {})).status, 404, "a function outside the exposed schema");
  });

  test("overloads that both fit are refused", async () => {
    const { status, body } = await gateway.rpc("overloaded", { p_a: 1 });
    assert.deepEqual([status, codeOf(body)], [300, "PGRST203"]);
  });

  test("single() takes one row, and undoes the call when there is not one", async () => {
    const { client } = await user();
    const none = await client.rpc("list_notes").single();
    assert.deepEqual(
      [none.status, none.error?.code, none.error?.details],
      [406, "PGRST116", "The result contains 0 rows"],
    );
    await client.rpc("add_note", { p_title: crypto.randomUUID() });
    const one = await client.rpc("list_notes").single();
    assert.ok((one.data as { id: number }).id);
  });

  test("bad tokens are refused before the database is asked", async () => {
    const { token } = await user();
    const [head, , signature] = token.split(".");
    const forged = `${head}.${Buffer.from('{"role":"service_role"}').toString("base64url")}.${signature}`;
    for (const [bearer, code] of [
      ["abc", "PGRST301"],
      [forged, "PGRST301"],
      [gateway.keys.api.secret_key, "PGRST301"],
      [await gateway.keys.sign({ role: "authenticated", exp: 1 }), "PGRST303"],
    ] as const) {
      const { status, body } = await gateway.rpc("who", {}, { authorization: `Bearer ${bearer}` });
      assert.deepEqual([status, codeOf(body)], [401, code], bearer);
    }
  });

  test("a token whose role is not a client role gets nowhere", async () => {
    const token = await gateway.keys.sign({ role: "postgres", exp: Math.floor(Date.now() / 1000) + 60 });
    const { status, body } = await gateway.rpc("who", {}, { authorization: `Bearer ${token}` });
    assert.deepEqual([status, codeOf(body)], [403, "42501"]);
  });

  test("a body of exactly the limit is taken, one byte more is refused", async () => {
    const limit = 1024 * 1024;
    const bodyOf = (size: number) => `{"p_value":"${"x".repeat(size - '{"p_value":""}'.length)}"}`;
    const post = (body: string) => gateway.call("/rest/v1/rpc/as_json", { method: "POST", body });
    assert.equal((await post(bodyOf(limit))).status, 200);
    assert.equal((await post(bodyOf(limit + 1))).status, 413);
  });

  test("what is not served says so", async () => {
    const { data, error, status } = await gateway.client(gateway.keys.api.anon_key).from("note").select();
    assert.deepEqual([data, status, error?.code], [null, 404, "NOT_SERVED"]);
    const filtered = await gateway.client(gateway.keys.api.anon_key).rpc("list_notes").eq("id", 1);
    assert.equal(filtered.error?.code, "NOT_SERVED");
    const broken = await gateway.call("/rest/v1/rpc/who", { method: "POST", body: "{" });
    assert.deepEqual([broken.status, codeOf(broken.body)], [400, "PGRST102"]);
    assert.equal((await gateway.rpc("who", {}, { "content-profile": "private" })).status, 406);
  });
});
