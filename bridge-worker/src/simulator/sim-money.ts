// What volumes are worth: margin, profit and conversion into the deposit currency, by reference rates that never move, so
// that a balance depends on the trades alone. Pure.
import type { AccountPlan } from "./sim-accounts.ts";
import type { SimSymbol } from "./sim-symbols.ts";

/** US dollars for one unit. */
const USD_RATES: Readonly<Record<string, number>> = {
  USD: 1,
  EUR: 1.085,
  GBP: 1.27,
  CHF: 1.113,
  JPY: 1 / 150.25,
  RUB: 1 / 92,
};

/** `amount` of one currency in another. */
export function convert(amount: number, from: string, to: string): number {
  return (amount * usdRate(from)) / usdRate(to);
}

function usdRate(currency: string): number {
  const rate = USD_RATES[currency];
  if (rate === undefined) throw new Error(`The paper broker has no rate for "${currency}"`);
  return rate;
}

/** Money to the cents of the deposit currency, as a broker books it. */
export function roundMoney(amount: number, plan: AccountPlan): number {
  // `+ 0` turns −0 into 0.
  return Number(amount.toFixed(plan.currencyDigits)) + 0;
}

/** Profit of `volume` lots between two prices, in the deposit currency. Type 0 buy, 1 sell. */
export function profitOf(
  plan: AccountPlan,
  symbol: SimSymbol,
  trade: { type: number; volume: number; open: number; close: number },
): number {
  const difference = trade.type === 0 ? trade.close - trade.open : trade.open - trade.close;
  const amount = difference * trade.volume * symbol.facts.trade_contract_size;
  return roundMoney(convert(amount, symbol.facts.currency_profit, plan.currency), plan);
}

/** Margin that `volume` lots at `price` bind, in the deposit currency. */
export function marginOf(plan: AccountPlan, symbol: SimSymbol, volume: number, price: number): number {
  const { trade_contract_size, currency_base, currency_margin } = symbol.facts;
  const units = volume * trade_contract_size;
  const amount = currency_margin === currency_base ? units : units * price;
  return roundMoney(convert(amount / plan.leverage, currency_margin, plan.currency), plan);
}
