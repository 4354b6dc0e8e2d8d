// The lanes that are known. A lane without work and terminal is kept for what it tells about its use, and forgotten
// after a while: accounts come and go for months.
import { Lane } from "./lane.ts";
import type { PolicyParams } from "./params.ts";
import type { WaitingRoom } from "./waiting-room.ts";

export class Lanes {
  /** The longest unused first. */
  readonly #lanes = new Map<string, Lane>();
  readonly #params: PolicyParams;

  constructor(params: PolicyParams) {
    this.#params = params;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** The lane, as just used. */
  use(key: string, server: string, room: WaitingRoom, nowMs: number): Lane {
    this.#forget(nowMs);
    const lane = this.#lanes.get(key) ?? new Lane(key, server, room);
    this.#lanes.delete(key);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** A few of the oldest for each use, so that it costs nothing to speak of and still keeps up. */
  #forget(nowMs: number): void {
    const { forgetMs, maxIdleLanes } = this.#params;
    let looked = 0;
    for (const [key, lane] of this.#lanes) {
      const isOld = nowMs - lane.rate.lastUsedMs > forgetMs;
      if ((!isOld && this.#lanes.size <= maxIdleLanes) || looked === 3) return;
      looked += 1;
      this.#lanes.delete(key);
      // In use for so long: behind the others it goes, to be looked at again.
      if (lane.size > 0 || lane.terminal !== null || lane.running !== null || lane.leaving) this.#lanes.set(key, lane);
    }
  }
}
