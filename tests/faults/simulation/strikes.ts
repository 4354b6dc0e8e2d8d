// What a terminal's call meets on its way: faults that strike inside the very call they are meant for.

import type { SendOrder } from "../../../bridge-worker/src/mt5/mod.ts";
import { type AccountRef, isSameAccount } from "../../../bridge-worker/src/protocol.ts";
import type { SimProcess } from "../../../bridge-worker/src/simulator/mod.ts";
import { HEDGING } from "./actors.ts";
import type { FaultPlan } from "./faults.ts";
import type { Loop } from "./loop.ts";
import type { OrderOddity } from "./paper-broker.ts";
import type { Random } from "./random.ts";

/** Of the orders that are sent while these are in the mixture; they count where the broker does it. */
const FILLED_IN_PART = 0.3;
const STOPPED_AT_ONCE = 0.1;

/** The terminal, as far as a fault touches it. */
export type Struck = {
  process: SimProcess;
  loop: Loop;
  random: Random;
  plan: FaultPlan;
  /** Where somebody at the window may switch to. */
  elsewhere: readonly AccountRef[];
  restart: () => void;
  switchTo: (account: AccountRef) => void;
  holdLock: (ms: number) => void;
  /** Whatever becomes of this order, nobody can say to which account it went. */
  disturb: (tag: number) => void;
  /** The broker does with this order what it does with no other. */
  mark: (tag: number, oddity: OrderOddity) => void;
};

export function strikeSend(struck: Struck, order: SendOrder): void {
  const { plan, random, elsewhere } = struck;
  if (plan.strikes("switched_before_send")) {
    struck.switchTo(random.pick(elsewhere.filter((one) => !isSameAccount(one, order.account))));
  }
  const { login, server } = order.account;
  const twin = elsewhere.find((one) => one.login === login && one.server !== server);
  if (twin !== undefined && plan.strikes("switched_to_same_login_elsewhere")) struck.switchTo(twin);
  if (plan.strikes("lock_held_before_send")) struck.holdLock(random.between(100, 30_000));
  if (plan.includes("filled_in_part") && random.chance(FILLED_IN_PART)) struck.mark(order.tag, { inPart: true });
  strikeOrderSend(struck, order);
}

/** At most one of these: they say how `order_send` itself goes. */
function strikeOrderSend(
  { plan, random, loop, process, elsewhere, restart, disturb, mark }: Struck,
  { tag, account, request }: SendOrder,
): void {
  const { faults } = process;
  const isOpening = request.position === undefined && request.order === undefined;
  const isStoppable = isOpening && account.server === HEDGING && request.magic === tag;
  const hang = (executes: boolean, ms: number): void =>
    faults.addSend({ kind: "hang", until: loop.sleep(ms), executes });
  if (plan.strikes("terminal_restarted_in_send")) {
    hang(random.chance(0.5), 60_000);
    loop.after(random.between(0, 3_000), restart);
  } else if (plan.strikes("send_hangs_executed")) hang(true, random.between(1_000, 90_000));
  else if (plan.strikes("send_hangs_not_executed")) hang(false, random.between(1_000, 90_000));
  else if (plan.strikes("send_slow")) hang(true, random.between(100, 5_000));
  else if (plan.strikes("send_answer_lost")) faults.addSend({ kind: "lost_reply" });
  else if (plan.strikes("send_request_lost")) faults.addSend({ kind: "lost_request" });
  else if (plan.strikes("send_rejected")) faults.addSend({ kind: "retcode", retcode: 10006, executes: false });
  else if (plan.strikes("send_10012_executed")) faults.addSend({ kind: "retcode", retcode: 10012, executes: true });
  else if (plan.strikes("send_10012_not_executed"))
    faults.addSend({ kind: "retcode", retcode: 10012, executes: false });
  else if (plan.strikes("send_none_executed"))
    faults.addSend({ kind: "none", lastError: [-10005, "IPC timeout"], executes: true });
  else if (plan.strikes("send_none_not_executed"))
    faults.addSend({ kind: "none", lastError: [-10004, "No IPC connection"], executes: false });
  else if (plan.strikes("switched_inside_send")) {
    faults.addSend({ kind: "switch_account", to: random.pick([...elsewhere, null]) });
    disturb(tag);
  } else if (isOpening && plan.strikes("order_strays")) {
    const others = elsewhere.filter((one) => !isSameAccount(one, account));
    faults.addSend({ kind: "switch_account", to: random.pick([...others, null]) });
    mark(tag, { strays: random.pick(others) });
    disturb(tag);
  } else if (isStoppable && plan.includes("stopped_at_once") && random.chance(STOPPED_AT_ONCE)) {
    // With its answer the worker would learn from this order that the broker keeps no marks.
    faults.addSend({ kind: "none", lastError: [-10005, "IPC timeout"], executes: true });
    mark(tag, { stopped: true });
    disturb(tag);
  }
}

export function strikeLogin({ plan, random, process: { faults } }: Struck): void {
  if (plan.strikes("login_slow")) faults.addLogin({ kind: "slow", ms: random.between(1_000, 20_000) });
  else if (plan.strikes("login_no_connection"))
    faults.addLogin({ kind: "no_connection", lastError: [-10005, "IPC timeout"] });
  else if (plan.strikes("login_answer_lost")) faults.addLogin({ kind: "lost_reply" });
}

/** `isLastLook`: the account is about to leave the terminal, for somebody who has not begun yet. */
export function strikeRead({ plan, process: { faults } }: Struck, isLastLook = false): void {
  if (isLastLook && plan.strikes("last_look_lost")) faults.addRead({ kind: "lost_reply" });
  else if (plan.strikes("read_failed"))
    faults.addRead({ kind: "failed", call: "positions_get", lastError: [-10004, "No IPC connection"] });
  else if (plan.strikes("read_answer_lost")) faults.addRead({ kind: "lost_reply" });
}
