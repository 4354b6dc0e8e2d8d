"""A double of the MetaTrader5 package for tests: a terminal with a small broker behind it, in this process.

Written from the package's documented behaviour alone (named tuples, strict arguments, process-wide `last_error`), with
numbers that are awkward on purpose: tickets above 2^53, numpy floats, NaN. Names that begin with an underscore are not
part of the package: `_control` injects faults, `_ledger` tells what the broker really did, whatever the API answered.
"""

import collections
import json
import os
import pickle
import threading
import time

import numpy

__version__ = "5.0.5735"
__author__ = "test double"


def _tuple(name, fields):
    return collections.namedtuple(name, fields.split())


AccountInfo = _tuple(
    "AccountInfo",
    "login trade_mode leverage limit_orders margin_so_mode trade_allowed trade_expert margin_mode currency_digits "
    "fifo_close balance credit profit equity margin margin_free margin_level margin_so_call margin_so_so "
    "margin_initial margin_maintenance assets liabilities commission_blocked name server currency company",
)
TerminalInfo = _tuple(
    "TerminalInfo",
    "community_account community_connection connected dlls_allowed trade_allowed tradeapi_disabled email_enabled "
    "ftp_enabled notifications_enabled mqid build maxbars codepage ping_last community_balance retransmission company "
    "name language path data_path commondata_path",
)
SymbolInfo = _tuple(
    "SymbolInfo",
    "custom chart_mode select visible session_deals session_buy_orders session_sell_orders volume volumehigh volumelow "
    "time digits spread spread_float ticks_bookdepth trade_calc_mode trade_mode start_time expiration_time "
    "trade_stops_level trade_freeze_level trade_exemode swap_mode swap_rollover3days margin_hedged_use_leg "
    "expiration_mode filling_mode order_mode order_gtc_mode option_mode option_right bid bidhigh bidlow ask askhigh "
    "asklow last lasthigh lastlow volume_real volumehigh_real volumelow_real option_strike point trade_tick_value "
    "trade_tick_value_profit trade_tick_value_loss trade_tick_size trade_contract_size trade_accrued_interest "
    "trade_face_value trade_liquidity_rate volume_min volume_max volume_step volume_limit swap_long swap_short "
    "margin_initial margin_maintenance session_volume session_turnover session_interest session_buy_orders_volume "
    "session_sell_orders_volume session_open session_close session_aw session_price_settlement "
    "session_price_limit_min session_price_limit_max margin_hedged price_change price_volatility price_theoretical "
    "price_greeks_delta price_greeks_theta price_greeks_gamma price_greeks_vega price_greeks_rho price_greeks_omega "
    "price_sensitivity basis category currency_base currency_profit currency_margin bank description exchange formula "
    "isin name page path",
)
Tick = _tuple("Tick", "time bid ask last volume time_msc flags volume_real")
TradePosition = _tuple(
    "TradePosition",
    "ticket time time_msc time_update time_update_msc type magic identifier reason volume price_open sl tp "
    "price_current swap profit symbol comment external_id",
)
TradeOrder = _tuple(
    "TradeOrder",
    "ticket time_setup time_setup_msc time_done time_done_msc time_expiration type type_time type_filling state magic "
    "position_id position_by_id reason volume_initial volume_current price_open sl tp price_current price_stoplimit "
    "symbol comment external_id",
)
TradeDeal = _tuple(
    "TradeDeal",
    "ticket order time time_msc type entry magic position_id reason volume price commission swap profit fee symbol "
    "comment external_id",
)
TradeRequest = _tuple(
    "TradeRequest",
    "action magic order symbol volume price stoplimit sl tp deviation type type_filling type_time expiration comment "
    "position position_by",
)
OrderCheckResult = _tuple(
    "OrderCheckResult", "retcode balance equity profit margin margin_free margin_level comment request"
)
OrderSendResult = _tuple(
    "OrderSendResult", "retcode deal order volume price bid ask comment request_id retcode_external request"
)

TRADE_ACTION_DEAL, TRADE_ACTION_PENDING, TRADE_ACTION_SLTP = 1, 5, 6
TRADE_ACTION_MODIFY, TRADE_ACTION_REMOVE, TRADE_ACTION_CLOSE_BY = 7, 8, 10

# ---- the broker's books ----------------------------------------------------------------------------------------------

_CLOCK_OFFSET_S = 3 * 3600
_FIRST_TICKET = 2**53 + 1
_HEDGING, _NETTING = 2, 0
_DEFAULT_PATH = "C:\\Program Files\\MetaTrader 5"


class _Symbol:
    def __init__(self, name, price, digits, step, filling, **more):
        self.name, self.price, self.digits, self.step, self.filling = name, price, digits, step, filling
        self.contract = more.get("contract", 100000.0)
        self.exemode = more.get("exemode", 2)
        self.stops_level = more.get("stops_level", 0)
        self.trade_mode = more.get("trade_mode", 4)
        self.visible = more.get("visible", True)
        self.volume_max = more.get("volume_max", 100.0)
        self.profit_currency = more.get("profit_currency", "USD")
        self.closed = more.get("closed", False)
        self.mute = more.get("mute", False)
        self.moves = 0

    @property
    def point(self):
        return 10.0**-self.digits

    def quote(self):
        """A small wave, moved by every look at it: deterministic, never twice the same in a row."""
        shift = (abs(self.moves % 40 - 20) - 10) * self.point
        bid = round(self.price + shift, self.digits)
        return bid, round(bid + 2 * self.point, self.digits)


class _Account:
    def __init__(self, login, server, password, investor, margin_mode, currency, balance, trade_mode):
        self.login, self.server, self.password, self.investor = login, server, password, investor
        self.margin_mode, self.currency, self.balance, self.trade_mode = margin_mode, currency, balance, trade_mode
        self.trade_expert = True
        self.needs_certificate = False
        self.positions, self.orders, self.old_orders, self.deals = {}, {}, [], []


def _symbols():
    return [
        _Symbol("EURUSD", 1.085, 5, 0.01, 3),
        _Symbol("USDJPY", 151.2, 3, 0.01, 1, profit_currency="JPY"),
        _Symbol("XAUUSD", 2350.0, 2, 0.01, 2, contract=100.0, stops_level=50),
        _Symbol("#AAPL", 190.0, 2, 1.0, 2, contract=1.0, exemode=3, volume_max=1000.0),
        _Symbol("GBPUSD.x", 1.27, 5, 0.01, 3, visible=False),
        _Symbol("CLOSED", 10.0, 2, 1.0, 3, closed=True),
        _Symbol("OFF", 10.0, 2, 1.0, 3, trade_mode=0),
        _Symbol("MUTE", 10.0, 2, 1.0, 3, mute=True),
    ]


def _accounts():
    accounts = [
        _Account(1001, "Alpha-Demo", "alpha-one", "alpha-look", _HEDGING, "USD", 10000.0, 0),
        _Account(1002, "Alpha-Demo", "alpha-two", "alpha-peek", _HEDGING, "USD", 5000.0, 0),
        _Account(1003, "Alpha-Demo", "alpha-cert", "", _HEDGING, "USD", 5000.0, 0),
        # The same login number at another broker is another account.
        _Account(1001, "Beta-Live", "beta-one", "beta-look", _NETTING, "EUR", 2000.0, 2),
        _Account(2002, "Beta-Live", "beta-two", "beta-peek", _NETTING, "EUR", 50.0, 2),
    ]
    accounts[2].needs_certificate = True
    return {(account.server, account.login): account for account in accounts}


class _Terminal:
    def __init__(self):
        self.lock = threading.RLock()
        self.books = _accounts()
        self.symbols = {symbol.name: symbol for symbol in _symbols()}
        self.initialized = False
        self.account = None
        self.is_investor = False
        self.connected = True
        self.auto_trading = True
        self.api_disabled = False
        self.path = _DEFAULT_PATH
        self.portable = None
        self.initialize_ms = 0
        self.login_ms = 0
        self.send_ms = 0
        self.settle_ms = 0
        self.next_ticket = _FIRST_TICKET
        self.faults = collections.deque()
        self.call_faults = {}
        self.keywords_only = False
        self.release = threading.Event()
        self.hanging = 0
        self.ledger = []
        self.calls = []
        self.previous = None
        self.shown_from = 0.0
        self.overwrite = {}
        self.sendings = []
        self.book_file = None


_t = _Terminal()
_error = (1, "Success")


def _ok(value):
    global _error
    _error = (1, "Success")
    return value


def _fail(value, code, text):
    global _error
    _error = (code, text)
    return value


def _ticket():
    _t.next_ticket += 2
    return _t.next_ticket - 2


def _broker_ms():
    return int((time.time() + _CLOCK_OFFSET_S) * 1000)


def _fault(call):
    """An injected failure of this call, once."""
    _t.calls.append(call)
    if call not in ("initialize", "login", "shutdown") and not _t.initialized:
        return (-10004, "No IPC connection")
    return _t.call_faults.pop(call, None)


# ---- connection ------------------------------------------------------------------------------------------------------


def initialize(path=None, *, login=None, password=None, server=None, timeout=60000, portable=False):
    fault = _fault("initialize")
    if fault:
        return _fail(False, *fault)
    time.sleep(_t.initialize_ms / 1000.0)
    _t.initialized = True
    _t.portable = portable
    if path is not None:
        _t.path = path.replace("/", "\\").rpartition("\\")[0]
    return _ok(True)


def shutdown():
    _t.initialized = False
    return _ok(None)


def login(login, *, password="", server="", timeout=60000):
    if type(login) is not int:
        return _fail(False, -2, 'Invalid "login" argument')
    fault = _fault("login")
    if fault:
        return _fail(False, *fault)
    if not _t.initialized:
        return _fail(False, -10004, "No IPC connection")
    time.sleep(min(_t.login_ms, timeout) / 1000.0)
    if _t.login_ms > timeout:
        return _fail(False, -10005, "IPC timeout")
    if not _t.connected:
        return _fail(False, -10005, "IPC timeout")
    account = _t.books.get((server, login))
    if account is not None and account.needs_certificate:
        return _fail(False, -7, "Unsupported authorization mode")
    if account is None or not password or password not in (account.password, account.investor):
        # A wrong trial login takes the terminal off its account.
        _t.account = None
        return _fail(False, -6, "Terminal: Authorization failed")
    _t.previous, _t.shown_from = _t.account, time.monotonic() + _t.settle_ms / 1000.0
    _t.account = account
    _t.is_investor = password == account.investor
    return _ok(True)


def last_error():
    return _error


def version():
    return (500, 5735, "01 Nov 2026")


def _current():
    """For a while after a switch the terminal still shows the account it is leaving."""
    return _t.previous if time.monotonic() < _t.shown_from else _t.account


def account_info():
    fault = _fault("account_info")
    if fault:
        return _fail(None, *fault)
    account = _current()
    if account is None:
        return _fail(None, -1, "Terminal: Call failed")
    positions = account.positions.values()
    floating = sum([_profit(position) for position in positions]) if positions else 0.0
    margin = sum([_margin(account, p["symbol"], p["volume"]) for p in positions]) if positions else 0.0
    equity = account.balance + floating
    return _ok(
        AccountInfo(
            login=account.login,
            trade_mode=account.trade_mode,
            leverage=100,
            limit_orders=200,
            margin_so_mode=0,
            trade_allowed=not _t.is_investor,
            trade_expert=account.trade_expert,
            margin_mode=account.margin_mode,
            currency_digits=2,
            fifo_close=False,
            balance=account.balance,
            credit=0.0,
            profit=numpy.float64(floating),
            equity=equity,
            margin=margin,
            margin_free=equity - margin,
            # No margin used: a level that nothing defines.
            margin_level=equity / margin * 100 if margin else float("nan"),
            margin_so_call=50.0,
            margin_so_so=30.0,
            margin_initial=0.0,
            margin_maintenance=0.0,
            assets=0.0,
            liabilities=0.0,
            commission_blocked=0.0,
            name="Zoë Ünal 😀",
            server=account.server,
            currency=account.currency,
            company=account.server.split("-")[0] + " Brokers",
        )
    )


def terminal_info():
    fault = _fault("terminal_info")
    if fault:
        return _fail(None, *fault)
    return _ok(
        TerminalInfo(
            community_account=False,
            community_connection=False,
            connected=_t.connected,
            dlls_allowed=False,
            trade_allowed=_t.auto_trading,
            tradeapi_disabled=_t.api_disabled,
            email_enabled=False,
            ftp_enabled=False,
            notifications_enabled=False,
            mqid=False,
            build=5735,
            maxbars=100000,
            codepage=1252,
            ping_last=77881,
            community_balance=float("nan"),
            retransmission=0.0,
            company="MetaQuotes Ltd.",
            name="MetaTrader 5",
            language="English",
            path=_t.path,
            data_path=_t.path,
            commondata_path=_t.path,
        )
    )


# ---- symbols ---------------------------------------------------------------------------------------------------------


def symbol_info(symbol):
    fault = _fault("symbol_info")
    if fault:
        return _fail(None, *fault)
    known = _t.symbols.get(symbol)
    if known is None:
        return _fail(None, -1, "Terminal: Call failed")
    bid, ask = known.quote()
    values = {name: 0.0 for name in SymbolInfo._fields}
    for name in (
        "chart_mode session_deals session_buy_orders session_sell_orders volume volumehigh volumelow time spread "
        "ticks_bookdepth trade_calc_mode start_time expiration_time trade_freeze_level swap_mode swap_rollover3days "
        "order_gtc_mode option_mode option_right"
    ).split():
        values[name] = 0
    for name in "basis category bank description exchange formula isin page path".split():
        values[name] = ""
    values.update(
        custom=False,
        select=known.visible,
        visible=known.visible,
        digits=known.digits,
        spread_float=True,
        trade_mode=known.trade_mode,
        trade_stops_level=known.stops_level,
        trade_exemode=known.exemode,
        margin_hedged_use_leg=False,
        expiration_mode=15,
        filling_mode=known.filling,
        order_mode=127,
        bid=bid,
        ask=ask,
        point=numpy.float64(known.point),
        trade_tick_size=known.point,
        trade_contract_size=known.contract,
        volume_min=known.step,
        volume_max=known.volume_max,
        volume_step=known.step,
        volume_limit=float("nan"),
        price_volatility=float("nan"),
        price_theoretical=float("inf"),
        currency_base=known.name[:3],
        currency_profit=known.profit_currency,
        currency_margin=known.name[:3],
        name=known.name,
    )
    return _ok(SymbolInfo(**values))


def symbol_info_tick(symbol):
    fault = _fault("symbol_info_tick")
    if fault:
        return _fail(None, *fault)
    known = _t.symbols.get(symbol)
    if known is None or not known.visible:
        return _fail(None, -1, "Terminal: Call failed")
    if known.mute:
        return _ok(Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0))
    known.moves += 1
    bid, ask = known.quote()
    now = _broker_ms()
    return _ok(Tick(now // 1000, numpy.float64(bid), numpy.float64(ask), float("nan"), 2**64 - 1, now, 6, 0.0))


def symbol_select(symbol, enable=True):
    fault = _fault("symbol_select")
    if fault:
        return _fail(False, *fault)
    known = _t.symbols.get(symbol)
    if known is None:
        return _fail(False, -1, "Terminal: Call failed")
    known.visible = bool(enable)
    return _ok(True)


# ---- lists -----------------------------------------------------------------------------------------------------------


def _profit(position):
    known = _t.symbols[position["symbol"]]
    bid, ask = known.quote()
    move = bid - position["price_open"] if position["type"] == 0 else position["price_open"] - ask
    rate = 0.0066 if known.profit_currency == "JPY" else 1.0
    return round(move * position["volume"] * known.contract * rate, 2)


def _margin(account, name, volume):
    known = _t.symbols[name]
    rate = 0.0066 if known.profit_currency == "JPY" else 1.0
    return volume * known.contract * known.price * rate / 100.0


def _position_tuple(position):
    known = _t.symbols[position["symbol"]]
    return TradePosition(
        ticket=position["ticket"],
        time=position["time"] // 1000,
        time_msc=position["time"],
        time_update=position["time"] // 1000,
        time_update_msc=position["time"],
        type=position["type"],
        magic=position["magic"],
        identifier=position["ticket"],
        reason=3,
        volume=position["volume"],
        price_open=numpy.float64(position["price_open"]),
        sl=position["sl"],
        tp=position["tp"],
        price_current=known.quote()[position["type"]],
        swap=float("nan"),
        profit=numpy.float64(_profit(position)),
        symbol=position["symbol"],
        comment=position["comment"],
        external_id="",
    )


def _order_tuple(order):
    known = _t.symbols[order["symbol"]]
    return TradeOrder(
        ticket=order["ticket"],
        time_setup=order["setup"] // 1000,
        time_setup_msc=order["setup"],
        time_done=order["done"] // 1000,
        time_done_msc=order["done"],
        time_expiration=order["expiration"],
        type=order["type"],
        type_time=order["type_time"],
        type_filling=order["type_filling"],
        state=order["state"],
        magic=order["magic"],
        position_id=order["position_id"],
        position_by_id=0,
        reason=3,
        volume_initial=order["volume"],
        volume_current=order["left"],
        price_open=order["price"],
        sl=order["sl"],
        tp=order["tp"],
        price_current=numpy.float64(known.quote()[0]),
        price_stoplimit=order["stoplimit"],
        symbol=order["symbol"],
        comment=order["comment"],
        external_id="",
    )


def _list(call, records, build, symbol, ticket):
    fault = _fault(call)
    account = _current()
    if fault or account is None:
        return _fail(None, *(fault or (-10004, "No IPC connection")))
    if symbol is not None and type(symbol) is not str:
        return _fail(None, -2, 'Invalid "symbol" argument')
    if ticket is not None and not 0 <= ticket < 2**64:
        # As any C extension, whatever it does with its own arguments.
        raise OverflowError("int too big to convert")
    chosen = [
        build(record)
        for record in list(records(account))
        if (symbol is None or record["symbol"] == symbol) and (ticket is None or record["ticket"] == ticket)
    ]
    return _ok(tuple(chosen))


def positions_get(*args, symbol=None, group=None, ticket=None):
    if args:
        return _fail(None, -2, "Unnamed arguments not allowed")
    return _list("positions_get", lambda account: account.positions.values(), _position_tuple, symbol, ticket)


def orders_get(*args, symbol=None, group=None, ticket=None):
    if args:
        return _fail(None, -2, "Unnamed arguments not allowed")
    return _list("orders_get", lambda account: account.orders.values(), _order_tuple, symbol, ticket)


def _between(date_from, date_to, msc):
    return date_from * 1000 <= msc <= date_to * 1000 + 999


def history_orders_get(date_from=None, date_to=None, *, ticket=None):
    found = _list("history_orders_get", lambda account: account.old_orders, _order_tuple, None, ticket)
    if ticket is not None:
        return found
    return found if found is None else tuple(o for o in found if _between(date_from, date_to, o.time_setup_msc))


def history_deals_get(date_from, date_to):
    # An empty period answers None with a fine last_error, as some versions do.
    fault = _fault("history_deals_get")
    account = _current()
    if fault or account is None:
        return _fail(None, *(fault or (-10004, "No IPC connection")))
    found = tuple(deal for deal in account.deals if _between(date_from, date_to, deal.time_msc))
    return _ok(found if found else None)


# ---- trading ---------------------------------------------------------------------------------------------------------

_INTS = "action magic order deviation type type_filling type_time expiration position position_by".split()
_FLOATS = "volume price stoplimit sl tp".split()
_TEXTS = {"symbol": 64, "comment": 27}


def _invalid(request):
    """The name of the first field that the package itself would refuse; nothing is sent then."""
    if type(request) is not dict:
        return "request"
    for name, value in request.items():
        if name in _INTS:
            if type(value) is not int or value < 0:
                return name
        elif name in _FLOATS:
            if type(value) is not float:
                return name
        elif name in _TEXTS:
            if type(value) is not str or len(value) > _TEXTS[name]:
                return name
        else:
            return name
    return None if "action" in request else "action"


def order_send(*args, **fields):
    _t.calls.append("order_send")
    request = args[0] if args and type(args[0]) is dict else fields
    sending = {
        "tag": str(request.get("magic")),
        "login": None if _t.account is None else str(_t.account.login),
        "server": None if _t.account is None else _t.account.server,
        "pid": os.getpid(),
        "began_ms": time.time() * 1000,
        "ended_ms": None,
    }
    _t.sendings.append(sending)
    _save_book()
    try:
        return _order_send(*args, **fields)
    finally:
        sending["ended_ms"] = time.time() * 1000


def _order_send(*args, **fields):
    is_accepted = fields and not args if _t.keywords_only else len(args) == 1 and not fields
    if not is_accepted:
        return _fail(None, -2, "Unnamed arguments not allowed")
    given = fields if _t.keywords_only else args[0]
    invalid = _invalid(given)
    if invalid:
        return _fail(None, -2, 'Invalid "%s" argument' % invalid)
    if not _t.initialized:
        return _fail(None, -10004, "No IPC connection")
    fault = _t.faults.popleft() if _t.faults else {}
    if fault.get("raise"):
        raise RuntimeError("the extension failed")
    if fault.get("hang"):
        _t.hanging += 1
        _t.release.wait(30)
        _t.hanging -= 1
    time.sleep(_t.send_ms / 1000.0)
    if "switch" in fault:
        _switch(fault["switch"])
    empty = dict({name: 0 for name in _INTS}, **{name: 0.0 for name in _FLOATS}, symbol="", comment="")
    request = TradeRequest(**dict(empty, **given))
    done = None
    if fault.get("execute", True) and "error" not in fault or fault.get("executed"):
        held, booked = len(_t.account.positions) if _t.account else 0, len(_t.ledger)
        done = _execute(_t.account, request)
        for entry in _t.ledger[booked:]:
            entry["opened"] = len(_t.account.positions) > held
        _save_book()
    if fault.get("hang_after"):
        _t.hanging += 1
        _t.release.wait(30)
        _t.hanging -= 1
    if "switch_after" in fault:
        _switch(fault["switch_after"])
    if "error" in fault:
        return _fail(None, *fault["error"])
    if done is None:
        done = (0, 0, 0, 0.0, 0.0)
    retcode, deal, order, volume, price = done
    retcode = fault.get("retcode", retcode)
    return _ok(
        OrderSendResult(
            retcode=retcode,
            deal=deal,
            order=order,
            volume=numpy.float64(volume),
            price=numpy.float64(price),
            bid=0.0,
            ask=float("nan"),
            comment="Request executed" if retcode in (10008, 10009) else "Rejected",
            request_id=77,
            retcode_external=0,
            request=request,
        )
    )


def order_check(request):
    invalid = _invalid(request)
    if invalid:
        return _fail(None, -2, 'Invalid "%s" argument' % invalid)
    return _ok(OrderCheckResult(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, "Done", request))


def _refuse(retcode):
    return (retcode, 0, 0, 0.0, 0.0)


def _execute(account, request):
    """(retcode, deal, order, volume, price): what the broker does with a request that reached it."""
    if not _t.connected or account is None:
        return _refuse(10031)
    if not _t.auto_trading:
        return _refuse(10027)
    if _t.is_investor:
        return _refuse(10017)
    if not account.trade_expert:
        return _refuse(10026)
    action = request.action
    if action == TRADE_ACTION_SLTP:
        return _change_stops(account, request)
    if action in (TRADE_ACTION_MODIFY, TRADE_ACTION_REMOVE):
        return _change_order(account, request)
    if action == TRADE_ACTION_CLOSE_BY:
        return _close_by(account, request)
    if action not in (TRADE_ACTION_DEAL, TRADE_ACTION_PENDING):
        return _refuse(10013)
    known = _t.symbols.get(request.symbol)
    if known is None:
        return _refuse(10013)
    if known.trade_mode == 0:
        return _refuse(10017)
    if known.closed:
        return _refuse(10018)
    steps = request.volume / known.step
    if not known.step <= request.volume <= known.volume_max or abs(steps - round(steps)) > 1e-6:
        return _refuse(10014)
    if action == TRADE_ACTION_PENDING:
        return _place(account, known, request)
    return _deal(account, known, request)


def _stops_wrong(known, side, price, sl, tp):
    level = known.stops_level * known.point
    if side == 0:
        return (sl and sl > price - level) or (tp and tp < price + level)
    return (sl and sl < price + level) or (tp and tp > price - level)


def _book_order(account, request, kind, state, price, position_id, left):
    now = _broker_ms()
    order = {
        "ticket": _ticket(),
        "setup": now,
        "done": now if state == 4 else 0,
        "expiration": request.expiration,
        "type": kind,
        "type_time": request.type_time,
        "type_filling": request.type_filling,
        "state": state,
        "magic": _t.overwrite.get("magic", request.magic),
        "position_id": position_id,
        "volume": request.volume,
        "left": left,
        "price": price,
        "sl": request.sl,
        "tp": request.tp,
        "stoplimit": request.stoplimit,
        "symbol": request.symbol,
        "comment": _t.overwrite.get("comment", request.comment),
    }
    _t.ledger.append(
        {
            "login": str(account.login),
            "server": account.server,
            "magic": str(request.magic),
            "comment": request.comment,
            "ticket": str(order["ticket"]),
            "action": request.action,
            "symbol": request.symbol,
            "type": kind,
            "volume": request.volume,
            "position": str(request.position) if request.position else None,
            "time_ms": now - _CLOCK_OFFSET_S * 1000,
        }
    )
    return order


def _book_deal(account, order, entry, volume, price, position_id):
    now = _broker_ms()
    deal = TradeDeal(
        ticket=_ticket(),
        order=order["ticket"],
        time=now // 1000,
        time_msc=now,
        type=order["type"],
        entry=entry,
        magic=order["magic"],
        position_id=position_id,
        reason=3,
        volume=volume,
        price=numpy.float64(price),
        commission=0.0,
        swap=0.0,
        profit=0.0,
        fee=float("nan"),
        symbol=order["symbol"],
        comment=order["comment"],
        external_id="",
    )
    account.deals.append(deal)
    return deal


def _open_position(account, order, side, volume, price):
    account.positions[order["ticket"]] = {
        "ticket": order["ticket"],
        "time": _broker_ms(),
        "type": side,
        "magic": order["magic"],
        "volume": volume,
        "price_open": price,
        "sl": order["sl"],
        "tp": order["tp"],
        "symbol": order["symbol"],
        "comment": order["comment"],
    }


def _reduce(account, position, volume):
    account.balance += round(_profit(position) * volume / position["volume"], 2)
    position["volume"] = round(position["volume"] - volume, 8)
    if position["volume"] <= 0:
        del account.positions[position["ticket"]]


def _deal(account, known, request):
    side = request.type
    if side not in (0, 1):
        return _refuse(10035)
    # The mask is not the enum: bit 1 allows FOK (0), bit 2 IOC (1); this broker's market execution knows no RETURN.
    if not {0: known.filling & 1, 1: known.filling & 2, 2: known.exemode == 3}.get(request.type_filling):
        return _refuse(10030)
    bid, ask = known.quote()
    price = ask if side == 0 else bid
    if _stops_wrong(known, side, bid if side == 0 else ask, request.sl, request.tp):
        return _refuse(10016)
    target = None
    if request.position:
        target = account.positions.get(request.position)
        if target is None:
            return _refuse(10036)
        if target["symbol"] != request.symbol or target["type"] == side:
            return _refuse(10013)
        if request.volume > target["volume"] + 1e-9:
            return _refuse(10038)
    elif account.margin_mode == _NETTING:
        target = next((p for p in account.positions.values() if p["symbol"] == request.symbol), None)
    if target is None or target["type"] == side:
        used = sum(_margin(account, p["symbol"], p["volume"]) for p in account.positions.values())
        if used + _margin(account, request.symbol, request.volume) > account.balance:
            return _refuse(10019)
    order = _book_order(account, request, side, 4, price, target["ticket"] if target else 0, 0.0)
    order["position_id"] = order["position_id"] or order["ticket"]
    account.old_orders.append(order)
    if target is None:
        deal = _book_deal(account, order, 0, request.volume, price, order["ticket"])
        _open_position(account, order, side, request.volume, price)
    elif target["type"] == side:
        deal = _book_deal(account, order, 0, request.volume, price, target["ticket"])
        total = target["volume"] + request.volume
        target["price_open"] = (target["price_open"] * target["volume"] + price * request.volume) / total
        target["volume"] = round(total, 8)
    else:
        rest = round(request.volume - target["volume"], 8)
        deal = _book_deal(account, order, 2 if rest > 0 else 1, request.volume, price, target["ticket"])
        _reduce(account, target, min(request.volume, target["volume"]))
        if rest > 0:
            _open_position(account, order, side, rest, price)
    return (10009, deal.ticket, order["ticket"], request.volume, price)


def _place(account, known, request):
    if request.type not in range(2, 8):
        return _refuse(10035)
    bid, ask = known.quote()
    is_below = request.type in (2, 5, 7)
    reference = ask if request.type in (2, 4, 6) else bid
    if request.price <= 0 or (request.price >= reference if is_below else request.price <= reference):
        return _refuse(10015)
    if _stops_wrong(known, request.type % 2, request.price, request.sl, request.tp):
        return _refuse(10016)
    if request.type_time in (2, 3) and request.expiration * 1000 <= _broker_ms():
        return _refuse(10022)
    order = _book_order(account, request, request.type, 1, request.price, 0, request.volume)
    account.orders[order["ticket"]] = order
    return (10008, 0, order["ticket"], request.volume, request.price)


def _change_stops(account, request):
    position = account.positions.get(request.position)
    if position is None:
        return _refuse(10036)
    if (position["sl"], position["tp"]) == (request.sl, request.tp):
        return _refuse(10025)
    known = _t.symbols[position["symbol"]]
    if _stops_wrong(known, position["type"], known.quote()[position["type"]], request.sl, request.tp):
        return _refuse(10016)
    position.update(sl=request.sl, tp=request.tp)
    return (10009, 0, 0, 0.0, 0.0)


def _change_order(account, request):
    order = account.orders.get(request.order)
    if order is None:
        return _refuse(10013)
    if request.action == TRADE_ACTION_REMOVE:
        del account.orders[request.order]
        order.update(state=2, done=_broker_ms())
        account.old_orders.append(order)
        return (10009, 0, order["ticket"], 0.0, 0.0)
    wanted = {
        "price": request.price,
        "sl": request.sl,
        "tp": request.tp,
        "type_time": request.type_time,
        "expiration": request.expiration,
    }
    if all(order[name] == value for name, value in wanted.items()):
        return _refuse(10025)
    order.update(wanted)
    return (10009, 0, order["ticket"], order["left"], request.price)


def _close_by(account, request):
    one, other = account.positions.get(request.position), account.positions.get(request.position_by)
    if one is None or other is None:
        return _refuse(10036)
    if account.margin_mode != _HEDGING or one["symbol"] != other["symbol"] or one["type"] == other["type"]:
        return _refuse(10013)
    volume = min(one["volume"], other["volume"])
    filled = request._replace(symbol=one["symbol"], volume=volume)
    order = _book_order(account, filled, 8, 4, other["price_open"], one["ticket"], 0.0)
    account.old_orders.append(order)
    deal = _book_deal(account, order, 3, volume, other["price_open"], one["ticket"])
    _reduce(account, one, volume)
    _reduce(account, other, volume)
    return (10009, deal.ticket, order["ticket"], volume, other["price_open"])


# ---- for tests only --------------------------------------------------------------------------------------------------


def _switch(to):
    _t.previous, _t.shown_from = None, 0.0
    _t.account = None if to is None else _t.books[(to["server"], int(to["login"]))]
    _t.is_investor = False


def _control(text):
    """Faults and settings, one JSON object:

    send: what the next order_send calls do, in order: {error: [code, text], executed?}, {retcode, execute?}, {hang}
    before the broker has it, {hang_after} it has executed it, {raise}, {switch: account} before the order reaches the
    broker, {switch_after: account};
    fail: {call: [code, text]}, once each; switch: an account or null, at once, as by a person at the window;
    release: lets a hanging order_send go on; initialized, connected, auto_trading, api_disabled, keywords_only, path,
    initialize_ms, login_ms, send_ms, settle_ms: settings; overwrite: {magic?, comment?} this broker writes over what an order says;
    trade_expert: for the account shown; deposit: {login, server, amount}.
    """
    order = json.loads(text)
    for name, value in order.items():
        if name == "send":
            if any("hang" in fault or "hang_after" in fault for fault in value):
                _t.release.clear()
            _t.faults.extend(value)
        elif name == "fail":
            _t.call_faults.update({call: tuple(error) for call, error in value.items()})
        elif name == "switch":
            _switch(value)
        elif name == "release":
            _t.release.set()
        elif name == "deposit":
            _t.books[(value["server"], int(value["login"]))].balance += value["amount"]
        elif name == "trade_expert":
            _t.account.trade_expert = value
        elif hasattr(_t, name):
            setattr(_t, name, value)
        else:
            raise KeyError(name)
    return "ok"


def _ledger():
    """Every order the broker booked, as JSON: the truth, whatever the API answered."""
    return json.dumps(_t.ledger)


def _seen():
    """What the double was asked, as JSON: names of calls, how many order_send hang right now, every order_send there was."""
    return json.dumps({"calls": _t.calls, "hanging": _t.hanging, "sendings": _t.sendings})


def _keep_book(path):
    """A broker outlives the terminal's process: its books and its ledger are in this file, before and after a kill."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            _t.books, _t.ledger, _t.sendings, _t.next_ticket = pickle.load(file)
    _t.book_file = path


def _save_book():
    if _t.book_file is None:
        return
    with open(_t.book_file + ".next", "wb") as file:
        pickle.dump((_t.books, _t.ledger, _t.sendings, _t.next_ticket), file)
    os.replace(_t.book_file + ".next", _t.book_file)


def _reset():
    global _t, _error
    _t, _error = _Terminal(), (1, "Success")
