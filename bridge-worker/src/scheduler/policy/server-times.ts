// What logins and sends of each broker server take, learned from the last ones. Pure.

const KEPT = 64;

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
  readonly #logins = new Map<string, Recent>();
  readonly #works = new Map<string, Recent>();
  readonly #anyLogin = new Recent();
  readonly #anyWork = new Recent();
  readonly #visits = new Recent();
  readonly #firstLoginMs: number;

  constructor(firstLoginMs: number) {
    this.#firstLoginMs = firstLoginMs;
  }

  loggedIn(server: string, ms: number): void {
    recentOf(this.#logins, server).add(ms);
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

  /** A server never seen is given the benefit of the doubt. */
  loginMs(server: string, share: number): number {
    return this.#logins.get(server)?.quantile(share) ?? this.#firstLoginMs;
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
}

function recentOf(map: Map<string, Recent>, server: string): Recent {
  let recent = map.get(server);
  if (recent === undefined) {
    recent = new Recent();
    map.set(server, recent);
  }
  return recent;
}
