// The order in which one terminal serves its lanes: lane by lane, each for what was waiting when its turn began (the
// gate), in turn. A busy lane cannot keep the terminal, and a switch is paid for as much work as possible. Pure.

type Lane<Job> = { key: string; jobs: Job[] };

export class TerminalQueue<Job> {
  /** Lanes with work, next turn first. */
  #ring: Lane<Job>[] = [];
  #size = 0;
  /** Jobs of the front lane that its turn still covers. */
  #gate = 0;

  get size(): number {
    return this.#size;
  }

  laneSize(key: string): number {
    return this.#ring.find((lane) => lane.key === key)?.jobs.length ?? 0;
  }

  push(key: string, job: Job): void {
    const lane = this.#ring.find((waiting) => waiting.key === key);
    if (lane === undefined) this.#ring.push({ key, jobs: [job] });
    else lane.jobs.push(job);
    this.#size += 1;
  }

  /** Takes the next job out; undefined when nothing waits. */
  next(): Job | undefined {
    const lane = this.#ring[0];
    if (lane === undefined) return undefined;
    if (this.#gate === 0) this.#gate = lane.jobs.length;
    const job = lane.jobs.shift();
    this.#gate -= 1;
    this.#size -= 1;
    if (lane.jobs.length === 0 || this.#gate === 0) {
      this.#gate = 0;
      this.#ring.shift();
      if (lane.jobs.length > 0) this.#ring.push(lane);
    }
    return job;
  }

  /** Takes one job out before its turn: it was cancelled, or its time is over. */
  remove(key: string, job: Job): boolean {
    const index = this.#ring.findIndex((lane) => lane.key === key);
    const lane = this.#ring[index];
    const place = lane?.jobs.indexOf(job) ?? -1;
    if (lane === undefined || place < 0) return false;
    lane.jobs.splice(place, 1);
    this.#size -= 1;
    if (index === 0 && this.#gate > lane.jobs.length) this.#gate = lane.jobs.length;
    if (lane.jobs.length === 0) {
      this.#ring.splice(index, 1);
      if (index === 0) this.#gate = 0;
    }
    return true;
  }
}
