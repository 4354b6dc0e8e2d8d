// Prices of the paper market: a function of seed, symbol and time and of nothing else, so that a run can be repeated and
// any moment can be asked for. Pure.
import type { SimSymbol } from "./sim-symbols.ts";

/** A new price four times a second. */
export const TICK_MS = 250;
const DAY_MS = 86_400_000;

/** Waves of hashed noise: `ticks` is the wave's length, `weight` its part of the symbol's swing; the weights sum to 1. */
const WAVES = [
  { ticks: 1, weight: 0.004 },
  { ticks: 24, weight: 0.016 },
  { ticks: 2_400, weight: 0.08 },
  { ticks: 86_400, weight: 0.3 },
  { ticks: 2_419_200, weight: 0.6 },
] as const;

export type Quote = {
  /** When this price came up: milliseconds since 1970, UTC. */
  utcMs: number;
  bid: number;
  ask: number;
};

/** The price valid at `utcMs`: it stands still between two ticks. */
export function quoteAt(seed: number, symbol: SimSymbol, utcMs: number): Quote {
  const { facts } = symbol;
  const tick = Math.floor(utcMs / TICK_MS);
  const key = hashText(seed, facts.name);
  let shift = 0;
  for (const [index, wave] of WAVES.entries()) shift += wave.weight * smoothNoise(key + index, tick / wave.ticks);
  const bid = roundToTick(symbol.basePrice * (1 + symbol.swing * shift), symbol);
  const widened = symbol.spreadPoints * (1 + unitNoise(key + WAVES.length, tick) / 2);
  const spread = Math.max(Math.round((widened * facts.point) / facts.trade_tick_size), 1) * facts.trade_tick_size;
  return { utcMs: tick * TICK_MS, bid, ask: roundToTick(bid + spread, symbol) };
}

export function roundToTick(price: number, symbol: SimSymbol): number {
  const { trade_tick_size: step, digits } = symbol.facts;
  return Number((Math.round(price / step) * step).toFixed(digits));
}

/** Saturday and Sunday of the broker's own clock. */
export function isWeekend(brokerMs: number): boolean {
  const day = new Date(brokerMs).getUTCDay();
  return day === 0 || day === 6;
}

/** The last moment, on the broker's clock, at which a market that rests at weekends moved. */
export function lastOpenMs(brokerMs: number): number {
  if (!isWeekend(brokerMs)) return brokerMs;
  const midnight = Math.floor(brokerMs / DAY_MS) * DAY_MS;
  const daysSinceFriday = new Date(brokerMs).getUTCDay() === 6 ? 0 : 1;
  return midnight - daysSinceFriday * DAY_MS - TICK_MS;
}

/** −1 … 1, continuous in `position`. */
function smoothNoise(key: number, position: number): number {
  const left = Math.floor(position);
  const part = position - left;
  const eased = part * part * (3 - 2 * part);
  const value = unitNoise(key, left) * (1 - eased) + unitNoise(key, left + 1) * eased;
  return value * 2 - 1;
}

/** 0 … 1. The index passes 2^32, so both halves are mixed in. */
function unitNoise(key: number, index: number): number {
  const high = Math.floor(index / 2 ** 32);
  let hash = mix(key ^ (index >>> 0));
  hash = mix(hash ^ Math.imul(high, 0x9e3779b1));
  return (hash >>> 0) / 2 ** 32;
}

/** FNV-1a. */
function hashText(seed: number, text: string): number {
  let hash = mix(seed ^ 0x811c9dc5);
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
