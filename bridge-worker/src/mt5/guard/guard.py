"""The guard: runs inside the Python process that talks to a MetaTrader terminal, installed there over RPyC.

Checking the account and sending the order happen here, in one call under one lock, because between two calls over a
network anything may have changed. It remembers every tag it was asked to send, so that a worker that lost the answer
can ask for it, and it never sends one tag twice. One JSON text goes in and one comes out; the source is constant and
installed as it is (Python 3.8 or later). All times are milliseconds of this process's monotonic clock.

Two locks: `terminal` is held around every use of MetaTrader and may be held for minutes; `registry` only for a few
instructions, so that `query` and `poison` answer beside a hanging send. Order: terminal before registry.
"""

import json
import operator
import os
import sys
import threading
import time
import types

# A higher version takes over the functions of a running process; the state below is never replaced, only added to. A lower
# one that comes later changes nothing, so what an older worker asks must be answered here too.
VERSION = 6
STATE_NAME = "switchyard_guard_state"

MAX_TAGS = 100000
# Evicted tags leave their trace here: a Bloom filter never calls a seen tag unseen. One million tags: error 1e-7.
FORGOTTEN_BITS = 2 ** 26
FORGOTTEN_PROBES = 7
# A reply above a few megabytes blocks the server's whole process while it is written.
MAX_REPLY_CHARS = 4 * 1024 * 1024
# One page of history is far below that limit.
MAX_RECORDS = 500
POLL_S = 0.02
# A symbol that was only just selected gets its first tick a moment later.
FIRST_TICK_WAIT_MS = 500
CLOCK_SYMBOLS = 5
VOLUME_TOLERANCE = 1e-9
MAX_WAIT_S = 3600
MASK64 = 2 ** 64 - 1

RES_OK = 1
RES_FAIL = -1
RES_INVALID_PARAMS = -2
RES_INTERNAL = -10000
RES_TIMEOUT = -10005
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
MARK = "sy"
MAX_COMMENT_CHARS = 27
# Tags begin here: below it a magic is somebody's own and can be taken for no tag.
FIRST_TAG = 2 ** 40
UNNAMED_REFUSED = (RES_INVALID_PARAMS, "Unnamed arguments not allowed")

# 64-bit numbers lose digits in JSON readers: they travel as decimal text.
ID_FIELDS = frozenset("login ticket identifier order deal position position_id magic".split())


class Shape:
    """The fields of a record that are told, read in one step: this runs for every account, symbol and position."""

    def __init__(self, text):
        self.names = tuple(text.split())
        self.ids = tuple(name for name in self.names if name in ID_FIELDS)
        self.read = operator.attrgetter(*self.names)


ACCOUNT = Shape(
    "login server name company currency currency_digits trade_mode margin_mode leverage limit_orders trade_allowed "
    "trade_expert balance credit profit equity margin margin_free margin_level"
)
TERMINAL = Shape("connected trade_allowed tradeapi_disabled build path ping_last")
SYMBOL = Shape(
    "name digits point trade_tick_size trade_contract_size volume_min volume_max volume_step volume_limit trade_mode "
    "trade_exemode filling_mode expiration_mode order_mode trade_stops_level trade_freeze_level currency_base "
    "currency_profit currency_margin"
)
TICK = Shape("time_msc bid ask last")
POSITION = Shape(
    "ticket identifier symbol type volume price_open price_current sl tp profit swap magic comment time_msc"
)
ORDER = Shape(
    "ticket symbol type type_time type_filling state reason volume_initial volume_current price_open price_stoplimit "
    "sl tp price_current magic comment position_id time_setup_msc time_done_msc time_expiration"
)
DEAL = Shape(
    "ticket order position_id symbol type entry reason volume price profit swap commission fee magic comment time_msc"
)
RESULT = Shape("retcode order deal volume price comment")

REQUEST_INTS = frozenset("action type type_filling type_time deviation expiration magic".split())
REQUEST_FLOATS = frozenset("volume price stoplimit sl tp".split())
REQUEST_IDS = frozenset("position position_by order".split())
REQUEST_TEXTS = frozenset("symbol comment".split())


class Problem(Exception):
    """The call cannot be answered. `kind` is a constant word; nothing that came in is ever repeated."""

    def __init__(self, kind, last_error=None):
        Exception.__init__(self, kind)
        self.kind = kind
        self.last_error = last_error


def new_state():
    state = types.ModuleType(STATE_NAME)
    state.epoch = os.urandom(16).hex()
    state.pid = os.getpid()
    state.terminal = threading.Lock()
    state.registry = threading.Condition(threading.Lock())
    state.tags = {}
    state.max_tags = MAX_TAGS
    state.forgotten = None
    state.owner = None
    state.path = None
    state.launch = {"path": None, "portable": False}
    state.code = (0, None)
    return state


def now_ms():
    return time.monotonic() * 1000.0


EXACT_TYPES = frozenset((bool, int, str, type(None)))
# Made once: json.dumps with options of its own makes an encoder at every call.
ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


# ---- values for the wire ---------------------------------------------------------------------------------------------


def plain(value):
    # Nearly every value is of an exact built-in type, and this runs for every field of every answer.
    kind = type(value)
    if kind in EXACT_TYPES or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        # NaN and the infinities are no JSON. float() also strips numpy's subclass.
        value = float(value)
        return value if value - value == 0.0 else None
    item = getattr(value, "item", None)
    return plain(item()) if callable(item) else None


def identifier(value):
    value = plain(value)
    if value is None:
        return None
    value = int(value)
    # MetaTrader's magic is unsigned; a binding that hands it out signed means the same 64 bits.
    return str(value if value >= 0 else value + 2 ** 64)


def facts(record, shape):
    try:
        values = shape.read(record)
    except AttributeError:
        # A version of the package that lacks a field: told as null.
        values = [getattr(record, name, None) for name in shape.names]
    # The two commonest kinds are told apart here: a call for every field costs more than all else together.
    told = {
        name: value
        if type(value) in EXACT_TYPES or (type(value) is float and value - value == 0.0)
        else plain(value)
        for name, value in zip(shape.names, values)
    }
    for name in shape.ids:
        told[name] = identifier(told[name])
    return told


def error_of(mt5):
    """The error of the call just made: process-wide, so read inside the same lock."""
    try:
        code, text = mt5.last_error()[:2]
        return [int(code), str(text)]
    except Exception:
        return [RES_FAIL, "last_error could not be read"]


# ---- the terminal ----------------------------------------------------------------------------------------------------


def metatrader():
    try:
        import MetaTrader5
    except ImportError:
        # A frozen server program finds the package only beside itself.
        sys.path.append("C:\\mt5libs")
        try:
            import MetaTrader5
        except ImportError:
            raise Problem("no_metatrader")
    return MetaTrader5


def limit_of(message):
    """Finite, or no comparison with it would mean anything: NaN is never passed."""
    limit = message["not_after"]
    if type(limit) not in (int, float) or plain(float(limit)) is None:
        raise Problem("bad_request")
    return float(limit)


def take_terminal(state, not_after):
    if state.terminal.acquire(blocking=False):
        return True
    wait = (not_after - now_ms()) / 1000.0
    return state.terminal.acquire(timeout=min(max(wait, 0.0), MAX_WAIT_S))


class Turn:
    """The terminal for one call: `with Turn(state, message) as mt5`."""

    __slots__ = ("state", "not_after")

    def __init__(self, state, message):
        self.state, self.not_after = state, limit_of(message)

    def __enter__(self):
        if not take_terminal(self.state, self.not_after):
            raise Problem("busy")
        try:
            # A call that waited too long has nobody to answer to any more, and must not move the terminal.
            if now_ms() > self.not_after:
                raise Problem("busy")
            return metatrader()
        except BaseException:
            self.state.terminal.release()
            raise

    def __exit__(self, *raised):
        self.state.terminal.release()


def require_owner(state, message):
    with state.registry:
        if state.owner != message["owner"]:
            raise Problem("stale_owner")


def folder(path):
    return str(path).replace("/", "\\").rstrip("\\").casefold()


def is_expected_terminal(state, info):
    wanted = state.launch["path"]
    if wanted is not None and folder(info.path) != folder(wanted).rpartition("\\")[0]:
        return False
    return state.path is None or folder(info.path) == state.path


def initialize(state, mt5, not_after):
    """None when MetaTrader runs, else its error. `shutdown` first: after a broken link nothing else helps."""
    mt5.shutdown()
    options = {"timeout": max(int(not_after - now_ms()), 1)}
    if state.launch["portable"]:
        options["portable"] = True
    args = () if state.launch["path"] is None else (state.launch["path"],)
    return None if mt5.initialize(*args, **options) else error_of(mt5)


def account_now(mt5):
    account = mt5.account_info()
    return None if account is None or not account.login else account


def is_account(account, wanted):
    return account is not None and str(account.login) == wanted["login"] and account.server == wanted["server"]


def ref(account):
    return None if account is None else {"login": identifier(account.login), "server": str(account.server)}


# ---- the registry of tags --------------------------------------------------------------------------------------------


def probes(tag):
    """The tag's places in the filter, by splitmix64: a frozen Python may lack the hashes of hashlib."""
    state = tag
    for _ in range(FORGOTTEN_PROBES):
        state = (state + 0x9E3779B97F4A7C15) & MASK64
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK64
        bit = (mixed ^ (mixed >> 31)) % FORGOTTEN_BITS
        yield bit >> 3, 1 << (bit & 7)


def is_forgotten(state, tag):
    return state.forgotten is not None and all(state.forgotten[at] & mask for at, mask in probes(tag))


def make_room(state):
    """Drops the oldest tag whose fate is settled; one that waits or sends never. False: there is none."""
    for old, entry in state.tags.items():
        if entry["phase"] not in ("waiting", "sending"):
            break
    else:
        return False
    if state.forgotten is None:
        state.forgotten = bytearray(FORGOTTEN_BITS // 8)
    for at, mask in probes(old):
        state.forgotten[at] |= mask
    del state.tags[old]
    return True


def remember(state, tag, entry):
    # Room first: memory that runs out must not leave a tag behind that nobody settles.
    while len(state.tags) >= state.max_tags and make_room(state):
        pass
    state.tags[tag] = entry


def settle(state, entry, reply):
    """The first settlement stands: what was poisoned while it waited stays poisoned."""
    with state.registry:
        if entry["phase"] in ("waiting", "sending"):
            entry["phase"] = "finished"
            entry["reply"] = reply
        state.registry.notify_all()
        return answer_of(entry)


def answer_of(entry):
    return entry["reply"] if entry["phase"] == "finished" else refused("poisoned")


def tag_state(entry):
    if entry["phase"] == "finished":
        return {"kind": "finished", "reply": entry["reply"]}
    return {"kind": entry["phase"]}


# ---- sending ---------------------------------------------------------------------------------------------------------


def refused(reason, **more):
    return dict({"kind": "refused", "reason": reason}, **more)


def mark_of(tag):
    text = ""
    while tag > 0:
        tag, digit = divmod(tag, 36)
        text = BASE36[digit] + text
    return MARK + text


def is_marked(comment, tag):
    """A server may append to a comment; a longer number is another tag."""
    mark = mark_of(tag)
    return comment.startswith(mark) and (len(comment) == len(mark) or comment[len(mark)] not in BASE36)


def can_be_found(request, tag, is_own_magic):
    """Without its tag an order could never be found again: whole in `magic`, else at the front of `comment`."""
    magic, comment = request.get("magic"), request.get("comment", "")
    if magic == tag or not is_own_magic:
        return magic == tag
    is_told_apart = magic is not None and 0 <= magic < FIRST_TAG
    is_whole = len(comment) <= MAX_COMMENT_CHARS and comment.isascii()
    return is_told_apart and is_whole and is_marked(comment, tag)


def build_request(message):
    """Real ints and floats: the package refuses anything else, or worse, takes 1 for 1.0 on some fields only."""
    tag, request = message["tag"], {}
    for name, value in message["request"].items():
        if name in REQUEST_IDS and isinstance(value, str) and value.isdigit():
            request[name] = int(value)
        elif name in REQUEST_TEXTS and isinstance(value, str):
            request[name] = value
        elif name in REQUEST_INTS and isinstance(value, int) and not isinstance(value, bool):
            request[name] = value
        elif name in REQUEST_FLOATS and isinstance(value, (int, float)) and plain(float(value)) is not None:
            if isinstance(value, bool):
                raise Problem("bad_request")
            request[name] = float(value)
        else:
            raise Problem("bad_request")
    if type(tag) is not int or "action" not in request:
        raise Problem("bad_request")
    if not can_be_found(request, tag, message.get("own_magic") is True):
        raise Problem("bad_request")
    return request


def obstacle(state, mt5, message):
    """Why this order may not be sent on what the terminal shows now; None if it may."""
    info = mt5.terminal_info()
    if info is None or not info.connected:
        return refused("not_connected")
    if state.path is None or not is_expected_terminal(state, info):
        return refused("wrong_terminal")
    account = account_now(mt5)
    if ref(account) != message["account"]:
        return refused("wrong_account", actual=ref(account))
    if not (info.trade_allowed and account.trade_allowed and account.trade_expert) or info.tradeapi_disabled:
        return refused("trading_disabled")
    required = message.get("require_position")
    if required is None:
        return None
    found = mt5.positions_get(ticket=int(required["ticket"]))
    if found is None:
        return refused("not_connected")
    is_there = any(
        identifier(position.ticket) == required["ticket"]
        and position.type == required["type"]
        and position.volume + VOLUME_TOLERANCE >= required["min_volume"]
        for position in found
    )
    return None if is_there else refused("position_changed")


def order_send(mt5, request):
    """One order_send; its result and the error read directly after it. Never raises."""
    before = error_of(mt5)
    try:
        result = mt5.order_send(request)
        error = error_of(mt5)
        if result is None and tuple(error) == UNNAMED_REFUSED and error != before:
            # Some versions take the fields as keywords only. With exactly this text nothing has left the process.
            result = mt5.order_send(**request)
            before, error = error, error_of(mt5)
    except Exception as raised:
        return None, [RES_FAIL, "order_send raised " + type(raised).__name__]
    if result is None and error == before and error[0] != RES_OK:
        # An error left over from an earlier call proves nothing about this one.
        return None, [RES_FAIL, "last_error was not renewed"]
    return result, error


def send_now(state, entry, message, request):
    """Runs with the terminal lock held."""
    mt5 = metatrader()
    refusal = obstacle(state, mt5, message)
    with state.registry:
        if entry["phase"] == "waiting":
            if state.owner != message["owner"]:
                refusal = refused("stale_owner")
            elif now_ms() > limit_of(message):
                refusal = refused("expired")
            if refusal is None:
                entry["phase"] = "sending"
    if entry["phase"] != "sending":
        return refusal or refused("poisoned")
    result, error = order_send(mt5, request)
    try:
        shown = None if result is None else facts(result, RESULT)
        if shown is not None and shown["retcode"] is None:
            raise ValueError
    except Exception:
        shown, error = None, [RES_FAIL, "order_send returned something unreadable"]
    # Kept before the next call into MetaTrader: whatever breaks there, this answer is not lost.
    reply = entry["reply"] = {"kind": "sent", "result": shown, "last_error": error, "after": None}
    try:
        reply["after"] = ref(account_now(mt5))
    except Exception:
        pass
    return reply


def op_send(state, message):
    # Whatever is wrong with the call must show before the tag is registered: nobody would ever settle it.
    request, not_after, tag = build_request(message), limit_of(message), message["tag"]
    if not {"owner", "account"} <= set(message):
        raise Problem("bad_request")
    # Registered before the wait for the terminal: from here on it can be asked for, and poisoned.
    with state.registry:
        entry = state.tags.get(tag)
        if entry is None:
            if is_forgotten(state, tag):
                raise Problem("forgotten")
            entry = {"phase": "waiting", "command": message["command"], "reply": None}
            remember(state, tag, entry)
        elif entry["command"] != message["command"]:
            return refused("poisoned")
        else:
            return await_answer(state, entry, not_after)
    # Registered, so it must be settled on every way out, that of a thread told to end included.
    reply = None
    try:
        if not take_terminal(state, not_after):
            reply = refused("expired")
        else:
            try:
                reply = send_now(state, entry, message, request)
            finally:
                state.terminal.release()
    except Exception:
        # What broke is told by the way it ended.
        pass
    finally:
        settled = settle(state, entry, reply or broken_off(entry))
    return settled


def broken_off(entry):
    """The answer to a send that an exception ended; this thread was the only one that could have sent it."""
    if entry["phase"] != "sending":
        return refused("not_connected")
    error = [RES_FAIL, "the send was broken off"]
    return entry["reply"] or {"kind": "sent", "result": None, "last_error": error, "after": None}


def await_answer(state, entry, not_after):
    """A second send of a known tag, registry held: the first one's answer, and nothing is sent."""
    state.registry.wait_for(
        lambda: entry["phase"] not in ("waiting", "sending"),
        timeout=min(max((not_after - now_ms()) / 1000.0, 0.0), MAX_WAIT_S),
    )
    if entry["phase"] in ("waiting", "sending"):
        raise Problem("busy")
    if entry["phase"] == "forgotten":
        raise Problem("forgotten")
    return answer_of(entry)


def op_query(state, message):
    with state.registry:
        entry = state.tags.get(message["tag"])
        if entry is not None:
            return tag_state(entry)
        return {"kind": "forgotten" if is_forgotten(state, message["tag"]) else "unseen"}


def op_poison(state, message):
    tag = message["tag"]
    with state.registry:
        entry = state.tags.get(tag)
        if entry is None:
            # A tag that may have been sent long ago is blocked too, but that does not prove that it never ran.
            phase = "forgotten" if is_forgotten(state, tag) else "poisoned"
            entry = {"phase": phase, "command": message["command"], "reply": None}
            remember(state, tag, entry)
        elif entry["command"] != message["command"]:
            return {"kind": "forgotten"}
        elif entry["phase"] == "waiting":
            entry["phase"] = "poisoned"
            state.registry.notify_all()
        return tag_state(entry)


# ---- the other calls -------------------------------------------------------------------------------------------------


def op_hello(state, message):
    return {"epoch": state.epoch, "pid": os.getpid(), "version": state.code[0]}


def op_adopt(state, message):
    """The last owner wins. Needs no terminal lock: a new worker takes over although an old send still hangs."""
    with state.registry:
        state.owner = message["owner"]
    return op_hello(state, message)


def op_open(state, message):
    with Turn(state, message) as mt5:
        require_owner(state, message)
        state.launch = {"path": message.get("path"), "portable": bool(message.get("portable"))}
        state.path = None
        info = mt5.terminal_info()
        if info is None or not is_expected_terminal(state, info):
            error = initialize(state, mt5, message["not_after"])
            info = mt5.terminal_info() if error is None else None
            if info is None:
                raise Problem("initialize_failed", error or error_of(mt5))
        if not is_expected_terminal(state, info):
            raise Problem("wrong_terminal")
        state.path = folder(info.path)
        account = account_now(mt5)
        return {
            "terminal": facts(info, TERMINAL),
            "account": None if account is None else facts(account, ACCOUNT),
        }


def op_login(state, message):
    wanted = message["account"]
    with Turn(state, message) as mt5:
        require_owner(state, message)
        info = mt5.terminal_info()
        if info is None:
            error = initialize(state, mt5, message["not_after"])
            info = mt5.terminal_info() if error is None else None
            if info is None:
                # The terminal's own trouble: told as a failed login it would be given the next account, and the next.
                raise Problem("initialize_failed", error or error_of(mt5))
        if not is_expected_terminal(state, info):
            raise Problem("wrong_terminal")
        try:
            limit = max(int(message["not_after"] - now_ms()), 1)
            accepted = mt5.login(
                int(wanted["login"]), password=message["password"], server=wanted["server"], timeout=limit
            )
            error = error_of(mt5)
        except Exception as raised:
            # Documented for a login that takes longer than its timeout.
            accepted, error = False, [RES_TIMEOUT, "login raised " + type(raised).__name__]
        if not accepted:
            return {"kind": "failed", "last_error": error}
        # For a while the terminal still shows the account it is leaving.
        while True:
            account, info = account_now(mt5), mt5.terminal_info()
            shown = ref(account)
            is_there = (
                shown is not None
                and shown["login"] == wanted["login"]
                and shown["server"].casefold() == wanted["server"].casefold()
            )
            if is_there and info is not None and info.connected:
                return {"kind": "ok", "account": facts(account, ACCOUNT), "terminal": facts(info, TERMINAL)}
            if now_ms() > message["not_after"]:
                failed = {"kind": "failed", "last_error": [RES_TIMEOUT, "login accepted, but the account did not appear"]}
                # On another account all the time: this terminal does not do what it says.
                return failed if shown is None or is_there else dict(failed, shown=shown)
            time.sleep(POLL_S)


class ReadFailed(Exception):
    def __init__(self, call, last_error):
        Exception.__init__(self, call)
        self.reply = {"kind": "failed", "call": call, "last_error": last_error}


def listed(mt5, call, *args, **options):
    """None is an error, never an empty list: taking it for one is a known source of double orders."""
    function = getattr(mt5, call)
    records = function(*args, **options) if options else function(*args)
    if records is None:
        raise ReadFailed(call, error_of(mt5))
    return records


def listed_history(mt5, call, start, end):
    """Versions differ on an empty period: some answer None with a fine `last_error`."""
    records = getattr(mt5, call)(start, end)
    if records is not None:
        return records
    error = error_of(mt5)
    if error[0] != RES_OK:
        raise ReadFailed(call, error)
    return ()


def ended_order(mt5, ticket):
    """By its ticket, however old: terminals may select a period's orders by the time they were placed."""
    try:
        return mt5.history_orders_get(ticket=int(ticket)) or ()
    except Exception:
        # A number that the package cannot hold, or a package that cannot be asked so.
        return ()


def on_account(mt5, message, work, shape):
    """Runs `work(terminal)` between two readings of the account; the answer shows the last one, in `shape`."""
    info = mt5.terminal_info()
    if info is None:
        return {"kind": "failed", "call": "terminal_info", "last_error": error_of(mt5)}
    account = account_now(mt5)
    if not is_account(account, message["account"]):
        return {"kind": "wrong_account", "actual": ref(account)}
    try:
        reply = work(info)
    except ReadFailed as failed:
        return failed.reply
    account = account_now(mt5)
    if not is_account(account, message["account"]):
        return {"kind": "wrong_account", "actual": ref(account)}
    reply["account"] = shape(account)
    return reply


def lost_link(error):
    return error[0] <= RES_INTERNAL


def read_tick(mt5, name):
    """None: it never ticked."""
    tick = mt5.symbol_info_tick(name)
    if tick is None:
        error = error_of(mt5)
        if lost_link(error):
            raise ReadFailed("symbol_info_tick", error)
    return tick if tick is not None and tick.time_msc else None


def read_symbol(mt5, name):
    symbol = mt5.symbol_info(name)
    if symbol is None:
        error = error_of(mt5)
        if lost_link(error):
            raise ReadFailed("symbol_info", error)
        return None, None
    if symbol.select and symbol.visible:
        return symbol, read_tick(mt5, name)
    if not mt5.symbol_select(name, True):
        raise ReadFailed("symbol_select", error_of(mt5))
    symbol = mt5.symbol_info(name) or symbol
    end = now_ms() + FIRST_TICK_WAIT_MS
    tick = read_tick(mt5, name)
    while tick is None and now_ms() < end:
        time.sleep(POLL_S)
        tick = read_tick(mt5, name)
    return symbol, tick


def symbol_of(mt5, ticket):
    """None: there is no such position. A number that the package cannot even hold is none's, and no fault of the terminal."""
    try:
        found = listed(mt5, "positions_get", ticket=int(ticket))
    except OverflowError:
        return None
    return found[0].symbol if found else None


def filtered(part):
    return {"symbol": part["symbol"]} if part.get("symbol") else {}


def op_account(state, message):
    """The commonest call: one reading says whose account it is and what it holds."""
    with Turn(state, message) as mt5:
        account = mt5.account_info()
        if account is None and lost_link(error_of(mt5)):
            return {"kind": "failed", "call": "account_info", "last_error": error_of(mt5)}
        if not is_account(account, message["account"]):
            return {"kind": "wrong_account", "actual": ref(account if account is None or account.login else None)}
        return {"kind": "ok", "account": facts(account, ACCOUNT)}


def op_read(state, message):
    parts = message["parts"]

    def work(info):
        reply = {"kind": "ok", "terminal": facts(info, TERMINAL)}
        ticks = []
        name = parts.get("symbol")
        if name is None and parts.get("symbolOf") is not None:
            name = symbol_of(mt5, parts["symbolOf"])
        if name is not None:
            symbol, tick = read_symbol(mt5, name)
            reply["symbol"] = None if symbol is None else facts(symbol, SYMBOL)
            reply["tick"] = None if tick is None else facts(tick, TICK)
            ticks.append(tick)
        positions = None
        if "positions" in parts:
            positions = listed(mt5, "positions_get", **filtered(parts["positions"]))
            reply["positions"] = [facts(position, POSITION) for position in positions]
        if "orders" in parts:
            orders = listed(mt5, "orders_get", **filtered(parts["orders"]))
            reply["orders"] = [facts(order, ORDER) for order in orders]
        if name is None and positions:
            names = list(dict.fromkeys(position.symbol for position in positions))[:CLOCK_SYMBOLS]
            ticks.extend(read_tick(mt5, one) for one in names)
        times = [plain(tick.time_msc) for tick in ticks if tick is not None]
        reply["broker_now_msc"] = max(times) if times else None
        return reply

    with Turn(state, message) as mt5:
        return on_account(mt5, message, work, lambda account: facts(account, ACCOUNT))


def op_history(state, message):
    # An older worker asks for no tickets.
    tag, tickets = message["tag"], set(message.get("tickets", ()))
    start, end = int(message["from"]), int(message["to"])

    def is_tagged(record):
        return identifier(record.magic) == str(tag) or is_marked(str(record.comment), tag)

    def is_asked(ticket):
        return identifier(ticket) in tickets

    def work(info):
        # What a disconnected terminal does not show may exist all the same.
        if not info.connected:
            raise ReadFailed("terminal_info", [RES_FAIL, "not connected to the broker"])
        # Open orders first: one that is done meanwhile is then found in the history.
        working = listed(mt5, "orders_get")
        orders = listed_history(mt5, "history_orders_get", start, end)
        deals = listed_history(mt5, "history_deals_get", start, end)
        found = [one for one in orders if is_tagged(one) or is_asked(one.ticket)]
        missing = tickets.difference(identifier(one.ticket) for one in (*working, *found))
        return {
            "kind": "ok",
            "open_orders": [facts(one, ORDER) for one in working if is_tagged(one) or is_asked(one.ticket)],
            "orders": [facts(one, ORDER) for one in found + [old for one in missing for old in ended_order(mt5, one)]],
            "deals": [facts(one, DEAL) for one in deals if is_tagged(one) or is_asked(one.order)],
            "counts": {"orders": len(orders), "deals": len(deals)},
        }

    with Turn(state, message) as mt5:
        return on_account(mt5, message, work, ref)


def placed_or_done(order):
    """Terminals select the orders of a period by one of the two."""
    return int(order.time_setup_msc), int(order.time_done_msc or order.time_setup_msc)


def deal_times(deal):
    return (int(deal.time_msc),)


RECORD_LISTS = {
    "orders": ("history_orders_get", placed_or_done, ORDER),
    "deals": ("history_deals_get", deal_times, DEAL),
}


def op_records(state, message):
    """One page of history, newest first: by the last of a record's times, and by ticket where two have the same."""
    name = message["list"]
    if name not in RECORD_LISTS:
        raise Problem("bad_request")
    call, times_of, shape = RECORD_LISTS[name]
    start, end = int(message["from_msc"]), int(message["to_msc"])
    position, before = message.get("position"), message.get("before")
    bound = None if before is None else (int(before["time_msc"]), int(before["ticket"]))
    limit = min(max(int(message["limit"]), 1), MAX_RECORDS)

    def place(record):
        return times_of(record)[-1], int(identifier(record.ticket))

    def is_asked(record):
        return (
            any(start <= time < end for time in times_of(record))
            and (position is None or identifier(record.position_id) == position)
            and (bound is None or place(record) < bound)
        )

    def work(info):
        # What a disconnected terminal does not show may exist all the same.
        if not info.connected:
            raise ReadFailed("terminal_info", [RES_FAIL, "not connected to the broker"])
        # Whole seconds around the period: whether the terminal counts its last one in is not written anywhere.
        found = listed_history(mt5, call, start // 1000, end // 1000 + 1)
        records = [one for one in found if is_asked(one)]
        records.sort(key=place, reverse=True)
        reply = {"kind": "ok", "orders": [], "deals": [], "truncated": len(records) > limit}
        reply[name] = [facts(one, shape) for one in records[:limit]]
        return reply

    with Turn(state, message) as mt5:
        return on_account(mt5, message, work, ref)


OPERATIONS = {
    "hello": op_hello,
    "adopt": op_adopt,
    "open": op_open,
    "login": op_login,
    "account": op_account,
    "read": op_read,
    "send": op_send,
    "query": op_query,
    "poison": op_poison,
    "history": op_history,
    "records": op_records,
}
READINGS = frozenset("account read history records".split())


def dispatch(state, text):
    """Never raises and never repeats what came in: an exception's text may hold a password."""
    try:
        # A forked child holds a copy of the state, not the state.
        if state.pid != os.getpid():
            raise Problem("forked")
        message = json.loads(text)
        operation = OPERATIONS.get(message.get("op"))
        if operation is None:
            raise Problem("bad_request")
        reply = encode({"ok": True, "value": operation(state, message)})
        if len(reply) <= MAX_REPLY_CHARS:
            return reply
        if message["op"] not in READINGS:
            raise Problem("too_large")
        # That an account holds more than can be told is its own matter, and no fault of the terminal.
        told = {"kind": "failed", "call": message["op"], "last_error": [RES_FAIL, "the reply is too large"]}
        return encode({"ok": True, "value": told})
    except Problem as problem:
        return encode(failure(problem.kind, problem.last_error))
    except Exception as raised:
        return encode(failure("internal", [RES_FAIL, type(raised).__name__]))


def failure(kind, last_error=None):
    return {"ok": False, "error": {"class": kind, "last_error": last_error}}


def encode(reply):
    # The time rides on every answer, so that the caller's idea of this clock never grows old.
    reply["now_ms"] = now_ms()
    return ENCODER.encode(reply)


# Made once per process: setdefault is one step, so two connections that install at the same time share one state.
STATE = sys.modules.setdefault(STATE_NAME, new_state())
with STATE.registry:
    # Functions alone are replaced; a send that is running finishes in the old ones, on the same state.
    if STATE.code[0] < VERSION:
        STATE.code = (VERSION, dispatch)


def switchyard_guard(text):
    return STATE.code[1](STATE, text)
