import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigError, type Environment, parseConfig } from "./config.ts";
import { makeKey } from "./testing/keys.ts";

const link = await makeKey("link", "sig");
const other = await makeKey("other", "sig");
const seal = await makeKey("seal", "enc");
const sign = await makeKey("sign", "sig");
const worker = {
  url: "wss://mt5.example.com/v1/link",
  seal_jwks: { keys: [seal.publicJwk] },
  sign_jwks: { keys: [sign.publicJwk] },
};
const good = {
  SUPABASE_URL: "https://project.example/",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_x"}',
  LINK_PRIVATE_JWK: JSON.stringify(link.privateJwk),
  WORKERS: JSON.stringify({ w1: worker }),
};

async function faultsOf(env: Environment): Promise<string[]> {
  return await parseConfig(env).then(
    () => [],
    (error: ConfigError) => error.faults,
  );
}
const withWorker = (changes: object): Environment => ({
  ...good,
  WORKERS: JSON.stringify({ w1: { ...worker, ...changes } }),
});

test("parseConfig() fills what is not given from the project's URL", async () => {
  const config = await parseConfig(good);
  assert.equal(config.jwtIssuer, "https://project.example/auth/v1");
  assert.equal(config.jwksUrl, "https://project.example/auth/v1/.well-known/jwks.json");
  assert.deepEqual([config.secretKey, config.publishableKey], ["sb_secret_x", "sb_publishable_x"]);
  assert.deepEqual([config.corsOrigins, config.logLevel], ["*", "info"]);
  assert.deepEqual(
    config.workers.map(({ id, url }) => [id, url]),
    [["w1", worker.url]],
  );
});

test("parseConfig() falls back to the legacy keys, and prefers the new ones", async () => {
  const legacy = { ...good, SUPABASE_SERVICE_ROLE_KEY: "srv", SUPABASE_ANON_KEY: "anon" };
  assert.equal((await parseConfig(legacy)).secretKey, "sb_secret_x");
  const { SUPABASE_SECRET_KEYS: _s, SUPABASE_PUBLISHABLE_KEYS: _p, ...only } = legacy;
  const config = await parseConfig(only);
  assert.deepEqual([config.secretKey, config.publishableKey], ["srv", "anon"]);
});

test("parseConfig() names every missing variable at once", async () => {
  const faults = (await faultsOf({})).join("\n");
  for (const name of [
    "SUPABASE_URL",
    "SUPABASE_SECRET_KEYS",
    "SUPABASE_PUBLISHABLE_KEYS",
    "LINK_PRIVATE_JWK",
    "WORKERS",
  ]) {
    assert.match(faults, new RegExp(`${name}.*is missing`));
  }
});

test("parseConfig() splits a list of origins", async () => {
  const { corsOrigins } = await parseConfig({ ...good, CORS_ORIGINS: "https://a.example, https://b.example" });
  assert.deepEqual(corsOrigins, ["https://a.example", "https://b.example"]);
});

const { d: _d, ...linkWithoutPrivate } = link.privateJwk;
const bad: [string, Environment, RegExp][] = [
  [
    "a link key without its private half",
    { ...good, LINK_PRIVATE_JWK: JSON.stringify(linkWithoutPrivate) },
    /LINK_PRIVATE_JWK\.d/,
  ],
  [
    "a link key made of two halves",
    { ...good, LINK_PRIVATE_JWK: JSON.stringify({ ...link.privateJwk, x: other.publicJwk.x, y: other.publicJwk.y }) },
    /do not belong together/,
  ],
  [
    "a link key for encryption",
    { ...good, LINK_PRIVATE_JWK: JSON.stringify({ ...link.privateJwk, use: "enc" }) },
    /LINK_PRIVATE_JWK\.use/,
  ],
  [
    "a link key without kid",
    { ...good, LINK_PRIVATE_JWK: JSON.stringify({ ...link.privateJwk, kid: "" }) },
    /LINK_PRIVATE_JWK\.kid/,
  ],
  ["no worker", { ...good, WORKERS: "{}" }, /WORKERS: names no worker/],
  [
    "a worker without a sealing key",
    withWorker({ seal_jwks: { keys: [] } }),
    /WORKERS\.w1\.seal_jwks\.keys.*at least one/,
  ],
  [
    "a worker without a signing key",
    withWorker({ sign_jwks: { keys: [] } }),
    /WORKERS\.w1\.sign_jwks\.keys.*at least one/,
  ],
  [
    "a private part among the public keys",
    withWorker({ seal_jwks: { keys: [seal.privateJwk] } }),
    /must not hold the private part/,
  ],
  ["a signing key in the sealing ring", withWorker({ seal_jwks: { keys: [sign.publicJwk] } }), /seal_jwks/],
  [
    "the same key twice",
    withWorker({ sign_jwks: { keys: [sign.publicJwk, { ...sign.publicJwk, kid: "again" }] } }),
    /same key twice/,
  ],
  [
    "the same kid twice",
    withWorker({ sign_jwks: { keys: [sign.publicJwk, { ...other.publicJwk, kid: "sign" }] } }),
    /same kid/,
  ],
  [
    "a point off the curve",
    withWorker({ sign_jwks: { keys: [{ ...sign.publicJwk, y: other.publicJwk.y }] } }),
    /not a point on P-256/,
  ],
  ["plain ws off loopback", withWorker({ url: "ws://mt5.example.com/v1/link" }), /plain ws/],
  ["a link URL with another path", withWorker({ url: "wss://mt5.example.com/" }), /v1\/link/],
  ["two workers at one address", { ...good, WORKERS: JSON.stringify({ w1: worker, w2: worker }) }, /one URL twice/],
  ["secret keys without a default", { ...good, SUPABASE_SECRET_KEYS: '{"other":"x"}' }, /no key named "default"/],
];
for (const [what, env, fault] of bad) {
  test(`parseConfig() refuses ${what}`, async () => {
    assert.match((await faultsOf(env)).join("\n"), fault);
  });
}

test("parseConfig() allows plain ws on loopback", async () => {
  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    assert.deepEqual(await faultsOf(withWorker({ url: `ws://${host}:8080/v1/link` })), []);
  }
});

test("a fault never repeats a value: it may be a key", async () => {
  const env = { ...good, LINK_PRIVATE_JWK: '{"d":"very-secret' };
  assert.doesNotMatch((await faultsOf(env)).join("\n"), /very-secret/);
  assert.match((await faultsOf(env)).join("\n"), /LINK_PRIVATE_JWK: is not JSON/);
});
