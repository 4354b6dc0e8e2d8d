// One link per worker, opened when needed. A link is a cache, never a truth: idle ones are pinged before use, old ones
// replaced, doubtful ones dropped. No timer runs between requests, because an isolate may not live between requests.
import { AppError } from "../../_shared/errors/mod.ts";
import type { After } from "./after.ts";
import type { BridgeLimits } from "./limits.ts";
import { Link } from "./link.ts";
import type { OpenTransport } from "./transport.ts";

export type LinkPoolOptions = {
  workers: readonly { id: string; url: string }[];
  openTransport: OpenTransport;
  /** A ticket for one link to this worker. */
  makeTicket: (workerId: string) => Promise<string>;
  monotonicMs: () => number;
  after: After;
  limits: BridgeLimits;
  onFault: (workerId: string, fault: AppError) => void;
};

export class LinkPool {
  readonly #options: LinkPoolOptions;
  readonly #current = new Map<string, Link>();
  readonly #opening = new Map<string, Promise<Link>>();
  /** Retired but not yet empty: kept only so that close() reaches them. */
  readonly #retired = new Set<Link>();

  constructor(options: LinkPoolOptions) {
    this.#options = options;
  }

  /** A link fit for a call. `notThis`: the link that just failed the caller. Throws `worker_unreachable`. */
  async acquire(workerId: string, notThis?: Link): Promise<Link> {
    const link = this.#current.get(workerId);
    if (link !== undefined && link !== notThis && (await this.#isFit(link))) return link;
    return await this.#openShared(workerId, notThis);
  }

  /** The link in use now, if any: for what is worth sending only if it costs nothing. */
  existing(workerId: string): Link | undefined {
    const link = this.#current.get(workerId);
    return link?.isOpen ? link : undefined;
  }

  close(): void {
    for (const link of [...this.#current.values(), ...this.#retired]) link.drop("Closing");
    this.#current.clear();
    this.#retired.clear();
  }

  async #isFit(link: Link): Promise<boolean> {
    const { limits, monotonicMs } = this.#options;
    if (!link.isOpen) return false;
    const now = monotonicMs();
    if (now - link.openedAtMs >= limits.linkMaxAgeMs) {
      this.#retire(link);
      return false;
    }
    if (now - link.lastUsedMs <= limits.linkIdleMs) return true;
    if ((await link.ping(limits.pingTimeoutMs)) !== null) return link.isOpen;
    link.drop("An idle link did not answer a ping");
    return false;
  }

  #retire(link: Link): void {
    for (const old of this.#retired) if (old.callsInFlight === 0) this.#retired.delete(old);
    if (this.#current.get(link.workerId) === link) this.#current.delete(link.workerId);
    if (link.isOpen) this.#retired.add(link);
    link.retire();
  }

  /** Concurrent calls wait for the same opening: one isolate, one link. */
  async #openShared(workerId: string, notThis?: Link): Promise<Link> {
    const current = this.#current.get(workerId);
    // While we looked, another call may have opened a new one.
    if (current?.isOpen && current !== notThis && this.#isYoung(current)) return current;
    const running = this.#opening.get(workerId);
    if (running !== undefined) return await running;
    const opening = this.#open(workerId);
    this.#opening.set(workerId, opening);
    try {
      const link = await opening;
      const replaced = this.#current.get(workerId);
      this.#current.set(workerId, link);
      if (replaced !== undefined) this.#retire(replaced);
      return link;
    } finally {
      this.#opening.delete(workerId);
    }
  }

  #isYoung(link: Link): boolean {
    const { limits, monotonicMs } = this.#options;
    const now = monotonicMs();
    return now - link.openedAtMs < limits.linkMaxAgeMs && now - link.lastUsedMs <= limits.linkIdleMs;
  }

  async #open(workerId: string): Promise<Link> {
    const { workers, openTransport, makeTicket, monotonicMs, after, limits, onFault } = this.#options;
    const worker = workers.find(({ id }) => id === workerId);
    if (worker === undefined)
      throw new AppError("worker_unreachable", { detail: "The account's worker is not configured" });
    return await Link.open({
      workerId,
      url: worker.url,
      ticket: await makeTicket(workerId),
      openTransport,
      monotonicMs,
      after,
      openTimeoutMs: limits.linkOpenTimeoutMs,
      onFault: (fault) => onFault(workerId, fault),
    });
  }
}
