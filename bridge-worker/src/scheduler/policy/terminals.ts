// The terminals, what each is doing, and which lanes each may serve.
import type { Entry, Lane } from "./lane.ts";
import { WaitingRoom } from "./waiting-room.ts";
import type { TerminalSpec, TerminalState } from "./work.ts";

export type TerminalSlot = {
  readonly id: string;
  state: TerminalState;
  /** The lane whose account it is on, or on its way to. */
  lane: Lane | null;
  running: Entry | null;
  /** The lane that it reads once more before it goes elsewhere. */
  leaves: Lane | null;
  /** It is on its way to another account. */
  switching: boolean;
  /** When it came to its account, and how many works that waited there then are still to be served. */
  arrivedMs: number;
  gate: number;
  beganMs: number;
  /** It logs in to a server that nobody has reached lately. */
  isDoubtful: boolean;
  /** When it last reached no broker, and whether others had lately reached that one. */
  strandedMs: number;
  isToBlame: boolean;
  /** For how long it has worked since its last switch began, that included; null once it had nothing left to do there. */
  visitMs: number | null;
};

export class Terminals {
  readonly all: readonly TerminalSlot[];
  readonly rooms: WaitingRoom[] = [];
  readonly #pins = new Map<string, TerminalSlot>();
  /** Ids of the terminals, joined → the room of the lanes that they serve. */
  readonly #rooms = new Map<string, WaitingRoom>();
  /** Server → room, for those that a terminal names; every other one, whatever a caller writes, is alike. */
  readonly #named = new Map<string, WaitingRoom>();
  readonly #others: WaitingRoom;

  constructor(specs: readonly TerminalSpec[]) {
    this.all = specs.map(({ id }) => ({
      ...{ id, state: "disconnected", lane: null, running: null, leaves: null },
      ...{ switching: false, arrivedMs: Number.NEGATIVE_INFINITY, gate: 0, beganMs: 0, visitMs: null },
      ...{ isDoubtful: false, strandedMs: Number.NEGATIVE_INFINITY, isToBlame: false },
    }));
    for (const [index, { pinned }] of specs.entries()) {
      for (const lane of pinned) this.#pins.set(lane, this.all[index] as TerminalSlot);
    }
    const serving = (server: string | null): WaitingRoom =>
      this.#room(this.all.filter((_, index) => serves(specs[index], server)));
    for (const server of specs.flatMap(({ servers }) => servers ?? [])) this.#named.set(server, serving(server));
    this.#others = serving(null);
  }

  /** Terminals that take work, and how many of them are at it. */
  get up(): number {
    return count(this.all, ({ state }) => state === "up");
  }

  get busy(): number {
    return count(this.all, ({ state, running }) => state === "up" && running !== null);
  }

  find(id: string): TerminalSlot {
    const slot = this.all.find((terminal) => terminal.id === id);
    if (slot === undefined) throw new RangeError(`no terminal ${id}`);
    return slot;
  }

  /** Where a lane waits. */
  roomOf(lane: string, server: string): WaitingRoom {
    const pin = this.#pins.get(lane);
    if (pin !== undefined) return this.#room([pin]);
    return this.#named.get(server) ?? this.#others;
  }

  #room(terminals: readonly TerminalSlot[]): WaitingRoom {
    const ids = JSON.stringify(terminals.map(({ id }) => id));
    let room = this.#rooms.get(ids);
    if (room === undefined) {
      room = new WaitingRoom(terminals);
      this.#rooms.set(ids, room);
      this.rooms.push(room);
    }
    return room;
  }
}

/** `server`: null for one that no terminal names. */
function serves(spec: TerminalSpec | undefined, server: string | null): boolean {
  if (spec === undefined || spec.pinned.length > 0) return false;
  return spec.servers === null || (server !== null && spec.servers.includes(server));
}

export function count<Item>(items: readonly Item[], isCounted: (item: Item) => boolean): number {
  let counted = 0;
  for (const item of items) if (isCounted(item)) counted += 1;
  return counted;
}
