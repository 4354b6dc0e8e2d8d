// What logins and sends of each broker server take, learned from the last ones. Pure.

const KEPT = 64;
/**
 * A server's logins of longer ago say nothing: who believed for ever that they are slow would refuse every login, and
 * never hear that they are quick again.
 */
const LOGINS_COUNT_MS = 300_000;

/** The last durations, and their quantiles. */
class Recent {
  readonly #ring: number[] = [];
  #next = 0;
  #sorted: number[] = [];
  #sum = 0;

  add(ms: number): void {
    this.#sum += ms - (this.#ring[this.#next] ?? 0);
    this.#ring[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
    this.#sorted = [];
  }

  get mean(): number | undefined {
    return this.#ring.length === 0 ? undefined : this.#sum / this.#ring.length;
  }

  quantile(share: number): number | undefined {
    if (this.#sorted.length === 0) this.#sorted = [...this.#ring].sort((a, b) => a - b);
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(share * this.#sorted.length))];
  }
}

export class ServerTimes {
  readonly #logins = new Map<string, { recent: Recent; lastMs: number }>();
  readonly #works = new Map<string, Recent>();
  readonly #anyLogin = new Recent();
  readonly #anyWork = new Recent();
  readonly #visits = new Recent();
  readonly #firstLoginMs: number;

  constructor(firstLoginMs: number) {
    this.#firstLoginMs = firstLoginMs;
  }

  loggedIn(server: string, ms: number, nowMs: number): void {
    const recent = this.#loginsOf(server, nowMs) ?? new Recent();
    recent.add(ms);
    this.#logins.set(server, { recent, lastMs: nowMs });
    this.#anyLogin.add(ms);
  }

  worked(server: string, ms: number): void {
    recentOf(this.#works, server).add(ms);
    this.#anyWork.add(ms);
  }

  /** A terminal has worked so long before somebody else could have it: the login, and what waited for it. */
  visited(ms: number): void {
    this.#visits.add(ms);
  }

  /** A server not seen lately is given the benefit of the doubt. */
  loginMs(server: string, share: number, nowMs: number): number {
    return this.#loginsOf(server, nowMs)?.quantile(share) ?? this.#firstLoginMs;
  }

  /** Milliseconds until the server's logins say nothing any more, unless there is another one. */
  loginsCountForMs(server: string, nowMs: number): number {
    return Math.max(0, (this.#logins.get(server)?.lastMs ?? Number.NEGATIVE_INFINITY) + LOGINS_COUNT_MS - nowMs);
  }

  workMs(server: string): number {
    return this.#works.get(server)?.mean ?? this.meanWorkMs;
  }

  get meanLoginMs(): number {
    return this.#anyLogin.mean ?? this.#firstLoginMs;
  }

  get meanVisitMs(): number {
    return this.#visits.mean ?? this.meanLoginMs;
  }

  get meanWorkMs(): number {
    return this.#anyWork.mean ?? 0;
  }

  #loginsOf(server: string, nowMs: number): Recent | undefined {
    return this.loginsCountForMs(server, nowMs) > 0 ? this.#logins.get(server)?.recent : undefined;
  }
}

function recentOf(map: Map<string, Recent>, server: string): Recent {
  let recent = map.get(server);
  if (recent === undefined) {
    recent = new Recent();
    map.set(server, recent);
  }
  return recent;
}
