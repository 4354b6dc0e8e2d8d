import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendReply } from "../mt5/mod.ts";
import { TagRegistry } from "./sim-tags.ts";

const EXPIRED: SendReply = { kind: "refused", reason: "expired" };

test("TagRegistry goes from unseen over waiting and sending to finished", async () => {
  const tags = new TagRegistry();
  assert.deepEqual(tags.state(1), { kind: "unseen" });
  const entry = tags.register(1, "a");
  assert.deepEqual(tags.state(1), { kind: "waiting" });
  assert.equal(tags.startSending(entry), true);
  assert.deepEqual(tags.state(1), { kind: "sending" });
  tags.settle(entry, EXPIRED);
  assert.deepEqual(tags.state(1), { kind: "finished", reply: EXPIRED });
  assert.equal(await entry.settled.promise, EXPIRED);
});

test("TagRegistry.poison() stops a waiting tag for good", async () => {
  const tags = new TagRegistry();
  const entry = tags.register(1, "a");
  assert.deepEqual(tags.poison(1, "a"), { kind: "poisoned" });
  assert.equal(tags.startSending(entry), false);
  const poisoned = { kind: "refused", reason: "poisoned" };
  assert.deepEqual(tags.settle(entry, EXPIRED), poisoned);
  assert.deepEqual(await entry.settled.promise, poisoned);
  assert.deepEqual(tags.state(1), { kind: "poisoned" });
});

test("TagRegistry.poison() changes nothing once the send has begun, or for another command", () => {
  const tags = new TagRegistry();
  const entry = tags.register(1, "a");
  assert.deepEqual(tags.poison(1, "b"), { kind: "forgotten" });
  assert.deepEqual(tags.state(1), { kind: "waiting" });
  tags.startSending(entry);
  assert.deepEqual(tags.poison(1, "a"), { kind: "sending" });
});

test("TagRegistry keeps as many replies as it may, and of older tags that they were seen", () => {
  const tags = new TagRegistry(2);
  for (const tag of [1, 2]) tags.settle(tags.register(tag, "a"), EXPIRED);
  assert.equal(tags.state(1).kind, "finished");
  tags.register(3, "a");
  assert.deepEqual(tags.state(1), { kind: "forgotten" });
  assert.equal(tags.isForgotten(1), true);
  assert.deepEqual(tags.poison(1, "a"), { kind: "forgotten" });
  assert.equal(tags.state(2).kind, "finished");
});

test("TagRegistry never forgets a tag that waits or sends", () => {
  const tags = new TagRegistry(1);
  const sending = tags.register(1, "a");
  tags.startSending(sending);
  tags.register(2, "a");
  tags.settle(tags.register(3, "a"), EXPIRED);
  tags.register(4, "a");
  assert.deepEqual(
    [1, 2, 3].map((tag) => tags.state(tag).kind),
    ["sending", "waiting", "forgotten"],
  );
  // Their place is given back once their fate is known.
  tags.settle(sending, EXPIRED);
  tags.register(5, "a");
  assert.deepEqual(
    [1, 2, 4, 5].map((tag) => tags.state(tag).kind),
    ["forgotten", "waiting", "waiting", "waiting"],
  );
});
