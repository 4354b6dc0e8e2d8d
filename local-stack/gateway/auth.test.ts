// The Auth API through unmodified supabase-js, and its refusals as plain HTTP.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { type GatewayUnderTest, startGatewayUnderTest } from "../testdata/gateway-under-test.ts";

const PASSWORD = "correct horse";

suite("auth", () => {
  let gateway: GatewayUnderTest;
  before(async () => {
    gateway = await startGatewayUnderTest();
  });
  after(() => gateway.close());

  async function signedUp(apikey = gateway.keys.api.publishable_key) {
    const client = gateway.client(apikey);
    const email = `${crypto.randomUUID()}@example.com`;
    const { data, error } = await client.auth.signUp({ email, password: PASSWORD, options: { data: { name: "Ann" } } });
    assert.equal(error, null);
    assert.ok(data.session && data.user);
    return { client, email, session: data.session, user: data.user };
  }

  function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    return gateway.call(`/auth/v1${path}`, { method: "POST", body: JSON.stringify(body), headers });
  }

  test("signUp() opens a session with any of the four keys", async () => {
    for (const key of Object.values(gateway.keys.api)) {
      const { client, email, user } = await signedUp(key);
      const { data } = await client.auth.getUser();
      assert.equal(data.user?.id, user.id);
      assert.equal(data.user?.email, email);
      assert.equal(data.user?.user_metadata.name, "Ann");
    }
  });

  test("an access token carries what Supabase's carries and verifies against the JWKS", async () => {
    const { session, user, email } = await signedUp();
    const { kid, alg } = decodeProtectedHeader(session.access_token);
    assert.deepEqual({ kid, alg }, { kid: gateway.keys.jwks.keys[0]?.kid, alg: "ES256" });
    const keySet = createRemoteJWKSet(new URL(`${gateway.url}/auth/v1/.well-known/jwks.json`), {
      headers: { connection: "close" },
    });
    const { payload } = await jwtVerify(session.access_token, keySet, {
      issuer: `${gateway.url}/auth/v1`,
      audience: "authenticated",
    });
    assert.equal(payload.sub, user.id);
    assert.equal(payload.email, email);
    assert.equal(payload.role, "authenticated");
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600);
    assert.ok(payload.session_id);
  });

  test("the JWKS shows no private part", async () => {
    const { body } = await gateway.call("/auth/v1/.well-known/jwks.json", { apikey: null });
    const [key] = (body as { keys: Record<string, unknown>[] }).keys;
    assert.equal(key?.d, undefined);
    assert.deepEqual(key?.key_ops, ["verify"]);
  });

  test("getClaims() verifies locally and refuses a changed signature", async () => {
    const { client, session, user } = await signedUp();
    const { data } = await client.auth.getClaims();
    assert.equal(data?.claims.sub, user.id);
    const [head, body, signature = ""] = session.access_token.split(".");
    const flipped = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    const { error } = await client.auth.getClaims(`${head}.${body}.${flipped}`);
    assert.match(String(error), /signature/i);
  });

  test("signInWithPassword() works with the right password only", async () => {
    const { email } = await signedUp();
    const client = gateway.client(gateway.keys.api.anon_key);
    const wrong = await client.auth.signInWithPassword({ email, password: "wrong" });
    assert.equal(wrong.error?.code, "invalid_credentials");
    assert.equal(wrong.error?.status, 400);
    const right = await client.auth.signInWithPassword({ email: email.toUpperCase(), password: PASSWORD });
    assert.equal(right.error, null);
    assert.equal(right.data.user?.email, email);
  });

  test("a second sign-up with the same address is refused", async () => {
    const { email, client } = await signedUp();
    const { error } = await client.auth.signUp({ email, password: PASSWORD });
    assert.deepEqual([error?.status, error?.code], [422, "user_already_exists"]);
  });

  test("a password of 6 characters is taken, of 5 refused", async () => {
    const client = gateway.client(gateway.keys.api.anon_key);
    const taken = await client.auth.signUp({ email: `${crypto.randomUUID()}@example.com`, password: "123456" });
    assert.equal(taken.error, null);
    const refused = await client.auth.signUp({ email: `${crypto.randomUUID()}@example.com`, password: "12345" });
    assert.deepEqual([refused.error?.status, refused.error?.code], [422, "weak_password"]);
  });

  test("refusals have GoTrue's old body without an API version, the new one with it", async () => {
    const bad = { email: "nobody@example.com", password: "secret" };
    const old = await post("/token?grant_type=password", bad);
    assert.deepEqual(old.body, { code: 400, error_code: "invalid_credentials", msg: "Invalid login credentials" });
    const modern = await post("/token?grant_type=password", bad, { "x-supabase-api-version": "2024-01-01" });
    assert.deepEqual(modern.body, { code: "invalid_credentials", message: "Invalid login credentials" });
    assert.equal(modern.headers.get("x-supabase-api-version"), "2024-01-01");
  });

  test("malformed requests are refused with a code", async () => {
    const broken = await gateway.call("/auth/v1/signup", { method: "POST", body: "{" });
    assert.deepEqual([broken.status, (broken.body as { error_code: string }).error_code], [400, "bad_json"]);
    const cases = [
      ["/signup", { email: "no-address", password: PASSWORD }, 400, "validation_failed"],
      ["/signup", {}, 422, "anonymous_provider_disabled"],
      ["/token?grant_type=magic", {}, 400, "validation_failed"],
      ["/otp", {}, 404, "not_served"],
    ] as const;
    for (const [path, body, status, code] of cases) {
      const answer = await post(path, body);
      assert.deepEqual([answer.status, (answer.body as { error_code: string }).error_code], [status, code], path);
    }
  });

  test("refreshSession() rotates the refresh token", async () => {
    const { client, session } = await signedUp();
    const { data, error } = await client.auth.refreshSession();
    assert.equal(error, null);
    assert.ok(data.session);
    assert.notEqual(data.session.refresh_token, session.refresh_token);
    assert.equal(data.user?.id, session.user.id);
  });

  test("the last refresh token again gives the same successor: its answer may have been lost", async () => {
    const { session } = await signedUp();
    const body = { refresh_token: session.refresh_token };
    const first = await post("/token?grant_type=refresh_token", body);
    const again = await post("/token?grant_type=refresh_token", body);
    const tokenOf = (answer: { body: unknown }) => (answer.body as { refresh_token: string }).refresh_token;
    assert.equal(tokenOf(again), tokenOf(first));
  });

  test("an old refresh token used again ends the whole session's tokens", async () => {
    const { session, user } = await signedUp();
    const refresh = async (token: string) => {
      const answer = await post("/token?grant_type=refresh_token", { refresh_token: token });
      return { status: answer.status, ...(answer.body as { refresh_token?: string; error_code?: string }) };
    };
    const second = await refresh(session.refresh_token);
    const third = await refresh(second.refresh_token ?? "");
    await gateway.database
      .pool("supabase_auth_admin")
      .query("update auth.refresh_tokens set updated_at = now() - interval '1 minute' where user_id = $1", [user.id]);
    const stolen = await refresh(session.refresh_token);
    assert.deepEqual([stolen.status, stolen.error_code], [400, "refresh_token_already_used"]);
    const newest = await refresh(third.refresh_token ?? "");
    assert.deepEqual([newest.status, newest.error_code], [400, "refresh_token_already_used"]);
    const unknown = await refresh("nothing");
    assert.deepEqual([unknown.status, unknown.error_code], [400, "refresh_token_not_found"]);
  });

  test("signOut() ends the session: user and refresh are refused afterwards", async () => {
    const { client, session } = await signedUp();
    assert.equal((await client.auth.signOut()).error, null);
    const user = await gateway.call("/auth/v1/user", { headers: { authorization: `Bearer ${session.access_token}` } });
    assert.deepEqual([user.status, (user.body as { error_code: string }).error_code], [403, "session_not_found"]);
    const refresh = await post("/token?grant_type=refresh_token", { refresh_token: session.refresh_token });
    assert.equal(refresh.status, 400);
  });

  test("signOut({scope: others}) keeps the own session", async () => {
    const { client, email } = await signedUp();
    const other = gateway.client(gateway.keys.api.anon_key);
    await other.auth.signInWithPassword({ email, password: PASSWORD });
    assert.equal((await client.auth.signOut({ scope: "others" })).error, null);
    assert.equal((await client.auth.getUser()).error, null);
    assert.ok((await other.auth.getUser()).error);
  });

  test("GET /user refuses no token, a broken one and one without a user", async () => {
    const ask = (authorization?: string) =>
      gateway.call("/auth/v1/user", authorization === undefined ? {} : { headers: { authorization } });
    const code = ({ status, body }: { status: number; body: unknown }) => [
      status,
      (body as { error_code: string }).error_code,
    ];
    assert.deepEqual(code(await ask()), [401, "no_authorization"]);
    assert.deepEqual(code(await ask("Bearer abc")), [403, "bad_jwt"]);
    assert.deepEqual(code(await ask(`Bearer ${gateway.keys.api.anon_key}`)), [403, "bad_jwt"]);
  });

  test("without an API key, or with a wrong one, nothing but the JWKS answers", async () => {
    const none = await gateway.call("/auth/v1/health", { apikey: null });
    assert.deepEqual([none.status, (none.body as { message: string }).message], [401, "No API key found in request"]);
    const wrong = await gateway.call("/auth/v1/health", { apikey: "sb_publishable_wrong" });
    assert.deepEqual([wrong.status, (wrong.body as { message: string }).message], [401, "Invalid API key"]);
    assert.equal((await gateway.call("/auth/v1/health")).status, 200);
  });

  test("a browser's preflight is answered with what it asks for", async () => {
    const response = await gateway.call("/auth/v1/signup", {
      method: "OPTIONS",
      apikey: null,
      headers: { "access-control-request-headers": "x-client-info,apikey" },
    });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.equal(response.headers.get("access-control-allow-headers"), "x-client-info,apikey");
  });
});
