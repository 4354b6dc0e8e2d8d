// The links between functions and worker: text in both directions, in order and once, until a fault strikes. A frame that
// was seen on the way may come again, later and on another link; a direction may fall silent without either end noticing.
import { LINK_PROTOCOL, TICKET_PREFIX } from "../../../bridge-worker/src/protocol.ts";
import type { OpenTransport } from "../../../supabase/functions/api/bridge/mod.ts";
import type { Lifeline } from "./lifeline.ts";
import { Link, type Towards, type WireOptions, type WorkerEnd } from "./link.ts";

/** What a link needs of the worker that listens. Undefined: nobody does, or the ticket is not accepted. */
export type Listen = (
  ticket: string,
  socket: { send: (text: string) => void; close: () => void },
) => Promise<WorkerEnd | undefined>;

export class Network {
  readonly #options: WireOptions;
  readonly #links = new Set<Link>();
  /** Frames that a test holds back, until it lets them go. */
  readonly held: { towards: Towards; text: string; link: Link }[] = [];
  holds: ((towards: Towards, text: string) => boolean) | null = null;
  /** Listens at the worker's address now. */
  listener: Listen | null = null;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** How a function opens a link. */
  opener(life: Lifeline): OpenTransport {
    return ({ protocols, signal }, events) => {
      const { loop, random } = this.#options;
      const ticket = protocols.find((name) => name.startsWith(TICKET_PREFIX))?.slice(TICKET_PREFIX.length) ?? "";
      if (!protocols.includes(LINK_PROTOCOL)) throw new Error("another protocol");
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("the link did not open in time")));
        loop.after(random.between(1, 20), () => {
          const link: Link = new Link(this.#options, this.#links, (towards, text) => this.#hold(link, towards, text), {
            onText: (text) => life.hear(() => events.onText(text)),
            onClose: (reason) => life.hear(() => events.onClose(reason)),
          });
          this.#listen(ticket, link).then(
            (end) => {
              if (end === undefined || signal.aborted) return reject(new Error("refused"));
              this.#links.add(link);
              link.end = end;
              life.onDeath(() => link.endFunction(random.chance(0.6)));
              resolve(link.transport(life));
            },
            (error: unknown) => reject(error),
          );
        });
      });
    };
  }

  async #listen(ticket: string, link: Link): Promise<WorkerEnd | undefined> {
    return await this.listener?.(ticket, {
      send: (text) => link.carry("function", text),
      close: () => link.close("closed"),
    });
  }

  /** What was held goes on where it was going; `elsewhere`: on some other link that is open now. */
  letGo(elsewhere = false): void {
    this.holds = null;
    const open = [...this.#links].filter((link) => link.isOpen);
    for (const { towards, text, link } of this.held.splice(0)) {
      (elsewhere ? (open.at(-1) ?? link) : link).deliver(towards, text);
    }
  }

  #hold(link: Link, towards: Towards, text: string): boolean {
    if (this.holds?.(towards, text) !== true) return false;
    this.held.push({ towards, text, link });
    return true;
  }

  /** The worker's process has ended: its links end, too. */
  workerDied(): void {
    for (const link of this.#links) link.close("the worker is gone");
    this.#links.clear();
  }

  heal(): void {
    for (const link of this.#links) link.mend();
  }
}
