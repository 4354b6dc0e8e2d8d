// A logged-in terminal is no permission: who knows a login and not its password gets 400 and nothing else, and the owner
// trades on.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { signUp, type Trader } from "../support/trader.ts";

describe("proof of possession", () => {
  let stack: TestStack;
  let owner: Trader;
  let stranger: Trader;
  const account = { account_name: "mine", login: "5000021", password: "demo-5000021", server: "Switchyard-Demo" };
  const order = { symbol: "EURUSD", order_type: "buy", volume: 0.01 };

  before(async () => {
    stack = await startTestStack({ workerEnv: { SIMULATOR_TERMINALS: "1" } });
    [owner, stranger] = await Promise.all([signUp(stack.info, "owner"), signUp(stack.info, "stranger")]);
    const connected = await owner.post("/accounts/connect", { ...account, set_as_default: true });
    assert.equal(connected.status, 201, connected.text);
  });
  after(() => stack.stop());

  it("refuses a wrong password although the terminal is logged in to that very account, and stores nothing", async () => {
    assert.equal((await owner.post("/trades", order)).status, 200);
    const wrong = await stranger.post("/accounts/connect", { ...account, password: "guess" });
    assert.equal(wrong.status, 400, wrong.text);
    assert.equal(wrong.body.code, "login_failed");
    assert.deepEqual((await stranger.get("/accounts?include_inactive=true")).body.accounts, []);
    const after = await owner.post("/trades", order);
    assert.equal(after.status, 200, after.text);
  });

  it("trades on while a stranger guesses beside the owner's orders", async () => {
    const other = await signUp(stack.info, "other");
    const guesses = [1, 2, 3].map((n) => other.post("/accounts/connect", { ...account, password: `guess-${n}` }));
    const orders = [1, 2, 3, 4].map(() => owner.post("/trades", { ...order, timeout_ms: 25_000 }));
    const codes = (await Promise.all(guesses)).map(({ body }) => body.code);
    assert.deepEqual(codes.sort(), ["login_failed", "login_paused", "login_paused"]);
    for (const answer of await Promise.all(orders)) assert.equal(answer.status, 200, answer.text);
    assert.deepEqual((await other.get("/accounts")).body.accounts, []);
  });

  it("lets a second user in who does know the password, and shows him nothing of the first one's marks", async () => {
    const marked = await owner.post("/trades", { ...order, magic: 4711, comment: "secret strategy" });
    assert.equal(marked.status, 200, marked.text);
    const friend = await signUp(stack.info, "friend");
    assert.equal((await friend.post("/accounts/connect", { ...account, set_as_default: true })).status, 201);
    const seen = await friend.get("/positions?max_age_ms=0");
    const position = seen.body.positions.find(
      (open: { ticket: string }) => open.ticket === marked.body.result.position_ticket,
    );
    assert.deepEqual([position.magic, position.comment, position.command_id], [null, null, null]);
    const own = await owner.get("/positions?max_age_ms=0");
    const mine = own.body.positions.find((open: { ticket: string }) => open.ticket === position.ticket);
    assert.deepEqual([mine.magic, mine.comment], [4711, "secret strategy"]);
  });
});
