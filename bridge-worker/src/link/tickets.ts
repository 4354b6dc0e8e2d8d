// Each ticket opens one link: a ticket seen on the way is worth nothing. Pure: time is an argument.

export class UsedTickets {
  readonly #until = new Map<string, number>();

  /** True the first time; `untilMs`: when the ticket is dead anyway (same clock as `nowMs`). */
  use(jti: string, untilMs: number, nowMs: number): boolean {
    for (const [known, until] of this.#until) if (until < nowMs) this.#until.delete(known);
    if (this.#until.has(jti)) return false;
    this.#until.set(jti, untilMs);
    return true;
  }
}

/** The ticket among the offered sub-protocols, if our own protocol is offered beside it. */
export function ticketOf(protocols: Iterable<string>, protocol: string, prefix: string): string | undefined {
  const offered = [...protocols];
  if (!offered.includes(protocol)) return undefined;
  return offered.find((name) => name.startsWith(prefix))?.slice(prefix.length);
}
