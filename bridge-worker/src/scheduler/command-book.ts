// The commands this process knows right now: one entry per id, with everyone who waits for it. A second frame with a
// known id is a subscription, never a second run. Pure but for the callbacks.
import type { WorkerPhase } from "../protocol.ts";
import type { CommandCall, CommandEvent, Subscriber } from "./calls.ts";

export type RunningCommand = {
  readonly call: CommandCall;
  readonly arrivedMs: number;
  phase: Exclude<WorkerPhase, "unseen" | "finished">;
  cancelled: boolean;
  readonly subscribers: Set<Subscriber>;
};

export class CommandBook {
  readonly #running = new Map<string, RunningCommand>();

  get size(): number {
    return this.#running.size;
  }

  find(id: string): RunningCommand | undefined {
    return this.#running.get(id);
  }

  add(call: CommandCall, arrivedMs: number): RunningCommand {
    const command: RunningCommand = { call, arrivedMs, phase: "received", cancelled: false, subscribers: new Set() };
    this.#running.set(call.id, command);
    return command;
  }

  /** It was refused: nobody has heard anything yet. */
  drop(command: RunningCommand): void {
    this.#running.delete(command.call.id);
  }

  setPhase(command: RunningCommand, phase: RunningCommand["phase"]): void {
    command.phase = phase;
    this.#tell(command, { phase });
  }

  /** Tells the one result and forgets the command: from now on the journal answers for it. */
  finish(command: RunningCommand, result: string): void {
    this.#running.delete(command.call.id);
    this.#tell(command, { result });
    command.subscribers.clear();
  }

  #tell(command: RunningCommand, event: CommandEvent): void {
    for (const subscriber of command.subscribers) subscriber(event);
  }
}
