// How a fill changes positions: hedging accounts get one per order, netting accounts one per symbol that is merged, reduced,
// closed or turned around. Pure.

/** Type 0 buy, 1 sell. `sl` and `tp` are 0 when not set. Times are milliseconds of the broker's clock. */
export type SimPosition = {
  ticket: string;
  identifier: string;
  symbol: string;
  type: number;
  volume: number;
  price_open: number;
  sl: number;
  tp: number;
  magic: string;
  comment: string;
  time_msc: number;
};

/** An order that was just filled; its ticket names a position that it opens. */
export type Fill = Omit<SimPosition, "identifier" | "price_open"> & { price: number };

/** DEAL_ENTRY_…. */
export const Entry = { In: 0, Out: 1, Reversal: 2, OutBy: 3 } as const;

export type Booking = {
  positions: SimPosition[];
  entry: number;
  /** Identifier of the position that the deal belongs to. */
  positionId: string;
  /** What was closed, for the profit; null when the fill only opened. */
  closed: { type: number; volume: number; open: number } | null;
};

/** A further position beside the others. */
export function openPosition(positions: readonly SimPosition[], fill: Fill): Booking {
  const { price, ...rest } = fill;
  const opened: SimPosition = { ...rest, identifier: fill.ticket, price_open: price };
  return { positions: [...positions, opened], entry: Entry.In, positionId: opened.identifier, closed: null };
}

/** Takes `fill.volume` lots, at most the position's, off one position. */
export function closePosition(positions: readonly SimPosition[], position: SimPosition, fill: Fill): Booking {
  const left = subtractVolume(position.volume, fill.volume);
  return {
    positions:
      left > 0
        ? positions.map((one) => (one === position ? { ...one, volume: left } : one))
        : positions.filter((one) => one !== position),
    entry: Entry.Out,
    positionId: position.identifier,
    closed: { type: position.type, volume: fill.volume, open: position.price_open },
  };
}

/** Netting: the symbol's one position takes the fill up. */
export function netPosition(positions: readonly SimPosition[], fill: Fill, digits: number): Booking {
  const current = positions.find((one) => one.symbol === fill.symbol);
  if (current === undefined) return openPosition(positions, fill);
  if (current.type === fill.type) return mergePosition(positions, current, fill, digits);
  if (fill.volume <= current.volume) return closePosition(positions, current, fill);
  // A turned position keeps its identifier and takes the ticket of the order that turned it.
  const { price, ...rest } = fill;
  const turned: SimPosition = {
    ...rest,
    identifier: current.identifier,
    volume: subtractVolume(fill.volume, current.volume),
    price_open: price,
  };
  return {
    positions: positions.map((one) => (one === current ? turned : one)),
    entry: Entry.Reversal,
    positionId: current.identifier,
    closed: { type: current.type, volume: current.volume, open: current.price_open },
  };
}

function mergePosition(positions: readonly SimPosition[], current: SimPosition, fill: Fill, digits: number): Booking {
  const volume = addVolume(current.volume, fill.volume);
  const average = (current.price_open * current.volume + fill.price * fill.volume) / volume;
  const merged: SimPosition = {
    ...current,
    volume,
    price_open: Number(average.toFixed(digits)),
    sl: fill.sl === 0 ? current.sl : fill.sl,
    tp: fill.tp === 0 ? current.tp : fill.tp,
  };
  return {
    positions: positions.map((one) => (one === current ? merged : one)),
    entry: Entry.In,
    positionId: current.identifier,
    closed: null,
  };
}

/** Eight decimals are finer than any volume step; they cut the noise of binary fractions. */
const VOLUME_DECIMALS = 8;

export function addVolume(a: number, b: number): number {
  return Number((a + b).toFixed(VOLUME_DECIMALS));
}

export function subtractVolume(a: number, b: number): number {
  return Number((a - b).toFixed(VOLUME_DECIMALS));
}
