// Turns a command into the one trade request that will be sent, from what the terminal just showed: filling mode, price,
// grid and distance checks. Everything that can be refused without asking the broker is refused here. Pure.
import {
  type CommandRequest,
  type ErrorCode,
  type FieldFault,
  Fillings,
  isMarketOrder,
  OrderTypes,
  sideOf,
  TimesInForce,
  type TradeParams,
} from "../protocol.ts";
import type { PositionFacts, SymbolFacts, TickFacts } from "./facts.ts";
import { onGrid } from "./grid.ts";
import { tradingBlocked } from "./permissions.ts";
import { FIRST_TAG, tagComment } from "./tag.ts";
import type { Reading, ReadParts, SendOrder, SendRequest } from "./terminal-port.ts";

/** ENUM_TRADE_REQUEST_ACTIONS. */
const DEAL = 1;
const PENDING = 5;
const REMOVE = 8;
/** Largest slip from the quoted price on instant execution, in points; market execution ignores it. */
const DEVIATION_DEFAULT_POINTS = 20;
const NONE: ReadonlySet<number> = new Set();

export type Plan = {
  request: SendRequest;
  ownMagic?: boolean;
  requirePosition?: SendOrder["requirePosition"];
  /** What it does to the account's exposure, for the risk limits. */
  effect: { opens: boolean; symbol: string; volume: number };
};
export type Refusal = { code: ErrorCode; detail: string; fields?: FieldFault[] };
export type PlanContext = {
  tag: number;
  reading: Reading;
  /** Broker time minus UTC, milliseconds; undefined while not known. */
  brokerOffsetMs: number | undefined;
  /** Unix milliseconds at which `reading` was taken. */
  utcMs: number;
  /** The account's option: the caller's own magic goes to the broker, and the tag stands in the comment alone. */
  passMagic?: boolean;
  /** Filling modes that this server has refused with 10030, to market or to pending orders as this is one. */
  refusedFillings: ReadonlySet<number>;
};

/** What `prepare` must read for a command: one round trip, with every position and order for the limits. */
export function partsFor(request: CommandRequest): ReadParts {
  const lists = { positions: {}, orders: {} };
  if (request.kind === "trade") return { symbol: request.params.symbol, ...lists };
  if (request.kind === "close_position") return { symbolOf: request.params.ticket, ...lists };
  return lists;
}

export function planCommand(request: CommandRequest, context: PlanContext): Plan | Refusal {
  const { account, terminal } = context.reading;
  const blocked = tradingBlocked(account, terminal);
  if (blocked !== undefined) return { code: "trading_not_allowed", detail: blocked };
  switch (request.kind) {
    case "trade":
      return planTrade(request.params, context);
    case "close_position":
      return planClose(request.params, context);
    case "cancel_order":
      return planCancel(request.params.ticket, context);
  }
}

export function isRefusal(plan: Plan | Refusal): plan is Refusal {
  return "code" in plan;
}

function planTrade(params: TradeParams, context: PlanContext): Plan | Refusal {
  const { symbol, tick } = context.reading;
  if (symbol == null) return { code: "symbol_not_found", detail: `The broker has no symbol "${params.symbol}"` };
  if (tick == null) return { code: "order_refused", detail: `"${params.symbol}" has no quote` };
  const stale = quoteFault(params, tick, context);
  if (stale !== undefined) return stale;

  const market = isMarketOrder(params.order_type);
  const faults: FieldFault[] = [];
  const volume = checkVolume(params.volume, symbol, faults);
  const price = (path: keyof TradeParams): number | undefined => checkPrice(params, path, symbol, faults);
  const entry = market ? quoteFor(sideOf(params.order_type), tick) : price("price");
  const stoplimit = price("stop_limit_price");
  const sl = price("stop_loss");
  const tp = price("take_profit");
  checkSides({ side: sideOf(params.order_type), entry: stoplimit ?? entry ?? 0, market, sl, tp, symbol, tick }, faults);
  const filling = chooseFilling(params, symbol, context.refusedFillings);
  if (filling === undefined) faults.push({ path: "filling", message: "is not offered for this symbol" });
  const expiration = expirationOf(params, context.brokerOffsetMs);
  if (expiration === undefined) faults.push({ path: "expires_at", message: "needs the broker's clock, not known yet" });
  checkModes(params, symbol, faults);
  const magic = magicOf(params, context, faults);
  if (faults.length > 0 || filling === undefined || expiration === undefined) {
    return { code: "order_refused", detail: sentence(faults), fields: faults };
  }

  return {
    request: {
      action: market ? DEAL : PENDING,
      symbol: symbol.name,
      volume,
      type: OrderTypes[params.order_type],
      price: entry ?? 0,
      ...(stoplimit === undefined ? {} : { stoplimit }),
      sl: sl ?? 0,
      tp: tp ?? 0,
      ...(market ? { deviation: params.deviation_points ?? DEVIATION_DEFAULT_POINTS } : {}),
      type_filling: filling,
      type_time: TimesInForce[params.time_in_force ?? "gtc"],
      ...(expiration > 0 ? { expiration } : {}),
      magic,
      comment: tagComment(context.tag),
    },
    ...(magic === context.tag ? {} : { ownMagic: true }),
    effect: { opens: true, symbol: symbol.name, volume },
  };
}

function magicOf(params: TradeParams, { tag, passMagic }: PlanContext, faults: FieldFault[]): number {
  if (passMagic !== true || params.magic === undefined) return tag;
  const magic = Number(params.magic);
  if (magic >= FIRST_TAG) faults.push({ path: "magic", message: "must be below 2^40 on this account" });
  return magic;
}

function planClose(params: { ticket: string; volume?: number | undefined }, context: PlanContext): Plan | Refusal {
  const { symbol, tick, positions = [] } = context.reading;
  const position = positions.find((open) => open.ticket === params.ticket);
  if (position === undefined || symbol == null) {
    return { code: "position_not_found", detail: `There is no open position ${params.ticket}` };
  }
  if (tick == null) return { code: "order_refused", detail: `"${symbol.name}" has no quote` };
  const faults: FieldFault[] = [];
  const volume = closeVolume(params.volume, position, symbol, faults);
  if (faults.length > 0) return { code: "order_refused", detail: sentence(faults), fields: faults };
  const side = position.type === OrderTypes.buy ? "sell" : "buy";
  return {
    request: {
      action: DEAL,
      symbol: position.symbol,
      volume,
      type: OrderTypes[side],
      price: quoteFor(side, tick),
      position: position.ticket,
      deviation: DEVIATION_DEFAULT_POINTS,
      type_filling: closeFilling(symbol, context.refusedFillings),
      magic: context.tag,
      comment: tagComment(context.tag),
    },
    // The guard compares again in the sending call: a close that comes late must not open the opposite position.
    requirePosition: { ticket: position.ticket, type: position.type, minVolume: volume },
    effect: { opens: false, symbol: position.symbol, volume },
  };
}

function planCancel(ticket: string, context: PlanContext): Plan | Refusal {
  const order = context.reading.orders?.find((open) => open.ticket === ticket);
  if (order === undefined) return { code: "order_not_found", detail: `There is no pending order ${ticket}` };
  return {
    request: { action: REMOVE, order: ticket, magic: context.tag, comment: tagComment(context.tag) },
    effect: { opens: false, symbol: order.symbol, volume: 0 },
  };
}

function quoteFor(side: "buy" | "sell", tick: TickFacts): number {
  return side === "buy" ? tick.ask : tick.bid;
}

function quoteFault(params: TradeParams, tick: TickFacts, context: PlanContext): Refusal | undefined {
  if (params.max_quote_age_ms === undefined) return undefined;
  if (context.brokerOffsetMs === undefined) {
    return {
      code: "quote_too_old",
      detail: "The age of the quote cannot be told: the broker's clock is not known yet",
    };
  }
  const ageMs = Math.max(0, Math.round(context.utcMs + context.brokerOffsetMs - tick.time_msc));
  if (ageMs <= params.max_quote_age_ms) return undefined;
  return { code: "quote_too_old", detail: `The quote is ${ageMs} ms old, ${params.max_quote_age_ms} ms are allowed` };
}

function checkVolume(volume: number, symbol: SymbolFacts, faults: FieldFault[]): number {
  const { volume_min: min, volume_max: max, volume_step: step } = symbol;
  const exact = onGrid(volume, step);
  if (exact === undefined) faults.push({ path: "volume", message: `must be a multiple of ${step}` });
  else if (exact < min || exact > max) faults.push({ path: "volume", message: `must be between ${min} and ${max}` });
  return exact ?? volume;
}

function closeVolume(
  wanted: number | undefined,
  position: PositionFacts,
  symbol: SymbolFacts,
  faults: FieldFault[],
): number {
  // The whole position is closed with its own volume: it may be off today's grid after a split or a rule change.
  if (wanted === undefined) return position.volume;
  const exact = onGrid(wanted, symbol.volume_step);
  if (exact === undefined) faults.push({ path: "volume", message: `must be a multiple of ${symbol.volume_step}` });
  else if (exact > position.volume) {
    faults.push({ path: "volume", message: `must not be above the position's ${position.volume}` });
  }
  return exact ?? wanted;
}

function checkPrice(
  params: TradeParams,
  path: keyof TradeParams,
  symbol: SymbolFacts,
  faults: FieldFault[],
): number | undefined {
  const value = params[path];
  if (typeof value !== "number") return undefined;
  const step = symbol.trade_tick_size > 0 ? symbol.trade_tick_size : symbol.point;
  const exact = onGrid(value, step);
  if (exact === undefined) faults.push({ path, message: `must be a multiple of ${step}` });
  return exact ?? value;
}

type Levels = {
  side: "buy" | "sell";
  entry: number;
  market: boolean;
  sl: number | undefined;
  tp: number | undefined;
  symbol: SymbolFacts;
  tick: TickFacts;
};

/** Stops lie on their own side of the price they will be measured from, at the broker's minimal distance or more. */
function checkSides({ side, entry, market, sl, tp, symbol, tick }: Levels, faults: FieldFault[]): void {
  // A bought position is closed at the bid, a sold one at the ask: stops of market orders count from there.
  const from = market ? (side === "buy" ? tick.bid : tick.ask) : entry;
  const distance = symbol.trade_stops_level * symbol.point;
  const sign = side === "buy" ? 1 : -1;
  const near = symbol.point / 2;
  if (sl !== undefined && sign * (from - sl) < Math.max(distance, near) - near) {
    faults.push({ path: "stop_loss", message: `must be ${side === "buy" ? "below" : "above"} ${from} by ${distance}` });
  }
  if (tp !== undefined && sign * (tp - from) < Math.max(distance, near) - near) {
    faults.push({
      path: "take_profit",
      message: `must be ${side === "buy" ? "above" : "below"} ${from} by ${distance}`,
    });
  }
}

/**
 * The filling mode is chosen before the send, never by trial. Market orders: FOK when the symbol's mask has it, else
 * IOC, else RETURN; pending orders: RETURN first. What this server has refused for the symbol is left out.
 */
export function chooseFilling(
  params: Pick<TradeParams, "order_type" | "filling">,
  symbol: SymbolFacts,
  refused: ReadonlySet<number>,
): number | undefined {
  if (params.filling !== undefined && params.filling !== "auto") return Fillings[params.filling];
  const fok = symbol.filling_mode & 1 ? [Fillings.fok] : [];
  const ioc = symbol.filling_mode & 2 ? [Fillings.ioc] : [];
  const order = isMarketOrder(params.order_type)
    ? [...fok, ...ioc, Fillings.return]
    : [Fillings.return, ...fok, ...ioc];
  return order.find((filling) => !refused.has(filling));
}

/** A close names no mode of its own: what was refused to others may cost it a rejection, and never its way to the broker. */
function closeFilling(symbol: SymbolFacts, refused: ReadonlySet<number>): number {
  const close = { order_type: "buy" } as const;
  return chooseFilling(close, symbol, refused) ?? chooseFilling(close, symbol, NONE) ?? Fillings.return;
}

/** Seconds of the broker's clock; 0 = none; undefined = cannot be told yet. */
function expirationOf(params: TradeParams, brokerOffsetMs: number | undefined): number | undefined {
  if (params.expires_at === undefined) return 0;
  return brokerOffsetMs === undefined ? undefined : Math.floor((Date.parse(params.expires_at) + brokerOffsetMs) / 1000);
}

const OrderModeBits: Record<TradeParams["order_type"], number> = {
  buy: 1,
  sell: 1,
  buy_limit: 2,
  sell_limit: 2,
  buy_stop: 4,
  sell_stop: 4,
  buy_stop_limit: 8,
  sell_stop_limit: 8,
};

/** What the symbol's own masks forbid: SYMBOL_TRADE_MODE, SYMBOL_ORDER_MODE, SYMBOL_EXPIRATION_MODE. */
function checkModes(params: TradeParams, symbol: SymbolFacts, faults: FieldFault[]): void {
  const side = sideOf(params.order_type);
  const modes = { 0: "is not traded at all", 3: "may only be closed" } as Record<number, string>;
  const closed =
    modes[symbol.trade_mode] ??
    (symbol.trade_mode === 1 && side === "sell" ? "may only be bought" : undefined) ??
    (symbol.trade_mode === 2 && side === "buy" ? "may only be sold" : undefined);
  if (closed !== undefined) faults.push({ path: "symbol", message: closed });
  if ((symbol.order_mode & OrderModeBits[params.order_type]) === 0) {
    faults.push({ path: "order_type", message: "is not offered for this symbol" });
  }
  const timeBit = 1 << TimesInForce[params.time_in_force ?? "gtc"];
  if (!isMarketOrder(params.order_type) && (symbol.expiration_mode & timeBit) === 0) {
    faults.push({ path: "time_in_force", message: "is not offered for this symbol" });
  }
}

function sentence(faults: readonly FieldFault[]): string {
  return faults.map(({ path, message }) => `${path} ${message}`).join("; ");
}
