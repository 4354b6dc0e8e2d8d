"""Tests of the guard in plain Python, with real threads, against the MetaTrader5 double. Run by guard.test.ts."""

import json
import os
import re
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "..", "tests", "support", "mt5"))

import MetaTrader5 as mt5  # noqa: E402

with open(os.path.join(HERE, "guard.py"), encoding="utf-8") as file:
    SOURCE = file.read()

VERSION = int(re.search(r"^VERSION = (\d+)$", SOURCE, re.MULTILINE).group(1))
OLDER = SOURCE.replace("\nVERSION = %d\n" % VERSION, "\nVERSION = %d\n" % (VERSION - 1))
NEWER = SOURCE.replace("\nVERSION = %d\n" % VERSION, "\nVERSION = %d\n" % (VERSION + 1))
# What a process of the first version holds. Its state is never made again, so nothing may need more than this.
FIRST_STATE = "epoch pid terminal registry tags max_tags forgotten owner path launch code".split()
ONE = {"login": "1001", "server": "Alpha-Demo"}
TWO = {"login": "1002", "server": "Alpha-Demo"}
NAMESAKE = {"login": "1001", "server": "Beta-Live"}
TAG = 2**40 + 7
STATE = "switchyard_guard_state"
SOON_MS = 20000


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("condition not met in time")
        time.sleep(0.002)


def install(source=SOURCE):
    """As one connection does: a namespace of its own."""
    namespace = {}
    exec(source, namespace)
    return namespace


def now():
    return time.monotonic() * 1000


class GuardTest(unittest.TestCase):
    def setUp(self):
        mt5._reset()
        sys.modules.pop(STATE, None)
        self.guard = install()["switchyard_guard"]
        self.state = sys.modules[STATE]
        self.adopt("me")
        self.value("open", path=None, portable=False)
        self.value("login", account=ONE, password="alpha-one")

    def call(self, op, guard=None, **fields):
        message = dict({"op": op, "owner": "me", "not_after": now() + SOON_MS}, **fields)
        return json.loads((guard or self.guard)(json.dumps(message)))

    def value(self, op, **fields):
        reply = self.call(op, **fields)
        self.assertTrue(reply["ok"], reply)
        return reply["value"]

    def problem(self, op, **fields):
        reply = self.call(op, **fields)
        self.assertFalse(reply["ok"], reply)
        return reply["error"]["class"]

    def adopt(self, owner):
        return self.value("adopt", owner=owner)

    def send(self, tag=TAG, **fields):
        return self.value("send", **self.order(tag, **fields))

    def order(self, tag=TAG, command="c1", account=ONE, request=None, **fields):
        base = {
            "action": 1,
            "symbol": "EURUSD",
            "volume": 1,
            "type": 0,
            "type_filling": 0,
            "magic": tag,
            "comment": "sy1",
        }
        request = dict(base, **(request or {}))
        return dict({"tag": tag, "command": command, "account": account, "request": request}, **fields)

    def background(self, work):
        """Runs in a thread of its own; `join` gives what it returned."""
        box = []
        thread = threading.Thread(target=lambda: box.append(work()))
        thread.start()

        def join():
            thread.join(10)
            self.assertFalse(thread.is_alive())
            return box[0]

        return join

    def hang(self):
        """A send that hangs inside order_send, holding the terminal."""
        mt5._control(json.dumps({"send": [{"hang": True}]}))
        join = self.background(lambda: self.send(TAG + 1, command="hanging"))
        until(lambda: json.loads(mt5._seen())["hanging"] == 1)
        return join

    def control(self, **fields):
        mt5._control(json.dumps(fields))

    def ledger(self):
        return json.loads(mt5._ledger())

    def sends(self):
        return json.loads(mt5._seen())["calls"].count("order_send")

    # ---- races -------------------------------------------------------------------------------------------------------

    def test_a_send_that_waits_and_is_poisoned_never_sends(self):
        hanging = self.hang()
        waiting = self.background(self.send)
        until(lambda: self.value("query", tag=TAG)["kind"] == "waiting")
        self.assertEqual(self.value("poison", tag=TAG, command="c1"), {"kind": "poisoned"})
        self.control(release=True)
        self.assertEqual(waiting(), {"kind": "refused", "reason": "poisoned"})
        self.assertEqual(hanging()["kind"], "sent")
        self.assertEqual([entry["magic"] for entry in self.ledger()], [str(TAG + 1)])
        self.assertEqual(self.value("query", tag=TAG), {"kind": "poisoned"})

    def test_a_repeated_send_hears_at_once_that_the_first_one_was_poisoned(self):
        hanging = self.hang()
        waiting = self.background(self.send)
        until(lambda: self.value("query", tag=TAG)["kind"] == "waiting")
        repeated = self.background(self.send)
        until(lambda: len(self.state.registry._waiters) == 1)
        self.value("poison", tag=TAG, command="c1")
        self.assertEqual(repeated(), {"kind": "refused", "reason": "poisoned"})
        self.control(release=True)
        self.assertEqual(waiting(), {"kind": "refused", "reason": "poisoned"})
        hanging()

    def test_a_send_that_expires_while_it_waits_never_sends(self):
        hanging = self.hang()
        limit = now() + 60
        self.assertEqual(self.send(not_after=limit), {"kind": "refused", "reason": "expired"})
        self.assertGreaterEqual(now(), limit)
        self.control(release=True)
        hanging()
        self.assertEqual(len(self.ledger()), 1)
        self.assertEqual(
            self.value("query", tag=TAG), {"kind": "finished", "reply": {"kind": "refused", "reason": "expired"}}
        )

    def test_a_limit_that_passes_during_the_checks_stops_the_send(self):
        limit = now() + 40
        original = mt5.account_info

        def slow():
            until(lambda: now() > limit)
            return original()

        mt5.account_info = slow
        try:
            self.assertEqual(self.send(not_after=limit)["reason"], "expired")
        finally:
            mt5.account_info = original
        self.assertEqual(self.sends(), 0)

    def test_the_last_owner_wins_also_against_a_send_that_already_waits(self):
        hanging = self.hang()
        waiting = self.background(self.send)
        until(lambda: self.value("query", tag=TAG)["kind"] == "waiting")
        self.adopt("other")
        self.control(release=True)
        self.assertEqual(waiting(), {"kind": "refused", "reason": "stale_owner"})
        hanging()
        self.assertEqual(len(self.ledger()), 1)
        for op, fields in (("login", {"account": ONE, "password": "alpha-one"}), ("open", {})):
            self.assertEqual(self.problem(op, **fields), "stale_owner")

    def install_older(self):
        """The process as an older worker left it, with nothing in its state that the first version lacked."""
        sys.modules.pop(STATE)
        self.guard = install(OLDER)["switchyard_guard"]
        self.state = sys.modules[STATE]
        for name in set(vars(self.state)) - set(FIRST_STATE) - {n for n in vars(self.state) if n.startswith("__")}:
            delattr(self.state, name)
        self.adopt("me")
        self.value("open", path=None, portable=False)
        self.assertEqual(self.value("hello")["version"], VERSION - 1)

    def test_an_upgrade_during_a_send_keeps_the_state_and_its_answer(self):
        self.install_older()
        hanging = self.hang()
        newer = install()["switchyard_guard"]
        self.assertIs(sys.modules[STATE], self.state)
        self.assertEqual(self.call("hello", guard=newer)["value"]["version"], VERSION)
        # The connection that installed the older version uses the new functions too.
        self.assertEqual(self.value("hello")["version"], VERSION)
        self.assertEqual(self.call("query", guard=newer, tag=TAG + 1)["value"], {"kind": "sending"})
        self.assertEqual(self.value("poison", tag=TAG + 1, command="hanging"), {"kind": "sending"})
        repeated = self.background(lambda: self.call("send", guard=newer, **self.order(TAG + 1, command="hanging")))
        self.control(release=True)
        first = hanging()
        self.assertEqual(first["result"]["retcode"], 10009)
        self.assertEqual(repeated()["value"], first)
        self.assertEqual(self.call("query", guard=newer, tag=TAG + 1)["value"], {"kind": "finished", "reply": first})
        self.assertEqual((self.sends(), len(self.ledger())), (1, 1))

    def test_a_send_that_waits_in_the_older_functions_obeys_the_newer_ones(self):
        self.install_older()
        hanging = self.hang()
        waiting = [self.background(lambda tag=tag: self.send(tag)) for tag in (TAG + 2, TAG + 3)]
        until(lambda: {self.value("query", tag=tag)["kind"] for tag in (TAG + 2, TAG + 3)} == {"waiting"})
        newer = install()["switchyard_guard"]
        self.assertEqual(self.call("poison", guard=newer, tag=TAG + 2, command="c1")["value"], {"kind": "poisoned"})
        self.call("adopt", guard=newer, owner="other")
        self.control(release=True)
        self.assertEqual([join()["reason"] for join in waiting], ["poisoned", "stale_owner"])
        hanging()
        self.assertEqual(self.sends(), 1)

    def test_a_state_of_the_first_version_is_enough_for_every_call(self):
        self.install_older()
        self.guard = install()["switchyard_guard"]
        self.state.max_tags = 1
        self.assertEqual(self.send()["result"]["retcode"], 10009)
        self.value("poison", tag=TAG + 1, command="c1")
        self.assertEqual(self.value("query", tag=TAG), {"kind": "forgotten"})
        for op, fields in (
            ("login", {"account": ONE, "password": "alpha-one"}),
            ("account", {"account": ONE}),
            ("read", {"account": ONE, "parts": {"positions": {}}}),
            # As the first version's workers ask: with a mark, without tickets.
            ("history", {"account": ONE, "tag": TAG, "mark": "x", "from": 0, "to": int(time.time()) + 86400}),
        ):
            self.assertEqual(self.value(op, **fields)["kind"], "ok")

    def test_an_older_guard_does_not_replace_a_newer_one(self):
        install(NEWER)
        self.assertEqual(self.value("hello")["version"], VERSION + 1)
        install()
        self.assertEqual(self.value("hello")["version"], VERSION + 1)

    def test_the_same_tag_twice_sends_once(self):
        first = self.send()
        self.assertEqual(self.send(), first)
        self.assertEqual(self.sends(), 1)

    def test_sixteen_threads_with_one_tag_send_once(self):
        self.control(send_ms=5)
        joins = [self.background(self.send) for _ in range(16)]
        replies = [join() for join in joins]
        self.assertEqual(replies, [replies[0]] * 16)
        self.assertEqual((self.sends(), len(self.ledger())), (1, 1))

    def test_a_tag_of_another_command_is_refused(self):
        self.send()
        self.assertEqual(self.send(command="c2"), {"kind": "refused", "reason": "poisoned"})
        self.assertEqual(self.value("poison", tag=TAG, command="c2"), {"kind": "forgotten"})
        self.assertEqual(self.sends(), 1)

    def test_query_and_poison_answer_beside_a_hanging_send(self):
        hanging = self.hang()
        self.assertEqual(self.value("query", tag=TAG + 1), {"kind": "sending"})
        self.assertEqual(self.value("poison", tag=TAG + 1, command="hanging"), {"kind": "sending"})
        self.assertEqual(self.problem("read", account=ONE, parts={}, not_after=now() + 30), "busy")
        self.control(release=True)
        reply = hanging()
        self.assertEqual(self.value("poison", tag=TAG + 1, command="hanging"), {"kind": "finished", "reply": reply})

    def test_a_poisoned_unseen_tag_never_sends(self):
        self.assertEqual(self.value("query", tag=TAG), {"kind": "unseen"})
        self.assertEqual(self.value("poison", tag=TAG, command="c1"), {"kind": "poisoned"})
        self.assertEqual(self.send(), {"kind": "refused", "reason": "poisoned"})
        self.assertEqual(self.sends(), 0)

    def test_a_login_that_waited_too_long_does_not_happen(self):
        hanging = self.hang()
        self.assertEqual(self.problem("login", account=TWO, password="alpha-two", not_after=now() + 30), "busy")
        self.control(release=True)
        hanging()
        self.assertEqual(mt5.account_info().login, 1001)

    def test_a_call_whose_time_is_over_does_not_touch_a_free_terminal(self):
        calls = len(json.loads(mt5._seen())["calls"])
        self.assertEqual(self.problem("login", account=TWO, password="alpha-two", not_after=now() - 1), "busy")
        self.assertEqual(len(json.loads(mt5._seen())["calls"]), calls)

    def test_a_forked_copy_of_the_state_refuses(self):
        self.state.pid += 1
        self.assertEqual(self.problem("query", tag=TAG), "forked")
        self.assertEqual(self.problem("send", **self.order()), "forked")
        self.assertEqual(self.sends(), 0)

    def test_an_account_switched_while_a_send_waits_is_seen_when_its_turn_comes(self):
        hanging = self.hang()
        waiting = self.background(self.send)
        until(lambda: self.value("query", tag=TAG)["kind"] == "waiting")
        self.control(switch=TWO, release=True)
        self.assertEqual(waiting(), {"kind": "refused", "reason": "wrong_account", "actual": TWO})
        hanging()
        self.assertEqual(self.sends(), 1)

    def test_a_send_that_gets_the_terminal_after_its_limit_never_sends(self):
        # The lock is given although the time is over, as a scheduler under load may do.
        limit = now() - 1
        namespace = install()
        namespace["take_terminal"] = lambda state, not_after: state.terminal.acquire()
        reply = json.loads(namespace["dispatch"](self.state, json.dumps(
            dict({"op": "send", "owner": "me", "not_after": limit}, **self.order())
        )))
        self.assertEqual(reply["value"], {"kind": "refused", "reason": "expired"})
        self.assertEqual(self.sends(), 0)

    def test_a_terminal_that_was_restarted_is_not_sent_to_before_it_is_opened_again(self):
        self.control(initialized=False)
        self.assertEqual(self.send(), {"kind": "refused", "reason": "not_connected"})
        self.value("open", path=None, portable=False)
        self.assertEqual(self.send(TAG + 1)["result"]["retcode"], 10009)
        self.assertEqual(self.sends(), 1)

    def test_a_second_call_beside_a_hanging_send_waits_for_its_answer_or_is_refused(self):
        hanging = self.hang()
        again = self.order(TAG + 1, command="hanging")
        self.assertEqual(self.problem("send", **dict(again, not_after=now() + 30)), "busy")
        # Another command's tag is refused at once, and learns nothing.
        self.assertEqual(self.send(TAG + 1, command="c2"), {"kind": "refused", "reason": "poisoned"})
        self.assertEqual(self.value("query", tag=TAG + 1), {"kind": "sending"})
        repeated = self.background(lambda: self.value("send", **again))
        self.control(release=True)
        self.assertEqual(repeated(), hanging())
        self.assertEqual(self.sends(), 1)

    # ---- a thread that dies --------------------------------------------------------------------------------------------

    def breaking(self, name, error, calls=1):
        """Makes one call of the package raise, once it was called often enough."""
        original, left = getattr(mt5, name), [calls]

        def broken(*args, **options):
            left[0] -= 1
            if left[0] == 0:
                raise error
            return original(*args, **options)

        setattr(mt5, name, broken)
        self.addCleanup(setattr, mt5, name, original)

    def test_a_thread_that_is_told_to_end_inside_order_send_leaves_an_answer_behind(self):
        for number, error in enumerate((KeyboardInterrupt(), SystemExit())):
            with self.subTest(error=error):
                self.breaking("order_send", error)
                with self.assertRaises(type(error)):
                    self.send(TAG + number)
                state = self.value("query", tag=TAG + number)
                broken = {"kind": "sent", "result": None, "last_error": [-1, "the send was broken off"], "after": None}
                self.assertEqual(state, {"kind": "finished", "reply": broken})
                # It may have been sent: never again, and the terminal is free for others.
                self.assertEqual(self.send(TAG + number), broken)
        self.assertEqual(self.send(TAG + 9)["result"]["retcode"], 10009)

    def test_what_order_send_answered_survives_whatever_breaks_after_it(self):
        for number, error in enumerate((SystemExit(), RuntimeError())):
            with self.subTest(error=error):
                # The second look at the account is the one after the order.
                self.breaking("account_info", error, calls=2)
                try:
                    self.send(TAG + number)
                except SystemExit:
                    pass
                reply = self.value("query", tag=TAG + number)["reply"]
                self.assertEqual((reply["kind"], reply["result"]["retcode"], reply["after"]), ("sent", 10009, None))
        self.assertEqual(len(self.ledger()), 2)

    def test_what_breaks_before_order_send_is_certainly_no_order(self):
        for number, error in enumerate((SystemExit(), RuntimeError())):
            with self.subTest(error=error):
                self.breaking("terminal_info", error)
                try:
                    self.send(TAG + number)
                except SystemExit:
                    pass
                refused = {"kind": "refused", "reason": "not_connected"}
                self.assertEqual(self.value("query", tag=TAG + number), {"kind": "finished", "reply": refused})
        self.assertEqual(self.sends(), 0)
        self.assertEqual(self.send(TAG + 9)["result"]["retcode"], 10009)

    def test_a_poisoned_send_stays_poisoned_when_its_thread_dies(self):
        hanging = self.hang()
        waiting = self.background(self.send)
        until(lambda: self.value("query", tag=TAG)["kind"] == "waiting")
        self.value("poison", tag=TAG, command="c1")
        self.breaking("terminal_info", RuntimeError())
        self.control(release=True)
        self.assertEqual(waiting(), {"kind": "refused", "reason": "poisoned"})
        hanging()
        self.assertEqual(self.value("query", tag=TAG), {"kind": "poisoned"})

    def test_memory_that_runs_out_while_a_tag_is_registered_leaves_no_tag_behind(self):
        self.state.max_tags = 1
        self.value("poison", tag=TAG + 1, command="x")
        # A filter that cannot be written to fails as one that cannot be made does.
        self.state.forgotten = bytes(2**23)
        self.assertEqual(self.problem("send", **self.order()), "internal")
        self.state.forgotten = None
        self.assertEqual(self.value("query", tag=TAG), {"kind": "unseen"})
        self.assertEqual(self.sends(), 0)

    # ---- memory ------------------------------------------------------------------------------------------------------

    def test_the_registry_keeps_100000_tags_and_evicted_ones_are_forgotten(self):
        self.assertEqual(self.state.max_tags, 100000)
        self.state.max_tags = 3
        self.send()
        for more in (1, 2):
            self.value("poison", tag=TAG + more, command="x")
        self.assertEqual(self.value("query", tag=TAG)["kind"], "finished")
        self.value("poison", tag=TAG + 3, command="x")
        self.assertEqual(self.value("query", tag=TAG), {"kind": "forgotten"})
        self.assertEqual(self.value("query", tag=TAG + 4), {"kind": "unseen"})
        # Forgotten is not unseen: it is not sent again, and poisoning it proves nothing.
        self.assertEqual(self.problem("send", **self.order()), "forgotten")
        self.assertEqual(self.value("poison", tag=TAG, command="c1"), {"kind": "forgotten"})
        self.assertEqual(self.value("query", tag=TAG), {"kind": "forgotten"})
        self.assertEqual(self.problem("send", **self.order()), "forgotten")
        self.assertEqual(self.sends(), 1)

    def test_of_thousands_of_evicted_tags_none_is_called_unseen_and_no_other_one_forgotten(self):
        self.state.max_tags = 1
        for more in range(3000):
            self.value("poison", tag=TAG + more, command="x")
        kinds = [self.value("query", tag=TAG + more)["kind"] for more in range(6000)]
        self.assertEqual(kinds, ["forgotten"] * 2999 + ["poisoned"] + ["unseen"] * 3000)

    def test_a_tag_that_waits_or_sends_is_never_evicted(self):
        self.state.max_tags = 2
        hanging = self.hang()
        for more in range(2, 6):
            self.value("poison", tag=TAG + more, command="x")
        self.assertEqual(self.value("query", tag=TAG + 1), {"kind": "sending"})
        waiting = [self.background(lambda tag=tag: self.send(tag)) for tag in range(TAG + 10, TAG + 13)]
        until(lambda: {self.value("query", tag=tag)["kind"] for tag in range(TAG + 10, TAG + 13)} == {"waiting"})
        self.control(release=True)
        hanging()
        self.assertEqual([join()["result"]["retcode"] for join in waiting], [10009] * 3)
        # Their places are given back once their fate is known.
        self.value("poison", tag=TAG + 20, command="x")
        self.assertEqual(len(self.state.tags), 2)

    # ---- checks before the send --------------------------------------------------------------------------------------

    def test_another_account_or_the_same_login_elsewhere_is_refused(self):
        self.assertEqual(
            self.send(account=TWO), {"kind": "refused", "reason": "wrong_account", "actual": ONE}
        )
        self.assertEqual(self.send(TAG + 1, account=NAMESAKE)["reason"], "wrong_account")
        self.control(switch=None)
        self.assertEqual(self.send(TAG + 2), {"kind": "refused", "reason": "wrong_account", "actual": None})
        self.assertEqual(self.sends(), 0)

    def test_terminal_and_permissions_are_checked(self):
        cases = (
            ({"path": "C:\\Other"}, {"path": mt5._DEFAULT_PATH}, "wrong_terminal"),
            ({"connected": False}, {"connected": True}, "not_connected"),
            ({"initialized": False}, {"initialized": True}, "not_connected"),
            ({"auto_trading": False}, {"auto_trading": True}, "trading_disabled"),
            ({"api_disabled": True}, {"api_disabled": False}, "trading_disabled"),
            ({"trade_expert": False}, {"trade_expert": True}, "trading_disabled"),
        )
        for number, (broken, mended, reason) in enumerate(cases):
            with self.subTest(broken=broken):
                self.control(**broken)
                self.assertEqual(self.send(TAG + number)["reason"], reason)
                self.control(**mended)
        self.value("login", account=ONE, password="alpha-look")
        self.assertEqual(self.send(TAG + 50)["reason"], "trading_disabled")
        self.assertEqual(self.sends(), 0)

    def test_nothing_is_sent_or_logged_in_after_an_opening_that_failed(self):
        path = "D:\\Terminals\\one\\terminal64.exe"
        self.control(fail={"initialize": [-10005, "IPC timeout"]})
        self.assertEqual(self.problem("open", path=path, portable=False), "initialize_failed")
        # The terminal of the opening before runs on, and is not the one that is wanted now.
        self.control(initialized=True)
        self.assertEqual(self.problem("login", account=ONE, password="alpha-one"), "wrong_terminal")
        self.assertEqual(self.send()["reason"], "wrong_terminal")
        # Without a path to compare with, none was found yet.
        self.control(initialized=False, fail={"initialize": [-10005, "IPC timeout"]})
        self.assertEqual(self.problem("open", path=None, portable=False), "initialize_failed")
        self.control(initialized=True)
        self.assertEqual(self.send(TAG + 1)["reason"], "wrong_terminal")
        self.assertEqual(self.sends(), 0)

    def test_a_close_needs_its_position_with_that_side_and_volume(self):
        ticket = self.send()["result"]["order"]
        close = {"type": 1, "position": ticket}
        for number, (side, volume) in enumerate(((1, 1), (0, 1.01))):
            require = {"ticket": ticket, "type": side, "min_volume": volume}
            reply = self.send(TAG + 1 + number, request=close, require_position=require)
            self.assertEqual(reply["reason"], "position_changed")
        self.control(fail={"positions_get": [-10004, "No IPC connection"]})
        require = {"ticket": ticket, "type": 0, "min_volume": 1}
        self.assertEqual(self.send(TAG + 4, request=close, require_position=require)["reason"], "not_connected")
        self.assertEqual(self.send(TAG + 5, request=close, require_position=require)["result"]["retcode"], 10009)
        self.assertEqual(self.send(TAG + 6, request=close, require_position=require)["reason"], "position_changed")
        self.assertEqual(self.sends(), 2)

    def test_a_ticket_that_no_terminal_can_hold_is_no_position_and_no_fault(self):
        for ticket in (2**64 - 1, 2**64, 10**20 - 1):
            reply = self.value("read", account=ONE, parts={"symbolOf": str(ticket), "positions": {}})
            self.assertEqual((reply["kind"], reply["positions"], reply.get("symbol")), ("ok", [], None))

    def test_an_account_that_changes_during_a_read_spoils_the_reading(self):
        original = mt5.positions_get

        def switching(**filters):
            self.control(switch=NAMESAKE)
            return original(**filters)

        mt5.positions_get = switching
        try:
            reply = self.value("read", account=ONE, parts={"positions": {}})
        finally:
            mt5.positions_get = original
        self.assertEqual(reply, {"kind": "wrong_account", "actual": NAMESAKE})

    def test_an_order_that_is_done_while_records_are_read_is_in_one_of_them(self):
        pending = {"action": 5, "type": 2, "price": 1, "type_filling": 2}
        ticket = self.send(request=pending)["result"]["order"]
        originals, looks = {name: getattr(mt5, name) for name in ("orders_get", "history_orders_get")}, []

        def between(name):
            def look(*args, **options):
                records = originals[name](*args, **options)
                if not looks:
                    request = {"action": 8, "order": int(ticket), "magic": 1, "comment": ""}
                    self.assertEqual(mt5.order_send(request).retcode, 10009)
                looks.append(name)
                return records

            return look

        for name in originals:
            setattr(mt5, name, between(name))
            self.addCleanup(setattr, mt5, name, originals[name])
        reply = self.value("history", account=ONE, tag=TAG, tickets=[], **{"from": 0, "to": int(time.time()) + 86400})
        self.assertEqual({order["ticket"] for order in reply["open_orders"] + reply["orders"]}, {ticket})

    def test_an_order_asked_for_by_ticket_is_found_however_old_it_was_when_it_ended(self):
        pending = {"action": 5, "type": 2, "price": 1, "type_filling": 2}
        ticket = self.send(request=pending)["result"]["order"]
        mt5._current().orders[int(ticket)]["setup"] -= 90 * 86400 * 1000
        removal = {"action": 8, "order": ticket, "magic": TAG + 1, "comment": ""}
        self.assertEqual(self.send(TAG + 1, command="c2", request=removal)["result"]["retcode"], 10009)
        period = {"from": int(time.time()) - 86400, "to": int(time.time()) + 86400}
        for tickets in [ticket], [ticket, str(2**70), "77"]:
            reply = self.value("history", account=ONE, tag=TAG + 1, tickets=tickets, **period)
            self.assertEqual([order["ticket"] for order in reply["orders"]], [ticket])
            self.assertEqual(reply["counts"], {"orders": 0, "deals": 0})
        # A terminal that cannot answer shows nothing, and has said so.
        original = mt5.history_orders_get
        self.addCleanup(setattr, mt5, "history_orders_get", original)
        mt5.history_orders_get = lambda *args, **options: None if options else original(*args)
        reply = self.value("history", account=ONE, tag=TAG + 1, tickets=[ticket], **period)
        self.assertEqual((reply["kind"], reply["orders"]), ("ok", []))

    def records(self, name, original, found, **fields):
        """What `records` makes of a terminal that shows `found`."""
        setattr(mt5, original, lambda start, end: found)
        query = dict({"list": name, "from_msc": 1000, "to_msc": 5000, "limit": 9}, **fields)
        return self.value("records", account=ONE, **query)

    def test_an_order_belongs_to_the_period_it_was_placed_or_done_in_and_stands_where_it_was_done(self):
        self.send()
        whole = mt5.history_orders_get(0, int(time.time()) + 86400)[0]
        original = mt5.history_orders_get
        self.addCleanup(setattr, mt5, "history_orders_get", original)
        times = {1: (500, 900), 2: (500, 1000), 3: (4999, 7000), 4: (5000, 7000), 5: (2000, 0), 6: (500, 5000)}
        orders = [
            whole._replace(ticket=ticket, time_setup_msc=placed, time_done_msc=done)
            for ticket, (placed, done) in times.items()
        ]
        reply = self.records("orders", "history_orders_get", orders)
        self.assertEqual([one["ticket"] for one in reply["orders"]], ["3", "5", "2"])
        self.assertEqual((reply["deals"], reply["truncated"], reply["account"]), ([], False, ONE))

    def test_records_reach_to_the_last_millisecond_however_the_terminal_counts_seconds(self):
        self.send()
        whole = mt5.history_deals_get(0, int(time.time()) + 86400)[0]
        self.addCleanup(setattr, mt5, "history_deals_get", mt5.history_deals_get)
        deals = [whole._replace(ticket=ticket, time_msc=ticket) for ticket in (999, 1000, 5499, 5500, 5501)]
        for ends in (lambda at, end: at < end, lambda at, end: at <= end, lambda at, end: at // 1000 <= end // 1000):
            mt5.history_deals_get = lambda start, end: tuple(
                one for one in deals if start * 1000 <= one.time_msc and ends(one.time_msc, end * 1000)
            )
            query = {"list": "deals", "from_msc": 1000, "to_msc": 5500, "limit": 9}
            reply = self.value("records", account=ONE, **query)
            self.assertEqual([one["ticket"] for one in reply["deals"]], ["5499", "1000"])

    def test_a_page_of_records_is_never_larger_than_agreed(self):
        self.send()
        whole = mt5.history_deals_get(0, int(time.time()) + 86400)[0]
        self.addCleanup(setattr, mt5, "history_deals_get", mt5.history_deals_get)
        whole = whole._replace(profit=-12.5, swap=-1, commission=-0.07, time_msc=2000)
        deals = [whole._replace(ticket=2**63 + number) for number in range(600)]
        reply = self.records("deals", "history_deals_get", deals, limit=10**9)
        tickets = [int(deal["ticket"]) for deal in reply["deals"]]
        self.assertEqual(tickets, [2**63 + number for number in range(599, 99, -1)])
        self.assertTrue(reply["truncated"])
        first = reply["deals"][0]
        self.assertEqual([first[name] for name in ("profit", "swap", "commission", "fee")], [-12.5, -1, -0.07, None])
        before = {"time_msc": 2000, "ticket": str(2**63 + 100)}
        rest = self.records("deals", "history_deals_get", deals, limit=500, before=before)
        self.assertEqual((len(rest["deals"]), rest["truncated"]), (100, False))
        self.assertEqual(rest["deals"][0]["ticket"], str(2**63 + 99))
        self.assertEqual(len(self.records("deals", "history_deals_get", deals, limit=0)["deals"]), 1)

    def test_records_are_those_of_the_two_lists(self):
        query = {"account": ONE, "from_msc": 0, "to_msc": 1, "limit": 1}
        self.assertEqual(self.problem("records", list="positions", **query), "bad_request")

    def test_an_account_that_changes_while_records_are_read_spoils_them(self):
        original = mt5.history_deals_get
        self.addCleanup(setattr, mt5, "history_deals_get", original)

        def switching(start, end):
            self.control(switch=NAMESAKE)
            return original(start, end)

        mt5.history_deals_get = switching
        reply = self.value("records", account=ONE, list="deals", from_msc=0, to_msc=1, limit=1)
        self.assertEqual(reply, {"kind": "wrong_account", "actual": NAMESAKE})

    def test_a_login_counts_only_when_the_terminal_is_connected_again(self):
        original, looks = mt5.terminal_info, []

        def reconnecting():
            looks.append(1)
            return original()._replace(connected=len(looks) > 3)

        mt5.terminal_info = reconnecting
        try:
            reply = self.value("login", account=TWO, password="alpha-two")
            late = self.value("read", account=TWO, parts={})
        finally:
            mt5.terminal_info = original
        self.assertTrue(reply["terminal"]["connected"] and late["terminal"]["connected"])
        self.assertGreater(len(looks), 3)

    def test_a_request_that_is_not_well_formed_is_not_even_registered(self):
        wrong = ({"magic": TAG + 1}, {"volume": "1"}, {"volume": True}, {"type": 0.5}, {"position": "x"}, {"other": 1})
        for bad in wrong:
            with self.subTest(bad=bad):
                self.assertEqual(self.problem("send", **self.order(request=bad)), "bad_request")
        for limit in ("x", True, None, float("nan"), float("inf")):
            self.assertEqual(self.problem("send", **self.order(not_after=limit)), "bad_request")
        for bad in ({"tag": float(TAG)}, {"owner": None}, {"account": None}):
            message = dict({"op": "send", "owner": "me", "not_after": now() + SOON_MS}, **dict(self.order(), **bad))
            message = {name: value for name, value in message.items() if value is not None}
            self.assertEqual(json.loads(self.guard(json.dumps(message)))["error"]["class"], "bad_request")
        self.assertEqual(self.value("query", tag=TAG), {"kind": "unseen"})
        self.assertEqual(self.problem("read", account=ONE, parts={}, not_after=float("nan")), "bad_request")

    def test_a_callers_own_magic_needs_the_tag_at_the_front_of_the_comment(self):
        mark = install()["mark_of"](TAG)
        self.assertEqual(int(mark[2:], 36), TAG)
        own = {"magic": 7, "comment": mark}
        longer = mark + "0"
        wrong = (
            (own, {}),
            (own, {"own_magic": 1}),
            (dict(own, comment=""), {"own_magic": True}),
            (dict(own, comment=longer), {"own_magic": True}),
            (dict(own, comment="x" + mark), {"own_magic": True}),
            (dict(own, comment=mark + " " * 20), {"own_magic": True}),
            (dict(own, comment=mark + " \u00fc"), {"own_magic": True}),
            (dict(own, magic=2**40), {"own_magic": True}),
            (dict(own, magic=-1), {"own_magic": True}),
        )
        for request, more in wrong:
            with self.subTest(request=request, more=more):
                self.assertEqual(self.problem("send", **self.order(request=request, **more)), "bad_request")
        self.assertEqual(self.value("query", tag=TAG), {"kind": "unseen"})
        for number, (magic, appended) in enumerate(((7, ""), (2**40 - 1, ""), (0, " x"))):
            tag = TAG + number
            request = {"magic": magic, "comment": install()["mark_of"](tag) + appended}
            self.assertEqual(self.send(tag, request=request, own_magic=True)["result"]["retcode"], 10009)
        self.assertEqual([entry["magic"] for entry in self.ledger()], ["7", str(2**40 - 1), "0"])
        found = self.value("history", account=ONE, tag=TAG, tickets=[], **{"from": 0, "to": int(time.time()) + 86400})
        self.assertEqual([order["magic"] for order in found["orders"]], ["7"])

    # ---- what order_send answered ------------------------------------------------------------------------------------

    def test_none_keeps_the_error_of_the_same_call(self):
        self.control(send=[{"error": [-10005, "IPC timeout"], "executed": True}])
        reply = self.send()
        self.assertEqual((reply["result"], reply["last_error"], reply["after"]), (None, [-10005, "IPC timeout"], ONE))
        reply = self.send(TAG + 1, request={"comment": "x" * 28})
        self.assertEqual((reply["result"], reply["last_error"]), (None, [-2, 'Invalid "comment" argument']))
        self.assertEqual(len(self.ledger()), 1)

    def test_an_exception_out_of_order_send_is_no_proof_of_anything(self):
        self.control(send=[{"raise": True}])
        reply = self.send()
        self.assertEqual((reply["kind"], reply["result"], reply["last_error"][0]), ("sent", None, -1))

    def test_a_stale_error_is_not_taken_for_a_local_refusal(self):
        original, mt5.order_send = mt5.order_send, lambda request: None
        stale, mt5.last_error = mt5.last_error, lambda: (-2, 'Invalid "volume" argument')
        try:
            reply = self.send()
        finally:
            mt5.order_send, mt5.last_error = original, stale
        self.assertEqual(reply["last_error"], [-1, "last_error was not renewed"])

    def test_the_keyword_form_is_tried_only_after_exactly_that_refusal(self):
        self.control(keywords_only=True)
        self.assertEqual(self.send()["result"]["retcode"], 10009)
        self.assertEqual((self.sends(), len(self.ledger())), (2, 1))
        self.control(keywords_only=False, send=[{"error": [-2, "Unnamed arguments"], "executed": True}])
        self.assertIsNone(self.send(TAG + 1)["result"])
        self.assertEqual(self.sends(), 3)

    def test_that_refusal_left_over_from_an_earlier_call_does_not_send_again(self):
        calls = []
        originals = mt5.order_send, mt5.last_error
        self.addCleanup(lambda: (setattr(mt5, "order_send", originals[0]), setattr(mt5, "last_error", originals[1])))
        mt5.last_error = lambda: (-2, "Unnamed arguments not allowed")
        mt5.order_send = lambda *request, **fields: calls.append((request, fields))
        reply = self.send()
        self.assertEqual((len(calls), reply["result"], reply["last_error"][0]), (1, None, -1))

    def test_the_account_is_read_again_after_the_send(self):
        self.control(send=[{"switch": TWO}])
        reply = self.send()
        self.assertEqual((reply["result"]["retcode"], reply["after"]), (10009, TWO))
        self.control(switch=ONE, send=[{"switch_after": None}])
        self.assertIsNone(self.send(TAG + 1)["after"])

    # ---- values and secrets ------------------------------------------------------------------------------------------

    def test_no_number_is_damaged_and_none_is_not_json(self):
        self.send(request={"symbol": "USDJPY"})
        reply = self.value("read", account=ONE, parts={"positions": {}, "symbol": "USDJPY"})
        position = reply["positions"][0]
        self.assertEqual(position["ticket"], str(2**53 + 1))
        self.assertEqual(position["magic"], str(TAG))
        self.assertIsNone(position["swap"])
        self.assertIsInstance(reply["account"]["balance"], float)
        self.assertIs(reply["account"]["trade_allowed"], True)
        self.assertIsNone(reply["symbol"]["volume_limit"])
        self.assertEqual(reply["account"]["name"], "Zo\u00eb \u00dcnal \U0001f600")
        raw = self.guard(json.dumps({"op": "read", "account": ONE, "parts": {}, "not_after": now() + SOON_MS}))
        self.assertTrue(raw.isascii())
        self.assertNotIn("NaN", raw)

    def test_a_signed_magic_is_shown_as_the_unsigned_one_it_is(self):
        guard = install()
        self.assertEqual(guard["identifier"](-1), str(2**64 - 1))
        self.assertEqual(guard["identifier"](2**64 - 1), str(2**64 - 1))

    def test_numpy_scalars_become_plain_values(self):
        import numpy

        plain = install()["plain"]
        for value, expected in (
            (numpy.int64(2**62), 2**62),
            (numpy.uint64(2**63), 2**63),
            (numpy.float32(0.5), 0.5),
            (numpy.bool_(True), True),
            (numpy.float64("nan"), None),
            (float("-inf"), None),
            (object(), None),
        ):
            self.assertEqual(plain(value), expected)
            self.assertIs(type(plain(value)), type(expected))

    def test_a_password_never_comes_back(self):
        original = mt5.login

        def raising(login, *, password, server, timeout):
            raise RuntimeError("cannot log in with " + password)

        mt5.login = raising
        try:
            replies = [self.call("login", account=ONE, password="S3cret")]
        finally:
            mt5.login = original
        replies.append(self.call("login", account={"login": "x"}, password="S3cret"))
        replies.append(self.call("login", account=ONE, password="S3cret"))
        replies.append(self.guard('{"op":"login","password":"S3cret",'))
        replies.append(self.guard("[1]"))
        self.assertNotIn("S3cret", json.dumps(replies))
        self.assertEqual(replies[0]["value"]["last_error"], [-10005, "login raised RuntimeError"])
        self.assertEqual([reply["error"]["class"] for reply in map(json.loads, replies[3:])], ["internal", "internal"])

    def test_a_reading_that_is_too_large_is_one_that_failed_and_no_fault_of_the_terminal(self):
        namespace = install()
        namespace["MAX_REPLY_CHARS"] = 50
        for op, fields in (
            ("read", {"parts": {"positions": {}}}),
            ("history", {"tag": TAG, "tickets": [], "from": 0, "to": 1}),
        ):
            message = dict({"op": op, "account": ONE, "not_after": now() + SOON_MS}, **fields)
            reply = json.loads(namespace["dispatch"](self.state, json.dumps(message)))
            failed = {"kind": "failed", "call": op, "last_error": [-1, "the reply is too large"]}
            self.assertEqual(reply["value"], failed)
        reply = json.loads(namespace["dispatch"](self.state, json.dumps({"op": "hello"})))
        self.assertEqual(reply["error"]["class"], "too_large")

    def test_the_source_runs_on_python_3_8(self):
        import ast

        ast.parse(SOURCE, feature_version=(3, 8))


if __name__ == "__main__":
    unittest.main()
