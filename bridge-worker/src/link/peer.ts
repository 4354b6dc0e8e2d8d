// One link: text in → frame → call → scheduler, and its answers back as frames. A peer that goes away loses only its
// subscriptions; what has started goes on.
import { describeError, type Log } from "../log.ts";
import {
  AppError,
  CallerFrame,
  type CallFrame,
  decodeFrame,
  encodeFrame,
  MAX_ANSWER_FRAME_BYTES,
  MAX_CALL_FRAME_BYTES,
  MAX_CALLS_PER_LINK,
  toAppError,
  type WorkerFrame,
  type WorkerHealth,
} from "../protocol.ts";
import type { CommandEvent, Scheduler, SignResult } from "../scheduler/mod.ts";
import { admitCall, type Proofs } from "./admit-call.ts";

export type PeerDeps = {
  proofs: Proofs;
  scheduler: Pick<Scheduler, "command" | "refuse" | "unsubscribe" | "read" | "status" | "cancel" | "acknowledge">;
  sign: SignResult;
  /** The function has stored this result of this command: the outbox may forget it. */
  confirmed: (id: string, result: string) => void;
  health: () => WorkerHealth;
  log: Log;
};

/** What a peer needs of its socket. */
export type PeerSocket = { send: (text: string) => void; close: (code: number, reason: string) => void };

export class Peer {
  readonly #deps: PeerDeps;
  readonly #socket: PeerSocket;
  readonly #subscriptions = new Map<string, (event: CommandEvent) => void>();
  /** The result that was last told for a command on this link: what an `ack` confirms, and nothing newer. */
  readonly #told = new Map<string, string>();
  #calls = 0;
  #gone = false;

  constructor(deps: PeerDeps, socket: PeerSocket) {
    this.#deps = deps;
    this.#socket = socket;
  }

  /** Every text message of the link. Never throws: what cannot be understood is answered and, if hopeless, ends the link. */
  async receive(text: string): Promise<void> {
    let frame: CallerFrame;
    try {
      frame = decodeFrame(CallerFrame, text, MAX_CALL_FRAME_BYTES);
    } catch (error) {
      const { code, extras } = toAppError(error);
      this.#send({ type: "error", code, ...(extras.detail === undefined ? {} : { detail: extras.detail }) });
      // A peer that speaks another protocol will not learn ours on this link.
      this.#socket.close(1008, code);
      return;
    }
    if (frame.type === "ping") return this.#send({ type: "pong", t: frame.t, health: this.#deps.health() });
    if (frame.type === "ack") return this.#confirm(frame.id);
    if (this.#calls >= MAX_CALLS_PER_LINK) return this.#refuse(frame, new AppError("too_many_requests"));
    this.#calls += 1;
    try {
      await this.#call(frame);
    } catch (error) {
      this.#refuse(frame, error);
    } finally {
      this.#calls -= 1;
    }
  }

  /** The socket is closed: nobody listens here any more. */
  gone(): void {
    this.#gone = true;
    for (const [id, subscriber] of this.#subscriptions) this.#deps.scheduler.unsubscribe(id, subscriber);
    this.#subscriptions.clear();
  }

  async #call(frame: CallFrame): Promise<void> {
    const admitted = await admitCall(frame, this.#deps.proofs);
    switch (admitted.type) {
      case "command": {
        const subscriber = (event: CommandEvent): void => this.#tellCommand(frame.id, frame.id, event);
        this.#subscriptions.set(frame.id, subscriber);
        return this.#deps.scheduler.command(admitted.call, subscriber);
      }
      case "read": {
        const { id, userId, body } = admitted.call;
        this.#send({ type: "ack", id, phase: "queued" });
        const read = await this.#deps.scheduler.read(admitted.call);
        return this.#tell(id, { result: await this.#deps.sign({ id, userId, kind: body.request.kind, read }) });
      }
      case "status":
      case "cancel":
      case "acknowledge": {
        const { type, question } = admitted;
        return this.#tellCommand(frame.id, question.commandId, await this.#deps.scheduler[type](question));
      }
    }
  }

  #tellCommand(id: string, commandId: string, event: CommandEvent): void {
    if ("result" in event) {
      // Bounded: a function that never confirms leaves the rest to the outbox.
      if (this.#told.size >= MAX_CALLS_PER_LINK) this.#told.clear();
      this.#told.set(commandId, event.result);
    }
    this.#tell(id, event);
  }

  #confirm(commandId: string): void {
    const result = this.#told.get(commandId);
    if (result === undefined) return;
    this.#told.delete(commandId);
    this.#deps.confirmed(commandId, result);
  }

  #tell(id: string, event: CommandEvent): void {
    if ("phase" in event) {
      this.#send({ type: "ack", id, phase: event.phase });
      return;
    }
    this.#subscriptions.delete(id);
    const isTooLarge = event.result.length > MAX_ANSWER_FRAME_BYTES;
    const detail = "The answer is too large for one frame";
    this.#send(
      isTooLarge ? { type: "error", id, code: "internal_error", detail } : { type: "result", id, result: event.result },
    );
  }

  #refuse(frame: CallFrame, error: unknown): void {
    // Its caller is told that nothing happened, and may use the key for something else: no copy of this frame may start.
    if (frame.type === "command") this.#deps.scheduler.refuse(frame.id);
    const { code, extras } = toAppError(error);
    const log = this.#deps.log.scope({ call_id: frame.id });
    if (error instanceof AppError) log.warn("link.call_refused", { type: frame.type, code, detail: extras.detail });
    else log.error("link.call_failed", { type: frame.type, error: describeError(error) });
    this.#send({
      type: "error",
      id: frame.id,
      code,
      ...(extras.detail === undefined ? {} : { detail: extras.detail }),
    });
  }

  #send(frame: WorkerFrame): void {
    if (!this.#gone) this.#socket.send(encodeFrame(frame));
  }
}
