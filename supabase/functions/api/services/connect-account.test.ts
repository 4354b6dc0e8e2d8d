import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppError } from "../../_shared/errors/mod.ts";
import { type AccountInfoView, ReadBody, type ReadOutcome } from "../../_shared/protocol/mod.ts";
import type { WorkerCall } from "../bridge/mod.ts";
import type { AccountRow, CredentialToStore, NewAccount } from "../db/mod.ts";
import { ACCOUNT, ACCOUNT_ID, AS_OF, CALLER, INFO, makeContext, note, USER_ID } from "../testing/context.ts";
import { connectAccount } from "./connect-account.ts";
import { readAccount } from "./read-account.ts";
import { replacePassword } from "./replace-password.ts";
import { switchAccount } from "./switch-account.ts";

const PASSWORD = "hunter2-secret";
const request = { account_name: "Main", login: ACCOUNT.login, server: ACCOUNT.server, password: PASSWORD };

function world(outcome: ReadOutcome | Partial<AccountInfoView>, created = true, knownWorker: string | null = null) {
  const calls: WorkerCall[] = [];
  const connected: NewAccount[] = [];
  const replaced: CredentialToStore[] = [];
  const switched: string[] = [];
  const answer: ReadOutcome =
    "ok" in outcome ? outcome : { ok: true, value: { account: { ...INFO, ...outcome }, as_of: AS_OF } };
  const row = { id: ACCOUNT_ID } as AccountRow;
  const context = makeContext({
    sealPassword: async ({ workerId, userId, account, password }) => ({
      credential: `sealed(${workerId},${userId},${account.login},${account.server},${password.length})`,
      kid: "seal-1",
    }),
    workerIds: ["w1", "w2"],
    bridge: { read: (call) => note(calls, call, answer) },
    db: {
      findWorker: async () => knownWorker,
      connectAccount: (_userId, account) => note(connected, account, { account: row, created }),
      replaceCredential: (_userId, _id, credential) => note(replaced, credential, row),
      resolveAccount: async () => ({ ...ACCOUNT, status: "active", encrypted_password: "old-jwe", worker_id: "w1" }),
      switchAccount: (_userId, id) => note(switched, id, row),
    },
  });
  return { context, calls, connected, replaced, switched };
}
const code = (expected: string) => (error: AppError) => error.code === expected;

test("connectAccount() seals first, logs in, and stores what the broker confirmed", async () => {
  const { context, calls, connected } = world({});
  const { account, created } = await connectAccount(context, CALLER, request, 30_000);
  assert.deepEqual([account.id, account.balance, created], [ACCOUNT_ID, INFO.balance, true]);
  const credential = `sealed(w1,${USER_ID},5001234,MetaQuotes-Demo,${PASSWORD.length})`;
  assert.equal(ReadBody.parse(JSON.parse(calls[0]?.body ?? "")).credential, credential);
  assert.deepEqual(calls[0]?.account, { login: ACCOUNT.login, server: ACCOUNT.server });
  assert.deepEqual(connected[0], {
    account_name: "Main",
    login: ACCOUNT.login,
    server: ACCOUNT.server,
    encrypted_password: credential,
    credential_kid: "seal-1",
    credential_status: "ok",
    broker_name: INFO.company,
    account_type: "demo",
    trade_mode: "demo",
    currency: "USD",
    risk_limits: undefined,
    pass_magic: undefined,
    set_as_default: false,
    worker_id: "w1",
  });
});

test("connectAccount() leaves a known account with its worker, which alone knows what is open there", async () => {
  for (const [known, expected] of [
    ["w2", "w2"],
    ["gone", "w1"],
    [null, "w1"],
  ] as const) {
    const { context, calls, connected } = world({}, false, known);
    await connectAccount(context, CALLER, request, 30_000);
    assert.deepEqual([calls[0]?.workerId, connected[0]?.worker_id], [expected, expected]);
    assert.ok(connected[0]?.encrypted_password.startsWith(`sealed(${expected},`));
  }
});

test("the plain password is in no frame, no row and no log line", async () => {
  const { context, calls, connected, replaced } = world({});
  await connectAccount(context, CALLER, request, 30_000);
  await replacePassword(context, CALLER, { accountId: ACCOUNT_ID, password: PASSWORD, timeoutMs: 30_000 });
  const everything = JSON.stringify([calls, connected, replaced, context.logged]);
  assert.ok(!everything.includes(PASSWORD));
});

test("an investor password connects a read-only account", async () => {
  const { context, connected } = world({ trade_allowed: false });
  await connectAccount(context, CALLER, request, 30_000);
  assert.equal(connected[0]?.credential_status, "read_only");
});

const failures: [string, ReadOutcome | Partial<AccountInfoView>, object, string][] = [
  ["the broker refuses the login", { ok: false, code: "login_failed" }, {}, "login_failed"],
  ["no terminal can be had", { ok: false, code: "terminal_unavailable" }, {}, "terminal_unavailable"],
  ["the broker spells the server differently", { server: "metaquotes-demo" }, {}, "server_mismatch"],
  ["the account is of another type", { trade_mode: "real" }, { account_type: "demo" }, "account_type_mismatch"],
  ["the terminal answers for another account", { login: "99" }, {}, "terminal_unavailable"],
];
for (const [what, outcome, extra, expected] of failures) {
  test(`connectAccount() stores nothing when ${what}`, async () => {
    const { context, connected } = world(outcome);
    await assert.rejects(connectAccount(context, CALLER, { ...request, ...extra }, 30_000), code(expected));
    assert.deepEqual(connected, []);
  });
}

test("server_mismatch names the right server", async () => {
  const { context } = world({ server: "metaquotes-demo" });
  await assert.rejects(connectAccount(context, CALLER, request, 30_000), /"metaquotes-demo"/);
});

test("replacePassword() keeps the old password when the new one is refused", async () => {
  const { context, replaced } = world({ ok: false, code: "login_failed" });
  const attempt = replacePassword(context, CALLER, { accountId: ACCOUNT_ID, password: PASSWORD, timeoutMs: 30_000 });
  await assert.rejects(attempt, code("login_failed"));
  assert.deepEqual(replaced, []);
});

/** What the worker says of a credential that no longer logs in, or that it has no key for. */
const REFUSED_CREDENTIALS = ["login_failed", "server_mismatch", "proof_refused"] as const;

test("replacePassword() stores nothing when the terminal answers for another account or server", async () => {
  for (const [other, expected] of [
    [{ login: "99" }, "terminal_unavailable"],
    [{ server: "metaquotes-demo" }, "server_mismatch"],
  ] as const) {
    const { context, replaced } = world(other);
    const attempt = replacePassword(context, CALLER, { accountId: ACCOUNT_ID, password: PASSWORD, timeoutMs: 30_000 });
    await assert.rejects(attempt, code(expected));
    assert.deepEqual(replaced, []);
  }
});

test("readAccount() calls a refused stored password credential_invalid, as a command does", async () => {
  for (const refused of REFUSED_CREDENTIALS) {
    const { context } = world({ ok: false, code: refused });
    const request = { kind: "account_info", max_age_ms: 0 } as const;
    const attempt = readAccount(context, { caller: CALLER, accountId: null, request });
    await assert.rejects(attempt, code("credential_invalid"));
  }
});

test("a worker that cannot open what was sealed just now is a matter of its keys, not of the password", async () => {
  const { context, connected, replaced } = world({ ok: false, code: "proof_refused" });
  await assert.rejects(connectAccount(context, CALLER, request, 30_000), code("worker_unreachable"));
  const attempt = replacePassword(context, CALLER, { accountId: ACCOUNT_ID, password: PASSWORD, timeoutMs: 30_000 });
  await assert.rejects(attempt, code("worker_unreachable"));
  assert.deepEqual([connected, replaced], [[], []]);
});

test("switchAccount() makes the account current only after a login", async () => {
  const { context, calls, switched } = world({});
  const account = await switchAccount(context, CALLER, { accountId: ACCOUNT_ID, timeoutMs: 30_000 });
  assert.deepEqual([account.id, switched], [ACCOUNT_ID, [ACCOUNT_ID]]);
  assert.equal(ReadBody.parse(JSON.parse(calls[0]?.body ?? "")).credential, "old-jwe");
});

test("switchAccount() answers switch_failed for a refused login, and changes nothing", async () => {
  for (const refused of REFUSED_CREDENTIALS) {
    const { context, switched } = world({ ok: false, code: refused });
    await assert.rejects(
      switchAccount(context, CALLER, { accountId: ACCOUNT_ID, timeoutMs: 30_000 }),
      code("switch_failed"),
    );
    assert.deepEqual(switched, []);
  }
});

test("switchAccount() leaves a terminal's trouble what it is", async () => {
  const { context } = world({ ok: false, code: "terminal_unavailable" });
  await assert.rejects(
    switchAccount(context, CALLER, { accountId: ACCOUNT_ID, timeoutMs: 30_000 }),
    code("terminal_unavailable"),
  );
});
