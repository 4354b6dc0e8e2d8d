// The return codes the paper broker answers with, and its words for them. Pure.
// Numbers: TRADE_RETCODE_… of the MQL5 reference.

export const Retcode = {
  Requote: 10004,
  Reject: 10006,
  Done: 10009,
  Invalid: 10013,
  InvalidVolume: 10014,
  InvalidPrice: 10015,
  InvalidStops: 10016,
  TradeDisabled: 10017,
  MarketClosed: 10018,
  NoMoney: 10019,
  InvalidExpiration: 10022,
  NoChanges: 10025,
  ClientDisablesAutoTrading: 10027,
  InvalidFill: 10030,
  LimitOrders: 10033,
  LimitVolume: 10034,
  InvalidOrder: 10035,
  PositionClosed: 10036,
  InvalidCloseVolume: 10038,
  LongOnly: 10042,
  ShortOnly: 10043,
  CloseOnly: 10044,
} as const;

const TEXTS: Readonly<Record<number, string>> = {
  [Retcode.Requote]: "Requote",
  [Retcode.Reject]: "Request rejected",
  [Retcode.Done]: "Request executed",
  [Retcode.Invalid]: "Invalid request",
  [Retcode.InvalidVolume]: "Invalid volume",
  [Retcode.InvalidPrice]: "Invalid price",
  [Retcode.InvalidStops]: "Invalid stops",
  [Retcode.TradeDisabled]: "Trade is disabled",
  [Retcode.MarketClosed]: "Market closed",
  [Retcode.NoMoney]: "No money",
  [Retcode.InvalidExpiration]: "Invalid expiration",
  [Retcode.NoChanges]: "No changes",
  [Retcode.ClientDisablesAutoTrading]: "AutoTrading disabled by client",
  [Retcode.InvalidFill]: "Unsupported filling mode",
  [Retcode.LimitOrders]: "Orders limit reached",
  [Retcode.LimitVolume]: "Volume limit reached",
  [Retcode.InvalidOrder]: "Invalid order",
  [Retcode.PositionClosed]: "Position closed",
  [Retcode.InvalidCloseVolume]: "Invalid close volume",
  [Retcode.LongOnly]: "Only long positions allowed",
  [Retcode.ShortOnly]: "Only short positions allowed",
  [Retcode.CloseOnly]: "Only position closing allowed",
};

export function textOf(retcode: number): string {
  return TEXTS[retcode] ?? `Return code ${retcode}`;
}
