import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type ErrorCode } from "../../_shared/errors/mod.ts";
import { type Findings, healthOf, type ReadOutcome } from "../../_shared/protocol/mod.ts";
import type { WorkerCall } from "../bridge/mod.ts";
import type { AccountRow } from "../db/mod.ts";
import { ACCOUNT, ACCOUNT_ID, AS_OF, CALLER, makeContext, note } from "../testing/context.ts";
import { type AccountStatusAnswer, readStatus } from "./read-status.ts";

type Asked = { status?: AccountRow["status"]; refused?: ErrorCode; read?: () => Promise<ReadOutcome>; symbol?: string };
const row = (status: AccountRow["status"]): AccountRow => ({
  ...{
    ...ACCOUNT,
    status,
    account_name: "A",
    broker_name: null,
    account_type: "demo",
    is_active: status !== "inactive",
  },
  ...{ is_default: false, is_current: true, currency: "USD", trade_mode: "demo", risk_limits: null, pass_magic: false },
  ...{ created_at: AS_OF, updated_at: AS_OF },
});

async function ask({
  status = "active",
  refused,
  read,
  symbol,
}: Asked): Promise<AccountStatusAnswer & { calls: WorkerCall[] }> {
  const calls: WorkerCall[] = [];
  const context = makeContext({
    db: {
      resolveAccount: async () => {
        if (status === "inactive") throw new AppError("account_inactive");
        if (refused !== undefined) throw new AppError(refused);
        return { ...ACCOUNT, status, encrypted_password: "jwe", worker_id: "w1" };
      },
      getAccount: async () => row(status),
    },
    ...(read === undefined ? {} : { bridge: { read: (call) => note(calls, call, undefined).then(read) } }),
  });
  const question = { accountId: ACCOUNT_ID, ...(symbol === undefined ? {} : { symbol }) };
  return { ...(await readStatus(context, CALLER, question)), calls };
}

const says =
  (findings: Findings, withSymbol = false) =>
  async (): Promise<ReadOutcome> => ({
    ok: true,
    value: { ...healthOf(findings, withSymbol), as_of: AS_OF },
  });
const fails = (code: ErrorCode) => async (): Promise<ReadOutcome> => ({ ok: false, code });
const WELL: Findings = {
  ...{ capacity: "well", terminal: "well", broker_link: "well", credential: "well", trading_permission: "well" },
};
const READ_ONLY = { code: "read_only", detail: "read-only", action: "Do something." } as const;
const broken = ({ layers }: AccountStatusAnswer) =>
  layers.filter(({ ok }) => ok === false).map(({ layer, code }) => [layer, code]);

test("readStatus() passes on what the worker found, with the account and its row's status", async () => {
  const { calls, ...answer } = await ask({ read: says(WELL) });
  assert.deepEqual(answer, { account: ACCOUNT, status: "active", ...healthOf(WELL, false), as_of: AS_OF });
  assert.equal(answer.healthy, true);
  assert.deepEqual(JSON.parse(calls[0]?.body ?? ""), { request: { kind: "account_status" }, credential: "jwe" });
});

test("readStatus() asks about a symbol, and shows its layer also when the worker is away", async () => {
  const { calls, layers } = await ask({ symbol: "EURUSD", read: says({ ...WELL, symbol: "well" }, true) });
  assert.deepEqual(JSON.parse(calls[0]?.body ?? "").request, { kind: "account_status", symbol: "EURUSD" });
  assert.equal(layers.length, 6);
  const away = await ask({ symbol: "EURUSD", read: () => Promise.reject(new AppError("worker_unreachable")) });
  assert.deepEqual([away.layers.length, away.layers.at(-1)?.code], [6, "not_known"]);
});

const unanswered: [string, () => Promise<ReadOutcome>, string][] = [
  ["away", () => Promise.reject(new AppError("worker_unreachable")), "worker_unreachable"],
  ["silent", () => Promise.reject(new AppError("read_timeout")), "read_timeout"],
  ["flooded", () => Promise.reject(new AppError("too_many_requests")), "worker_busy"],
  ["full", fails("worker_busy"), "worker_busy"],
];
for (const [what, read, code] of unanswered) {
  test(`readStatus(), the worker is ${what}: a layer says so, and what to do`, async () => {
    const answer = await ask({ read });
    assert.deepEqual(broken(answer), [["capacity", code]]);
    assert.deepEqual([answer.healthy, answer.as_of], [false, AS_OF]);
    assert.ok(answer.layers[0]?.action);
    assert.ok(answer.layers.slice(1).every(({ ok }) => ok === null));
  });
}

test("readStatus() does not make a layer of a fault that is none", async () => {
  await assert.rejects(ask({ read: fails("internal_error") }), { code: "internal_error" });
  await assert.rejects(
    readStatus(
      makeContext({ db: { resolveAccount: () => Promise.reject(new AppError("account_not_found")) } }),
      CALLER,
      { accountId: ACCOUNT_ID },
    ),
    { code: "account_not_found" },
  );
});

test("readStatus() of an account that cannot work anyway asks no worker", async () => {
  const inactive = await ask({ status: "inactive" });
  assert.deepEqual([inactive.status, broken(inactive)], ["inactive", [["trading_permission", "account_inactive"]]]);
  const unusable = await ask({ status: "credential_invalid" });
  assert.deepEqual(broken(unusable), [["credential", "credential_invalid"]]);
  const nameless = await ask({ refused: "credential_invalid" });
  assert.deepEqual(broken(nameless), [["credential", "credential_invalid"]]);
  assert.match(nameless.layers.find(({ ok }) => ok === false)?.action ?? "", /Connect the account again/);
});

const readOnly: [AccountRow["status"], Findings["trading_permission"], string][] = [
  ["active", READ_ONLY, "account_trade_disabled"],
  ["read_only", READ_ONLY, "investor_password"],
  ["read_only", undefined, "investor_password"],
  ["read_only", { ...READ_ONLY, code: "autotrading_off" }, "autotrading_off"],
];
for (const [status, found, code] of readOnly) {
  const seen = found === undefined || found === "well" ? "nothing" : found.code;
  test(`readStatus(), a row that is ${status} and a terminal that shows ${seen}: ${code}`, async () => {
    const { trading_permission: _permission, ...rest } = WELL;
    const answer = await ask({
      status,
      read: says(found === undefined ? rest : { ...rest, trading_permission: found }),
    });
    assert.deepEqual(broken(answer), [["trading_permission", code]]);
  });
}

test("readStatus() of a read-only account whose new password trades says that it trades", async () => {
  assert.deepEqual(broken(await ask({ status: "read_only", read: says(WELL) })), []);
});
