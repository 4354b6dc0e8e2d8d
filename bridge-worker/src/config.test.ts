// The worker's configuration: every variable, every fault in one message, and no secret in any of them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { calculateJwkThumbprint } from "jose";
import { type KeyPair, makeKeyPair } from "../../scripts/keys.ts";
import { type Config, ConfigError, isLoopback, readConfig } from "./config.ts";
import { SETTLE_POLICY } from "./scheduler/mod.ts";
import { UNLIMITED } from "./terminals/mod.ts";

type Variables = Record<string, string | undefined>;

const CANARY = "canary";
let seal: KeyPair;
let olderSeal: KeyPair;
let result: KeyPair;
let link: KeyPair;
let dir: string;

before(async () => {
  [seal, olderSeal] = (await Promise.all([1, 2].map(() => makeKeyPair({ alg: "ECDH-ES", use: "enc" })))) as [
    KeyPair,
    KeyPair,
  ];
  [result, link] = (await Promise.all([1, 2].map(() => makeKeyPair({ alg: "ES256", use: "sig" })))) as [
    KeyPair,
    KeyPair,
  ];
  dir = mkdtempSync(join(tmpdir(), "config-"));
});
after(() => rmSync(dir, { recursive: true }));

/** The least that starts, with changes. */
function variables(change: Variables = {}): Variables {
  return {
    WORKER_ID: "worker-1",
    WORKER_DATA_DIR: "/var/lib/switchyard",
    SUPABASE_URL: "https://project.supabase.co",
    SEAL_PRIVATE_JWKS: JSON.stringify({ keys: [seal.privateJwk] }),
    RESULT_PRIVATE_JWK: JSON.stringify(result.privateJwk),
    LINK_JWKS: JSON.stringify({ keys: [link.publicJwk] }),
    ...change,
  };
}
const read = (change: Variables = {}): Promise<Config> => readConfig(variables(change));

async function faultsOf(change: Variables): Promise<readonly string[]> {
  let thrown: unknown;
  await assert.rejects(read(change), (error) => {
    thrown = error;
    return error instanceof ConfigError;
  });
  const { faults, message } = thrown as ConfigError;
  assert.ok(faults.every((fault) => message.includes(fault)));
  const shown = inspect(thrown, { depth: 9, showHidden: true });
  for (const secret of [CANARY, ...[seal, result, link].map(({ privateJwk }) => privateJwk.d ?? "")]) {
    assert.ok(!shown.includes(secret), "a secret stands in the error");
  }
  return faults;
}

async function hasFault(change: Variables, fault: RegExp): Promise<void> {
  const faults = await faultsOf(change);
  assert.equal(faults.length, 1, faults.join("\n"));
  assert.match(faults[0] ?? "", fault);
}

describe("readConfig", () => {
  it("fills in everything that has a default", async () => {
    assert.deepStrictEqual(await read(), {
      ...{ workerId: "worker-1", host: "127.0.0.1", port: 8790, dataDir: "/var/lib/switchyard", logLevel: "info" },
      supabaseUrl: "https://project.supabase.co",
      jwksUrl: "https://project.supabase.co/auth/v1/.well-known/jwks.json",
      jwtIssuer: "https://project.supabase.co/auth/v1",
      resultsUrl: "https://project.supabase.co/functions/v1/api/v1/internal/results",
      ...{ sealRing: [seal.privateJwk], resultKey: result.privateJwk, linkKeys: [link.publicJwk] },
      ...{ terminals: [], simulator: { terminals: 2, seed: 1, loginMs: 300, sendMs: 40 }, plainRpc: false },
      settlePolicy: SETTLE_POLICY,
      scheduling: "balanced",
    });
  });

  it("takes an empty variable for one that is not set", async () => {
    assert.deepStrictEqual(await read({ WORKER_PORT: "", MT5_TERMINALS: "", JWKS_URL: "" }), await read());
  });

  it("cannot be changed afterwards", async () => {
    assert.ok(Object.isFrozen(await read()));
  });

  const settings: [string, string, (config: Config) => unknown, unknown][] = [
    ["WORKER_HOST", "0.0.0.0", (config) => config.host, "0.0.0.0"],
    ["WORKER_PORT", "0", (config) => config.port, 0],
    ["WORKER_PORT", "65535", (config) => config.port, 65_535],
    ["LOG_LEVEL", "debug", (config) => config.logLevel, "debug"],
    ["SUPABASE_URL", "http://127.0.0.1:54321//", (config) => config.jwtIssuer, "http://127.0.0.1:54321/auth/v1"],
    ["JWKS_URL", "http://127.0.0.1:1/jwks", (config) => config.jwksUrl, "http://127.0.0.1:1/jwks"],
    ["JWT_ISSUER", "someone", (config) => config.jwtIssuer, "someone"],
    ["RESULTS_URL", "http://127.0.0.1:1/r", (config) => config.resultsUrl, "http://127.0.0.1:1/r"],
    ["SCHEDULING", "prompt", (config) => config.scheduling, "prompt"],
    ["SIMULATOR_TERMINALS", "64", (config) => config.simulator.terminals, 64],
    ["SIMULATOR_SEED", "4294967295", (config) => config.simulator.seed, 4_294_967_295],
    ["SIMULATOR_LOGIN_MS", "0", (config) => config.simulator.loginMs, 0],
    ["SIMULATOR_SEND_MS", "30000", (config) => config.simulator.sendMs, 30_000],
  ];
  for (const [name, value, pick, expected] of settings) {
    it(`reads ${name}=${value}`, async () => assert.equal(pick(await read({ [name]: value })), expected));
  }

  it("takes longer proof intervals, and no shorter ones than the floor", async () => {
    const longer = { PROOF_QUIET_MS: "120000", PROOF_SEARCH_GAP_MS: "40000", PROOF_STABLE_MS: "6000" };
    const { quietMs, searchGapMs, stableMs } = (await read(longer)).settlePolicy;
    assert.deepEqual([quietMs, searchGapMs, stableMs], [120_000, 40_000, 6_000]);
    await hasFault({ PROOF_QUIET_MS: "59999" }, /^PROOF_QUIET_MS/);
    await hasFault({ PROOF_SEARCH_GAP_MS: "29999" }, /^PROOF_SEARCH_GAP_MS/);
    await hasFault({ PROOF_STABLE_MS: "4999" }, /^PROOF_STABLE_MS/);
  });

  it("keeps the order of the key ring", async () => {
    const ring = [seal.privateJwk, olderSeal.privateJwk];
    assert.deepStrictEqual((await read({ SEAL_PRIVATE_JWKS: JSON.stringify({ keys: ring }) })).sealRing, ring);
  });

  const required = [
    "WORKER_ID",
    "WORKER_DATA_DIR",
    "SUPABASE_URL",
    "SEAL_PRIVATE_JWKS",
    "RESULT_PRIVATE_JWK",
    "LINK_JWKS",
  ];
  for (const name of required) {
    it(`does not start without ${name}`, () => hasFault({ [name]: undefined }, new RegExp(`^${name} is missing$`)));
  }

  const refused: [string, string][] = [
    ["WORKER_ID", "worker 1"],
    ["WORKER_ID", "w".repeat(65)],
    ["WORKER_PORT", "65536"],
    ["WORKER_PORT", "-1"],
    ["WORKER_PORT", "80.5"],
    ["WORKER_PORT", "http"],
    ["LOG_LEVEL", "loud"],
    ["SUPABASE_URL", "project.supabase.co"],
    ["SUPABASE_URL", "ftp://project.supabase.co"],
    ["JWKS_URL", "/jwks"],
    ["RESULTS_URL", "results"],
    ["SEAL_PRIVATE_JWKS", CANARY],
    ["SEAL_PRIVATE_JWKS", '{"keys":[]}'],
    ["SEAL_PRIVATE_JWKS", `{"keys":[{"kty":"oct","k":"${CANARY}"}]}`],
    ["RESULT_PRIVATE_JWK", `{"d":"${CANARY}"`],
    ["RESULT_PRIVATE_JWK", `{"kty":"EC","crv":"P-384","x":"x","y":"y","kid":"k","d":"${CANARY}"}`],
    ["LINK_JWKS", `["${CANARY}"]`],
    ["MT5_RPC_PORT", "0"],
    ["MT5_RPC_DIALECT", "v7"],
    ["ALLOW_PLAIN_RPC", "yes"],
    ["SCHEDULING", "fair"],
    ["SIMULATOR_TERMINALS", "0"],
    ["SIMULATOR_TERMINALS", "65"],
    ["SIMULATOR_SEED", "4294967296"],
    ["SIMULATOR_LOGIN_MS", "30001"],
    ["SIMULATOR_SEND_MS", "-1"],
  ];
  for (const [name, value] of refused) {
    it(`refuses ${name}=${value.slice(0, 40)}`, () => hasFault({ [name]: value }, new RegExp(`^${name} `)));
  }

  it("names every wrong variable in one error", async () => {
    const names = ["WORKER_ID", "WORKER_PORT", "SUPABASE_URL", "SEAL_PRIVATE_JWKS", "LINK_JWKS"];
    const faults = await faultsOf({ ...Object.fromEntries(names.map((name) => [name, CANARY])), WORKER_ID: undefined });
    assert.deepStrictEqual(
      faults.map((fault) => fault.split(" ")[0]),
      names,
    );
  });

  it("names wrong variables and faults between right ones together: one start tells everything", async () => {
    const faults = await faultsOf({
      LOG_LEVEL: "loud",
      MT5_RPC_PORT: "18813",
      MT5_TERMINALS: "10.0.0.9:18812",
      SUPABASE_URL: undefined,
    });
    assert.deepEqual(faults.length, 4, faults.join("\n"));
  });

  it("names every fault that only shows between the variables in one error", async () => {
    const faults = await faultsOf({
      LINK_JWKS: JSON.stringify({ keys: [link.privateJwk] }),
      MT5_TERMINALS: "nonsense,10.0.0.5:18812",
      MT5_RPC_HOST: "127.0.0.1",
      MT5_TLS_CERT_FILE: join(dir, "absent.pem"),
    });
    const expected = [
      /LINK_JWKS holds a private/,
      /both set/,
      /nonsense/,
      /CERT_FILE cannot/,
      /belong together/,
      /no TLS/,
    ];
    assert.equal(faults.length, expected.length, faults.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? "", pattern);
  });
});

describe("keys", () => {
  const withKey = (name: string, jwk: object): Variables => ({
    [name]: JSON.stringify(name === "RESULT_PRIVATE_JWK" ? jwk : { keys: [jwk] }),
  });

  it("the function's private key must not be here", async () => {
    await hasFault(withKey("LINK_JWKS", link.privateJwk), /LINK_JWKS holds a private key/);
  });

  it("the worker's own keys must be private ones", async () => {
    await hasFault(withKey("SEAL_PRIVATE_JWKS", seal.publicJwk), /^SEAL_PRIVATE_JWKS must be/);
    await hasFault(withKey("RESULT_PRIVATE_JWK", result.publicJwk), /^RESULT_PRIVATE_JWK must be/);
  });

  for (const name of ["SEAL_PRIVATE_JWKS", "RESULT_PRIVATE_JWK", "LINK_JWKS"]) {
    it(`${name}: a kid that is not the key's thumbprint is a mixed-up file`, async () => {
      const pair = {
        SEAL_PRIVATE_JWKS: seal.privateJwk,
        RESULT_PRIVATE_JWK: result.privateJwk,
        LINK_JWKS: link.publicJwk,
      };
      const jwk = { ...pair[name as keyof typeof pair], kid: olderSeal.publicJwk.kid };
      await hasFault(withKey(name, jwk), new RegExp(`^${name}: kid "${olderSeal.publicJwk.kid}" is not`));
    });
  }

  it("halves that do not belong together, and what is no point of the curve, are named with the other faults", async () => {
    const { d } = olderSeal.privateJwk;
    const nowhere = { kty: "EC", crv: "P-256", x: link.publicJwk.x ?? "", y: seal.publicJwk.y ?? "" };
    const faults = await faultsOf({
      ...withKey("SEAL_PRIVATE_JWKS", { ...seal.privateJwk, d }),
      ...withKey("RESULT_PRIVATE_JWK", { ...result.privateJwk, d }),
      ...withKey("LINK_JWKS", { ...nowhere, kid: await calculateJwkThumbprint(nowhere) }),
      WORKER_PORT: "none",
    });
    const named = faults.map((fault) => fault.split(/[ :]/)[0]);
    assert.deepEqual(named, ["WORKER_PORT", "SEAL_PRIVATE_JWKS", "RESULT_PRIVATE_JWK", "LINK_JWKS"]);
    for (const fault of faults.slice(1)) assert.match(fault, /is not valid, or its halves do not belong together$/);
    assert.ok(!faults.join().includes(d ?? ""));
  });

  it("one key twice in the ring is a mistake", async () => {
    const ring = JSON.stringify({ keys: [seal.privateJwk, seal.privateJwk] });
    await hasFault({ SEAL_PRIVATE_JWKS: ring }, /two keys with one kid/);
  });
});

describe("terminals", () => {
  const endpoint = (host: string, port: number, more: object = {}) => ({ host, port, dialect: "auto", ...more });

  it("are host:port pairs, named by them", async () => {
    const { terminals } = await read({ MT5_TERMINALS: "127.0.0.1:18812, localhost:18813,[::1]:18814" });
    assert.deepStrictEqual(terminals, [
      { name: "127.0.0.1:18812", endpoint: endpoint("127.0.0.1", 18812), limits: UNLIMITED },
      { name: "localhost:18813", endpoint: endpoint("localhost", 18813), limits: UNLIMITED },
      { name: "::1:18814", endpoint: endpoint("::1", 18814), limits: UNLIMITED },
    ]);
  });

  it("may be a single one under the original's names, port 18812 by default", async () => {
    const { terminals } = await read({ MT5_RPC_HOST: "127.0.0.1", MT5_RPC_DIALECT: "v5" });
    assert.deepStrictEqual(terminals, [
      { name: "127.0.0.1:18812", endpoint: endpoint("127.0.0.1", 18812, { dialect: "v5" }), limits: UNLIMITED },
    ]);
    assert.equal((await read({ MT5_RPC_HOST: "127.0.0.1", MT5_RPC_PORT: "9" })).terminals[0]?.endpoint.port, 9);
  });

  it("know the path of their own terminal64.exe, and no path is for nobody", async () => {
    const path = "C:\\MT5 one\\terminal64.exe";
    const paths = JSON.stringify({ "127.0.0.1:18812": path });
    const { terminals } = await read({ MT5_TERMINALS: "127.0.0.1:18812,127.0.0.1:18813", MT5_TERMINAL_PATHS: paths });
    assert.deepStrictEqual(
      terminals.map((terminal) => terminal.path),
      [path, undefined],
    );
    await hasFault({ MT5_TERMINALS: "127.0.0.1:18813", MT5_TERMINAL_PATHS: paths }, /18812, which is not in/);
    await hasFault({ MT5_TERMINALS: "127.0.0.1:18812", MT5_TERMINAL_PATHS: "C:" }, /must be a JSON object/);
  });

  it("have options of their own, and faults in them stop the start like all others", async () => {
    const servers = ["Demo-One"];
    const variables = (options: unknown): Variables => ({
      ...{ MT5_TERMINALS: "127.0.0.1:1", MT5_TERMINAL_OPTIONS: JSON.stringify({ "127.0.0.1:1": options }) },
    });
    assert.deepEqual((await read(variables({ servers }))).terminals[0]?.limits, { servers, pinned: [] });
    await hasFault(variables({ servers: [] }), /^MT5_TERMINAL_OPTIONS\["127\.0\.0\.1:1"\]\.servers/);
    await hasFault({ MT5_TERMINALS: "127.0.0.1:1", MT5_TERMINAL_OPTIONS: CANARY }, /must be a JSON object/);
  });

  it("are not taken from two places", async () => {
    await hasFault({ MT5_TERMINALS: "127.0.0.1:1", MT5_RPC_HOST: "127.0.0.1" }, /both set/);
  });

  for (const entry of [
    "127.0.0.1",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    ":1",
    "http://127.0.0.1:1",
    "a b:1",
    "127.0.0.1:1,",
  ]) {
    it(`refuses the list "${entry}"`, () => hasFault({ MT5_TERMINALS: entry }, /is not host:port/));
  }

  it("are not named twice: two owners would fight for one terminal", async () => {
    await hasFault({ MT5_TERMINALS: "127.0.0.1:1,127.0.0.1:2,127.0.0.1:1" }, /names 127\.0\.0\.1:1 twice/);
    await hasFault({ MT5_TERMINALS: "127.0.0.1:1,tls://127.0.0.1:1" }, /twice/);
  });

  describe("off this host", () => {
    for (const host of ["10.0.0.5", "mt5.example.com", "127.example.com", "[fe80::1]", "0.0.0.0"]) {
      it(`${host} needs TLS`, () =>
        hasFault({ MT5_TERMINALS: `127.0.0.1:1,${host}:2` }, /is not on this host and has no TLS/));
    }

    it("go without TLS by an explicit wish alone, and the configuration says so", async () => {
      const remote = { MT5_RPC_HOST: "10.0.0.5" };
      await hasFault({ ...remote, ALLOW_PLAIN_RPC: "0" }, /no TLS/);
      assert.equal((await read({ ...remote, ALLOW_PLAIN_RPC: "1" })).plainRpc, true);
      assert.equal((await read({ MT5_RPC_HOST: "127.0.0.1", ALLOW_PLAIN_RPC: "1" })).plainRpc, false);
    });

    it("are reached with the TLS files that are named", async () => {
      const files = { CA: "the authority", CERT: "our certificate", KEY: "our key" };
      const named: Variables = { MT5_TERMINALS: "tls://10.0.0.5:1,127.0.0.1:2" };
      for (const [name, text] of Object.entries(files)) {
        named[`MT5_TLS_${name}_FILE`] = join(dir, `${name}.pem`);
        writeFileSync(join(dir, `${name}.pem`), text);
      }
      const { terminals, plainRpc } = await read(named);
      const tls = { ca: "the authority", cert: "our certificate", key: "our key" };
      assert.deepStrictEqual(
        terminals.map((one) => one.endpoint),
        [endpoint("10.0.0.5", 1, { tls }), endpoint("127.0.0.1", 2)],
      );
      assert.equal(plainRpc, false);
    });

    it("do not start with a TLS file that cannot be read, or half a key pair", async () => {
      const absent = join(dir, "absent.pem");
      await hasFault({ MT5_TERMINALS: "tls://10.0.0.5:1", MT5_TLS_CA_FILE: absent }, /MT5_TLS_CA_FILE cannot be read/);
      writeFileSync(join(dir, "half.pem"), CANARY);
      const half = { MT5_TERMINALS: "tls://10.0.0.5:1", MT5_TLS_KEY_FILE: join(dir, "half.pem") };
      await hasFault(half, /belong together/);
    });
  });
});

describe("isLoopback", () => {
  it("knows this host by its addresses and its name", () => {
    for (const host of ["localhost", "127.0.0.1", "127.255.0.3", "::1"]) assert.equal(isLoopback(host), true, host);
    for (const host of [
      "127.example.com",
      "127.0.0.1.example.com",
      "0.0.0.0",
      "128.0.0.1",
      "localhost.example.com",
      "",
    ]) {
      assert.equal(isLoopback(host), false, host);
    }
  });
});
