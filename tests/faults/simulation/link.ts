// One link between an isolate and the worker: two directions, each in order and once, until a fault strikes a frame.
import type { BridgeTransport } from "../../../supabase/functions/api/bridge/mod.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import type { Lifeline } from "./lifeline.ts";
import type { Loop } from "./loop.ts";
import type { Random } from "./random.ts";

/** The worker's end of one link. */
export type WorkerEnd = { receive: (text: string) => void; gone: () => void };

export type WireOptions = {
  loop: Loop;
  random: Random;
  plan: FaultPlan;
  trace: (what: string) => void;
  /** Every frame, as whoever listens at the wire sees it. */
  onFrame: (text: string) => void;
};

export type Towards = "worker" | "function";
/** Frames that carry a command or its outcome: a fault counts where one of these is hit. */
const MATTERS = /^\{"type":"(command|cancel|acknowledge|status|result|ack)"/;
const GREETING = /^\{"type":"welcome"/;
const CUT: Record<Towards, Fault> = { worker: "link_cut_towards_worker", function: "link_cut_towards_function" };

export type Ends = { onText: (text: string) => void; onClose: (reason: string) => void };

export class Link {
  readonly #options: WireOptions;
  readonly #all: ReadonlySet<Link>;
  readonly #function: Ends;
  readonly #silent = new Set<Towards>();
  readonly #lastAt: Record<Towards, number> = { worker: 0, function: 0 };
  readonly #isHeld: (towards: Towards, text: string) => boolean;
  #isOpen = true;
  end: WorkerEnd | null = null;

  constructor(
    options: WireOptions,
    all: ReadonlySet<Link>,
    isHeld: (towards: Towards, text: string) => boolean,
    ends: Ends,
  ) {
    this.#isHeld = isHeld;
    this.#options = options;
    this.#all = all;
    this.#function = ends;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  transport(life: Lifeline): BridgeTransport {
    return {
      send: (text) => {
        if (!this.#isOpen || !life.isAlive) return false;
        this.carry("worker", text);
        return true;
      },
      close: () => this.close("closed by the function"),
    };
  }

  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { loop, random } = this.#options;
    loop.after(random.between(1, 20), () => {
      this.end?.gone();
      this.#function.onClose(reason);
    });
  }

  /** The function's process is gone; the worker may never hear of it. */
  endFunction(isNoticed: boolean): void {
    this.#isOpen = false;
    if (isNoticed) this.end?.gone();
  }

  mend(): void {
    if (this.#silent.size > 0) this.close("reset");
    this.#silent.clear();
  }

  /** One frame on its way. */
  carry(towards: Towards, text: string): void {
    this.#options.onFrame(text);
    if (!this.#isOpen || this.#isHeld(towards, text)) return;
    const { loop, random, plan, trace } = this.#options;
    const strikes = (name: Fault): boolean => MATTERS.test(text) && plan.strikes(name);
    if (strikes(CUT[towards])) this.#silent.add(towards);
    if (this.#silent.has(towards)) return;
    if (strikes("link_reset")) {
      this.close("reset");
      return;
    }
    if (strikes("frame_dropped")) {
      trace(`dropped towards ${towards}`);
      return;
    }
    let delay = random.between(0.5, 5);
    // The function counts the worker's clock from when it came: this isolate reckons with less time than there is.
    if (GREETING.test(text) && plan.strikes("greeting_late")) delay += random.between(500, 4_000);
    if (strikes("frame_held")) delay += random.between(5_000, 80_000);
    else if (strikes("frame_delayed")) delay += random.between(100, 3_000);
    let at = loop.now + delay;
    // In order, but for the fault of that name: what is behind a held frame waits with it, on this link.
    if (!strikes("frame_reordered")) at = Math.max(at, this.#lastAt[towards] + 0.001);
    this.#lastAt[towards] = Math.max(this.#lastAt[towards], at);
    loop.after(at - loop.now, () => this.deliver(towards, text));
    if (strikes("frame_duplicated"))
      loop.after(at - loop.now + random.between(0, 2_000), () => this.deliver(towards, text));
    if (towards === "worker" && strikes("frame_replayed_elsewhere")) {
      loop.after(random.between(100, 70_000), () => this.#elsewhere()?.end?.receive(text));
    }
  }

  deliver(towards: Towards, text: string): void {
    // What was on the wire arrives, also when the sender has gone since; a closed end hears nothing.
    if (towards === "worker") this.end?.receive(text);
    else if (this.#isOpen) this.#function.onText(text);
  }

  #elsewhere(): Link | undefined {
    const open = [...this.#all].filter((link) => link.#isOpen && link !== this);
    return open.length === 0 ? undefined : this.#options.random.pick(open);
  }
}
