// I1, I2, I3, I5, I6, I7, I12: what the broker carried out, against what was asked for. Pure.
import { bookedFor, type Facts, FINAL, type LedgerRow, type Violation } from "./facts.ts";

const ACTION_PENDING = 5;
const ACTION_REMOVE = 8;
/** Clocks of database and guard are mapped onto each other over a network; a mapping may only err towards early. */
const ROUNDING_MS = 2;

/** I1: no tag, and no key, has more than one order. Nothing at the broker is nobody's. */
export function oneOrderEach(facts: Facts): Violation[] {
  const found: Violation[] = [];
  const byKey = new Map<string, string[]>();
  for (const row of facts.rows) {
    const booked = bookedFor(facts, row.tag);
    if (booked.length > 1)
      found.push(violation("I1", `command ${row.id} has ${booked.length} orders: ${tickets(booked)}`));
    // A database that began anew has lost the keys of the one before, and can promise nothing about them.
    if (row.lost) continue;
    const key = `${row.userId} ${row.key}`;
    byKey.set(key, [...(byKey.get(key) ?? []), ...booked.map(({ ticket }) => ticket)]);
  }
  for (const [key, list] of byKey)
    if (list.length > 1) found.push(violation("I1", `key ${key} has orders ${list.join(", ")}`));
  const tags = new Map<number, LedgerRow[]>();
  for (const row of facts.rows) tags.set(row.tag, [...(tags.get(row.tag) ?? []), row]);
  for (const [tag, rows] of tags)
    if (rows.length > 1) found.push(violation("I1", `tag ${tag} names ${rows.length} commands`));
  for (const one of facts.booked) {
    const owners = facts.rows.filter(({ tag }) => bookedFor({ booked: [one] }, tag).length > 0);
    if (owners.length === 0) found.push(violation("I1", `order ${one.ticket} belongs to no command`));
    if (owners.some(({ withdrawn }) => withdrawn))
      found.push(violation("I1", `order ${one.ticket} of a released command`));
  }
  return found;
}

/** I2: every order went to the account that its user registered and has proven. */
export function rightAccount(facts: Facts): Violation[] {
  const found: Violation[] = [];
  for (const row of facts.rows) {
    for (const one of bookedFor(facts, row.tag)) {
      // Nobody could prevent it; to call it done, or not executed (I3), would be untrue.
      if (one.strayed === true && row.state !== "done") continue;
      if (one.login !== row.login || one.server !== row.server) {
        const where = `${one.login} on ${one.server} instead of ${row.login} on ${row.server}`;
        found.push(violation("I2", `command ${row.id} went to ${where}`));
      }
      const isProven = facts.possessions.some(
        ({ userId, login, server }) => userId === row.userId && login === one.login && server === one.server,
      );
      if (!isProven) found.push(violation("I2", `command ${row.id} traded on an account that its user never proved`));
    }
  }
  for (const { userId, login, server, isRight } of facts.connects) {
    if (!isRight) found.push(violation("I2", `${userId} connected ${login} on ${server} with a wrong password`));
  }
  return found;
}

/** I3: `done` has exactly one order, with its ticket; every other end has none. */
export function outcomeIsTrue(facts: Facts): Violation[] {
  return facts.rows.filter(({ state, lost }) => FINAL.has(state) && !lost).flatMap((row) => judge(facts, row));
}

function judge(facts: Facts, row: LedgerRow): Violation[] {
  const booked = bookedFor(facts, row.tag);
  if (row.state !== "done") {
    if (booked.length === 0) return [];
    return [violation("I3", `command ${row.id} is ${row.state}, and the broker has ${tickets(booked)}`)];
  }
  const said = orderTicket(row.body);
  if (row.kind === "cancel_order") {
    // To remove an order is to reach a state: somebody else may have brought it about.
    const isRemoved = facts.booked.some(
      (one) => one.action === ACTION_REMOVE && (said === null || one.ticket === said),
    );
    return isRemoved ? [] : [violation("I3", `command ${row.id} is done, and order ${said} was never removed`)];
  }
  if (booked.length === 0) return [violation("I3", `command ${row.id} is done, and the broker has no order of it`)];
  if (said === null || booked.some(({ ticket }) => ticket === said)) return [];
  return [violation("I3", `command ${row.id} names order ${said} instead of ${tickets(booked)}`)];
}

/** A close never opens anything. */
export function closeOnlyCloses(facts: Facts): Violation[] {
  return facts.rows
    .filter(({ kind }) => kind === "close_position")
    .flatMap((row) => bookedFor(facts, row.tag))
    .filter(({ opened }) => opened)
    .map(({ ticket }) => violation("I3", `the close ${ticket} opened a position`));
}

/** I5: no send began after the time that the database gave the command. */
export function noneLate(facts: Facts): Violation[] {
  return facts.sendings.flatMap(({ tag, beganMs }) =>
    facts.rows
      .filter((row) => row.tag === tag && beganMs > row.deadlineMs + ROUNDING_MS)
      .map((row) => violation("I5", `command ${row.id} began ${Math.round(beganMs - row.deadlineMs)} ms late`)),
  );
}

/** I6: on one terminal, one send at a time. */
export function noneOverlaps(facts: Facts): Violation[] {
  const found: Violation[] = [];
  const lists = Map.groupBy(facts.sendings, (one) => `${one.terminal} ${one.process}`);
  for (const [terminal, list] of lists) {
    let last = -1;
    for (const { beganMs, endedMs, tag } of list.toSorted((a, b) => a.beganMs - b.beganMs)) {
      if (beganMs < last) found.push(violation("I6", `${terminal}: the send of tag ${tag} began in another one`));
      last = Math.max(last, endedMs ?? Number.POSITIVE_INFINITY);
    }
  }
  return found;
}

/** I6: on one account, commands of a kind begin in the order in which one life of the worker was given them. */
export function inOrder(facts: Facts): Violation[] {
  const begun = new Map(facts.sendings.map(({ tag, beganMs, owner }) => [`${tag} ${owner}`, beganMs]));
  const found: Violation[] = [];
  const inTime = facts.admissions.filter(({ isTooLate }) => isTooLate !== true);
  const lanes = Map.groupBy(inTime, ({ life, server, login, kind }) => `${life} ${kind} ${login} ${server}`);
  for (const [lane, list] of lanes) {
    let last = 0;
    for (const tag of new Set(list.map((one) => one.tag))) {
      const beganMs = begun.get(`${tag} ${lane.split(" ", 1)[0]}`);
      if (beganMs === undefined) continue;
      if (beganMs < last) found.push(violation("I6", `tag ${tag} overtook another ${lane}`));
      last = beganMs;
    }
  }
  return found;
}

/** While an opening or a close is open, unknown and not acknowledged, nothing that could double it is begun. */
export function nothingDoubled(facts: Facts): Violation[] {
  const found: Violation[] = [];
  const open = new Map<string, string>();
  for (const event of facts.journaled) {
    if (event.what === "memory_lost") open.clear();
    else if (event.what !== "begun") open.delete(event.id);
    else if (event.about !== null) {
      const before = [...open].find(([, about]) => about === event.about);
      if (before !== undefined)
        found.push(violation("I1", `${event.about}: ${event.id} began while ${before[0]} was open`));
      open.set(event.id, event.about);
    }
  }
  return found;
}

/** I12: what opens something leaves no more open than its user allows. Who acknowledged it has taken it out of the count. */
export function withinLimits(facts: Facts): Violation[] {
  const found: Violation[] = [];
  const admitted = Map.groupBy(facts.admissions, ({ tag }) => tag);
  for (const { tag, id, acknowledged } of facts.rows) {
    // One command may have come with different limits, as they were set at the time.
    const limits = (admitted.get(tag) ?? []).map(({ maxOpen }) => maxOpen ?? Number.POSITIVE_INFINITY);
    const limit = Math.max(...limits);
    for (const { action, opened, strayed, stood = 0 } of acknowledged == null ? bookedFor(facts, tag) : []) {
      const opens = (opened || action === ACTION_PENDING) && strayed !== true;
      if (limits.length > 0 && opens && stood > limit)
        found.push(violation("I12", `command ${id} left ${stood} open where ${limit} are allowed`));
    }
  }
  return found;
}

/** I7: only who opened a terminal last sends there. */
export function ownerSends(facts: Facts): Violation[] {
  return facts.sendings
    .filter(({ owner, owned }) => owner !== undefined && owner !== owned)
    .map(({ tag, owner, owned }) => violation("I7", `tag ${tag} was sent by ${owner} while ${owned} was the owner`));
}

function orderTicket(body: string | null): string | null {
  const answer = JSON.parse(body ?? "{}") as { result?: { order_ticket?: string | null } };
  return answer.result?.order_ticket ?? null;
}

function tickets(list: readonly { ticket: string }[]): string {
  return list.map(({ ticket }) => ticket).join(", ");
}

function violation(invariant: string, what: string): Violation {
  return { invariant, what };
}
