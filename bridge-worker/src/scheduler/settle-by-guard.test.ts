// What the terminal's own process proves about a command whose answer was lost, and what it does not.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { intentOf } from "../journal/testdata/entries.ts";
import type { SendReply, TagState } from "../mt5/mod.ts";
import { askGuard, isElsewhere, outcomeOfTag } from "./settle-by-guard.ts";

const intent = intentOf(1, { plan: { action: 1, symbol: "EURUSD", volume: 0.1, magic: 2 ** 40 + 1, comment: "sy" } });
const result = { retcode: 10009, order: "11", deal: "12", volume: 0.1, price: 1.1, comment: "" };

function finished(reply: SendReply): TagState {
  return { kind: "finished", reply };
}
function sent(change: Partial<Extract<SendReply, { kind: "sent" }>> = {}): TagState {
  return finished({ kind: "sent", result, lastError: [1, "fine"], after: intent.account, ...change });
}

describe("outcomeOfTag", () => {
  const rows: [string, TagState, string | undefined][] = [
    ["a send that was answered is done", sent(), "done"],
    ["a broker's rejection is rejected", sent({ result: { ...result, retcode: 10019, deal: "0" } }), "rejected"],
    ["a rejection that names a deal settles nothing", sent({ result: { ...result, retcode: 10006 } }), undefined],
    ["an unclear answer settles nothing", sent({ result: { ...result, retcode: 10012 } }), undefined],
    ["None settles nothing", sent({ result: null, lastError: [-10005, "IPC timeout"] }), undefined],
    ["another account afterwards settles nothing", sent({ after: { login: "9", server: "Other" } }), undefined],
    ["what the guard refused was not executed", finished({ kind: "refused", reason: "expired" }), "not_executed"],
    ["a tag poisoned before it began was not executed", { kind: "poisoned" }, "not_executed"],
    ["waiting proves nothing", { kind: "waiting" }, undefined],
    ["sending proves nothing", { kind: "sending" }, undefined],
    ["forgotten proves nothing", { kind: "forgotten" }, undefined],
    ["unseen proves nothing", { kind: "unseen" }, undefined],
  ];
  for (const [name, state, expected] of rows) {
    it(name, () => assert.equal(outcomeOfTag(state, intent)?.state, expected));
  }

  it("says what it rests on", () => {
    const outcome = outcomeOfTag({ kind: "poisoned" }, intent);
    assert.deepEqual(outcome?.state !== "unknown" && outcome?.evidence, {
      settled_by: "guard",
      epoch: "epoch-1",
      tag_state: "poisoned",
    });
  });
});

describe("askGuard", () => {
  const session = (epoch: string | null, state: TagState = { kind: "poisoned" }) => {
    const asked: number[] = [];
    const poison = async (tag: number): Promise<TagState> => {
      asked.push(tag);
      return state;
    };
    return { epoch, poison, asked };
  };

  it("asks the very process that was to send", async () => {
    const same = session("epoch-1");
    assert.equal((await askGuard(same, intent)).outcome?.state, "not_executed");
    assert.deepEqual(same.asked, [intent.tag]);
  });

  it("takes another process for the end of the send, and its ignorance for nothing", async () => {
    const other = session("epoch-2");
    assert.deepEqual(await askGuard(other, intent), { over: true, unclear: null, seen: "another_process" });
    assert.deepEqual(other.asked, [], "nor poisons a tag there");
  });

  it("knows nothing as long as a process is not known", async () => {
    const nothing = { over: false, unclear: null, seen: "not_asked" };
    assert.deepEqual(await askGuard(session(null), intent), nothing);
    assert.deepEqual(await askGuard(session("epoch-1"), intentOf(2, { epoch: null })), nothing);
  });

  for (const kind of ["waiting", "sending", "forgotten", "unseen"] as const) {
    it(`takes "${kind}" for a send that may be under way`, async () => {
      const word = await askGuard(session("epoch-1", { kind }), intent);
      assert.deepEqual(word, { over: false, unclear: null, seen: kind });
    });
  }

  it("notices that another account was shown after the send", async () => {
    const other = { login: "9", server: "Other" };
    const word = await askGuard(session("epoch-1", sent({ after: other })), intent);
    assert.deepEqual([word.over, word.unclear?.reason, word.outcome], [true, "account_changed_during_send", undefined]);
    const unread = await askGuard(session("epoch-1", sent({ after: null })), intent);
    assert.equal(
      unread.unclear?.reason,
      "account_unread_after_send",
      "the broker said yes, and nobody knows on which account",
    );
    const silent = sent({ result: null, lastError: [-10005, "IPC timeout"], after: null });
    assert.equal((await askGuard(session("epoch-1", sent()), intent)).unclear, null);
    const { unclear } = await askGuard(session("epoch-1", silent), intent);
    assert.equal(isElsewhere(unclear), false, "the broker said nothing");
  });
});
