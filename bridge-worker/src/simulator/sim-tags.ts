// The simulated terminal's memory of tags, with the rules of the guard: registered before the wait for the terminal, never
// sent twice, poisoned only while certainly not sent. Pure.
import type { SendReply, TagState } from "../mt5/mod.ts";

/** Tags whose replies are kept; of older ones only that they were seen. */
export const MAX_TAGS = 100_000;

export type TagEntry = {
  readonly tag: number;
  readonly commandId: string;
  phase: "waiting" | "sending" | "finished" | "poisoned";
  reply: SendReply | null;
  /** Resolves with the answer to every send of this tag. */
  readonly settled: PromiseWithResolvers<SendReply>;
};

const POISONED: SendReply = { kind: "refused", reason: "poisoned" };

export class TagRegistry {
  /** May be changed at any time; what is too much then goes with the next tags. */
  maxTags: number;
  readonly #entries = new Map<number, TagEntry>();
  readonly #forgotten = new Set<number>();

  constructor(maxTags = MAX_TAGS) {
    this.maxTags = maxTags;
  }

  find(tag: number): TagEntry | undefined {
    return this.#entries.get(tag);
  }

  isForgotten(tag: number): boolean {
    return this.#forgotten.has(tag);
  }

  /** The tag must be new here. */
  register(tag: number, commandId: string): TagEntry {
    const entry: TagEntry = { tag, commandId, phase: "waiting", reply: null, settled: Promise.withResolvers() };
    this.#entries.set(tag, entry);
    this.#forgetOldest(entry);
    return entry;
  }

  /** The step after which poison comes too late. False: it came in time. */
  startSending(entry: TagEntry): boolean {
    if (entry.phase !== "waiting") return false;
    entry.phase = "sending";
    return true;
  }

  /** The first settlement stands: what was poisoned while it waited stays poisoned. */
  settle(entry: TagEntry, reply: SendReply): SendReply {
    if (entry.phase === "waiting" || entry.phase === "sending") {
      entry.phase = "finished";
      entry.reply = reply;
    }
    const answer = entry.reply ?? POISONED;
    entry.settled.resolve(answer);
    return answer;
  }

  poison(tag: number, commandId: string): TagState {
    if (this.#forgotten.has(tag)) return { kind: "forgotten" };
    const entry = this.#entries.get(tag) ?? this.register(tag, commandId);
    // Another command's tag: nothing it finds says anything about the one that asks.
    if (entry.commandId !== commandId) return { kind: "forgotten" };
    if (entry.phase === "waiting") {
      entry.phase = "poisoned";
      entry.settled.resolve(POISONED);
    }
    return this.state(tag);
  }

  state(tag: number): TagState {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return { kind: this.#forgotten.has(tag) ? "forgotten" : "unseen" };
    if (entry.phase !== "finished") return { kind: entry.phase };
    if (entry.reply === null) throw new Error(`Tag ${tag} is finished and has no reply`);
    return { kind: "finished", reply: entry.reply };
  }

  /** One that waits or sends is never dropped: its fate is open. */
  #forgetOldest(newest: TagEntry): void {
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= this.maxTags) return;
      if (entry === newest || entry.phase === "waiting" || entry.phase === "sending") continue;
      this.#entries.delete(entry.tag);
      this.#forgotten.add(entry.tag);
    }
  }
}
