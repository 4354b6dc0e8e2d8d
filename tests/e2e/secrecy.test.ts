// Nobody else can read a password: a canary typed into connect is looked for in everything that was printed, answered or
// written to disk, in clear, base64 and hex; and no way of a user or of anon yields a ciphertext.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { type ApiAnswer, signUp, type Trader } from "../support/trader.ts";

/** Long and odd enough to appear nowhere by chance. The double's own password of account 1001 is set to it. */
const CANARY = "canary-Zq7!wX9#pL2vB4nM";
/** Longest file tail that is searched; every file here is shorter. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Base64 of a text inside another depends on where it starts: all three alignments, without their ragged ends. */
function disguises(secret: string): Buffer[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]).toString("base64url");
    return text.slice(shift === 0 ? 0 : shift + 1, -3);
  });
  const standard = base64.map((text) => text.replaceAll("-", "+").replaceAll("_", "/"));
  const hex = Buffer.from(secret).toString("hex");
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...standard,
  ].map((text) => Buffer.from(text));
}

function findSecret(where: string, content: Buffer): string[] {
  return disguises(CANARY)
    .filter((needle) => content.includes(needle))
    .map((needle) => `${where} holds ${needle.toString().slice(0, 12)}…`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("secrecy of passwords", { skip: requirePython() ?? false }, () => {
  let double: BrokerDouble;
  let stack: TestStack;
  let trader: Trader;
  const answers: ApiAnswer[] = [];

  before(async () => {
    double = await startBrokerDouble();
    await double.setPassword("1001", "Alpha-Demo", CANARY);
    stack = await startTestStack({ terminals: `${double.host}:${double.port}`, workerEnv: { LOG_LEVEL: "trace" } });
    trader = await signUp(stack.info);
    const account = { account_name: "canary", login: "1001", server: "Alpha-Demo", set_as_default: true };
    const call = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
      const answer = await trader.call(method, path, body === undefined ? {} : { body });
      answers.push(answer);
      return answer;
    };
    // Accepted, refused (the canary as a wrong password), malformed around it, and everything that uses it afterwards.
    assert.equal((await call("POST", "/accounts/connect", { ...account, password: CANARY })).status, 201);
    const { accounts } = (await call("GET", "/accounts")).body;
    const id = accounts[0].id;
    await call("POST", "/accounts/connect", { ...account, login: "1002", password: CANARY });
    await call("POST", "/accounts/connect", { ...account, password: CANARY, pasword: CANARY });
    await call("POST", "/accounts/connect", `{"password":"${CANARY}"`);
    await call("PUT", `/accounts/${id}/password`, { password: CANARY });
    await call("POST", `/accounts/${id}/switch`);
    await call("GET", `/accounts/${id}`);
    await call("GET", "/account/info?max_age_ms=0");
    assert.equal((await call("POST", "/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.01 })).status, 200);
    await double.control({ send: [{ error: [-10005, "IPC timeout"] }] });
    assert.equal((await call("POST", "/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.01 })).status, 202);
    await call("GET", "/commands");
    await stack.parts.worker.restart();
    await call("GET", "/account/info?max_age_ms=0");
  });
  after(async () => {
    await stack?.stop();
    await double?.stop();
  });

  it("can find the canary where it is", () => {
    const text = Buffer.from(`x${CANARY}y`);
    assert.equal(findSecret("itself", text).length > 0, true);
    assert.equal(findSecret("base64", Buffer.from(text.toString("base64"))).length > 0, true);
    assert.equal(findSecret("hex", Buffer.from(text.toString("hex"))).length > 0, true);
  });

  it("is in no answer and in nothing that any process printed", () => {
    assert.ok(stack.output().length > 500, "the parts have printed something");
    const found = answers.flatMap((answer, index) => findSecret(`answer ${index}`, Buffer.from(answer.text)));
    assert.deepEqual([...found, ...findSecret("output", Buffer.from(stack.output()))], []);
  });

  it("is in no file: database, write-ahead log, journal, keys", async () => {
    const files = filesBelow(stack.info.data_dir);
    assert.ok(
      files.some((file) => file.includes("pg_wal")),
      "the database's files are among them",
    );
    assert.ok(
      files.some((file) => file.endsWith("journal.db")),
      "the journal is among them",
    );
    const found = files.flatMap((file) => {
      assert.ok(statSync(file).size < MAX_FILE_BYTES, file);
      return findSecret(file, readFileSync(file));
    });
    assert.deepEqual(found, []);
  });

  it("yields no ciphertext to a user or to anon: in no answer, through no RPC, through no table", async () => {
    const { api_url, publishable_key } = stack.info;
    for (const answer of answers)
      assert.doesNotMatch(answer.text, /eyJ[A-Za-z0-9_-]{20,}\.\.?/, answer.text.slice(0, 200));
    const account = (await trader.get("/accounts")).body.accounts[0];
    const tries: [string, unknown][] = [
      ["resolve_account", { p_user_id: trader.userId, p_account_id: account.id }],
      [
        "submit_command",
        {
          p_user_id: trader.userId,
          p_account_id: account.id,
          p_kind: "trade",
          p_key: "k",
          p_fingerprint: "f",
          p_request: {},
          p_timeout_ms: 1000,
          p_request_id: "r",
        },
      ],
      ["connect_account", { p_user_id: trader.userId, p_account: {} }],
      ["get_account", { p_account_id: account.id }],
      ["list_accounts", { p_include_inactive: true }],
    ];
    for (const token of [trader.accessToken, undefined]) {
      for (const [name, body] of tries) {
        const response = await fetch(`${api_url}/rest/v1/rpc/${name}`, {
          method: "POST",
          headers: {
            apikey: publishable_key,
            "content-type": "application/json",
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify(body),
        });
        const text = await response.text();
        assert.doesNotMatch(text, /eyJ|encrypted_password"\s*:/, `${name}: ${text.slice(0, 200)}`);
        const trusted = !/^(get|list)_/.test(name);
        if (trusted || token === undefined)
          assert.ok([401, 403, 404].includes(response.status), `${name}: ${response.status}`);
      }
      const table = await fetch(`${api_url}/rest/v1/mt5_accounts?select=encrypted_password`, {
        headers: { apikey: publishable_key },
      });
      assert.equal(table.status, 404);
      await table.body?.cancel();
    }
  });
});
