// Carries calls over links: signs them for the link's worker, survives the loss of one link, verifies what comes back.
import { AppError, toAppError } from "../../_shared/errors/mod.ts";
import {
  API_ISSUER,
  type CallFrame,
  ENVELOPE_LIFE_S,
  type EnvelopeClaims,
  type ReadOutcome,
  type ResultClaims,
} from "../../_shared/protocol/mod.ts";
import type { After } from "./after.ts";
import type { Bridge, CommandReply, QuestionReply, WorkerCall, WorkerProbe } from "./bridge.ts";
import type { BridgeLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import { LinkPool } from "./link-pool.ts";
import type { Mailbox } from "./mailbox.ts";
import type { CallEvent } from "./pending-calls.ts";
import type { OpenTransport } from "./transport.ts";
import { notAfter } from "./worker-clock.ts";

export type BridgeOptions = {
  workers: readonly { id: string; url: string }[];
  openTransport: OpenTransport;
  signEnvelope: (claims: EnvelopeClaims) => Promise<string>;
  signTicket: (ticket: { workerId: string; jti: string; nowS: number }) => Promise<string>;
  verifyResult: (jws: string) => Promise<ResultClaims>;
  hash: (text: string) => Promise<string>;
  newId: () => string;
  monotonicMs: () => number;
  wallMs: () => number;
  after: After;
  limits: BridgeLimits;
  /** What no caller hears in full: bad frames, results that do not verify, refused proofs. */
  onFault: (workerId: string, fault: AppError) => void;
};

/** A second link is tried once: a third would only help against a worker that is away, and then nothing helps. */
const MAX_LINKS_PER_CALL = 2;

/** How one attempt to get an answer over up to two links ended. */
type Exchange =
  | { type: "answered"; event: Extract<CallEvent, { type: "ack" | "result" | "error" }>; writes: number }
  | { type: "unanswered"; writes: number; cause?: unknown };

export function createBridge(options: BridgeOptions): Bridge {
  return new BridgeClient(options);
}

class BridgeClient implements Bridge {
  readonly #options: BridgeOptions;
  readonly #pool: LinkPool;

  constructor(options: BridgeOptions) {
    const { workers, openTransport, monotonicMs, after, limits, onFault } = options;
    const makeTicket = (workerId: string): Promise<string> =>
      options.signTicket({ workerId, jti: options.newId(), nowS: Math.floor(options.wallMs() / 1000) });
    this.#options = options;
    this.#pool = new LinkPool({ workers, openTransport, makeTicket, monotonicMs, after, limits, onFault });
  }

  async runCommand(call: WorkerCall): Promise<CommandReply> {
    const exchange = await this.#exchange("command", call);
    if (exchange.type === "unanswered") {
      return exchange.writes === 0 ? { type: "unsent", cause: exchange.cause } : { type: "silent" };
    }
    const { event, writes } = exchange;
    if (event.type === "error") {
      this.#reportRefusal(call.workerId, event);
      // With two frames out, the refusal of one says nothing about the other.
      if (writes > 1) return { type: "silent" };
      return { type: "refused", code: event.code, detail: event.detail, retryAfterMs: event.retryAfterMs };
    }
    const claims = await this.#verified(event, call, call.id);
    return claims?.command === undefined ? { type: "silent" } : { type: "outcome", claims };
  }

  async read(call: WorkerCall): Promise<ReadOutcome> {
    const exchange = await this.#exchange("read", call);
    if (exchange.type === "unanswered") {
      if (exchange.writes === 0) throw new AppError("worker_unreachable", { cause: exchange.cause });
      throw new AppError("read_timeout");
    }
    const { event } = exchange;
    if (event.type === "error") {
      this.#reportRefusal(call.workerId, event);
      const { detail, retryAfterMs } = event;
      throw isLinkFault(event)
        ? new AppError("worker_unreachable")
        : new AppError(event.code, { detail, retryAfterMs });
    }
    const claims = await this.#verified(event, call, call.id);
    if (claims?.read === undefined) throw new AppError("worker_unreachable", { detail: "The answer was not valid" });
    return claims.read;
  }

  async askCommand(call: WorkerCall, commandId: string): Promise<ResultClaims | null> {
    const exchange = await this.#exchange("status", call);
    if (exchange.type === "unanswered" || exchange.event.type === "ack") return null;
    if (exchange.event.type === "error") {
      this.#reportRefusal(call.workerId, exchange.event);
      return null;
    }
    const claims = await this.#verified(exchange.event, call, commandId);
    return claims?.command === undefined ? null : claims;
  }

  cancelCommand(call: WorkerCall, commandId: string): Promise<QuestionReply> {
    return this.#question("cancel", call, commandId);
  }

  acknowledgeCommand(call: WorkerCall, commandId: string): Promise<QuestionReply> {
    return this.#question("acknowledge", call, commandId);
  }

  confirm(workerId: string, commandId: string): void {
    this.#pool.existing(workerId)?.send({ type: "ack", id: commandId });
  }

  async probe(workerId: string): Promise<WorkerProbe> {
    const { monotonicMs, wallMs, limits } = this.#options;
    const away = { id: workerId, reachable: false, roundTripMs: null, clockSkewMs: null, health: null };
    try {
      const link = await this.#pool.acquire(workerId);
      const start = monotonicMs();
      const health = await link.ping(limits.pingTimeoutMs);
      if (health === null) return away;
      const roundTripMs = monotonicMs() - start;
      // The worker read its clock about half way.
      const clockSkewMs = Math.round(health.wall_ms - (wallMs() - roundTripMs / 2));
      return { id: workerId, reachable: true, roundTripMs, clockSkewMs, health };
    } catch {
      return away;
    }
  }

  close(): void {
    this.#pool.close();
  }

  async #question(type: CallFrame["type"], call: WorkerCall, commandId: string): Promise<QuestionReply> {
    const exchange = await this.#exchange(type, call);
    if (exchange.type === "unanswered") return { type: "silent" };
    const { event } = exchange;
    if (event.type === "ack") return { type: "under_way" };
    if (event.type === "error") {
      this.#reportRefusal(call.workerId, event);
      return { type: "silent" };
    }
    const claims = await this.#verified(event, call, commandId);
    return claims?.command === undefined ? { type: "silent" } : { type: "outcome", claims };
  }

  async #exchange(type: CallFrame["type"], call: WorkerCall): Promise<Exchange> {
    const { monotonicMs } = this.#options;
    let writes = 0;
    let failed: Link | undefined;
    let cause: unknown;
    for (let attempt = 0; attempt < MAX_LINKS_PER_CALL && monotonicMs() < call.waitUntilMs; attempt++) {
      let link: Link;
      let frame: CallFrame;
      try {
        link = await this.#pool.acquire(call.workerId, failed);
        frame = await this.#sign(type, call, link);
      } catch (thrown) {
        cause = thrown;
        continue;
      }
      failed = link;
      // Listen before sending: the answer may be there before send() returns.
      const { events, end } = link.listen(call.id);
      try {
        if (!link.send(frame)) continue;
        writes++;
        const event = await this.#answer(type, events, call.waitUntilMs);
        if (event === "no_ack") link.drop("A command was not acknowledged in time");
        else if (event === null) break;
        else if (event.type !== "down") return { type: "answered", event, writes };
      } catch (thrown) {
        // Too large for any link: nothing was written, and another one would not take it either.
        return { type: "unanswered", writes, cause: thrown };
      } finally {
        end();
      }
    }
    return { type: "unanswered", writes, cause };
  }

  /** The event that settles the call; null when the caller's time is over. */
  async #answer(type: CallFrame["type"], events: Mailbox, waitUntilMs: number): Promise<CallEvent | "no_ack" | null> {
    const { monotonicMs, limits } = this.#options;
    let acknowledged = type !== "command";
    const ackUntilMs = monotonicMs() + limits.ackTimeoutMs;
    for (;;) {
      const untilMs = acknowledged ? waitUntilMs : Math.min(ackUntilMs, waitUntilMs);
      const event = await events.next(untilMs - monotonicMs());
      if (event === null) return acknowledged || untilMs === waitUntilMs ? null : "no_ack";
      // Admitted and then an error: whatever it means, it does not mean that the command never started.
      if (event.type === "error" && type === "command" && acknowledged) return null;
      // Of a question, an ack with the command's phase is the whole answer.
      if (event.type !== "ack" || (type !== "command" && type !== "read")) return event;
      acknowledged = true;
    }
  }

  async #sign(type: CallFrame["type"], call: WorkerCall, link: Link): Promise<CallFrame> {
    const { signEnvelope, hash, monotonicMs, wallMs } = this.#options;
    const iat = Math.floor(wallMs() / 1000);
    const bh = await hash(call.body);
    const now = monotonicMs();
    const envelope = await signEnvelope({
      iss: API_ISSUER,
      aud: call.workerId,
      sub: call.userId,
      jti: call.id,
      iat,
      exp: iat + ENVELOPE_LIFE_S,
      kind: call.kind,
      account: call.account,
      bh,
      boot: link.bootId,
      not_after_ms: notAfter(link.clock, now, call.startByMs - now),
      submitted_ago_ms: Math.max(0, now - call.submittedAtMs),
      made_at_ms: notAfter(link.clock, now, 0),
    });
    return { type, id: call.id, envelope, user_token: call.userToken, body: call.body };
  }

  /** The claims of a result, if it is what it says and about this call; else undefined, and the log knows. */
  async #verified(event: CallEvent, call: WorkerCall, subjectId: string): Promise<ResultClaims | undefined> {
    if (event.type !== "result") return undefined;
    try {
      const claims = await this.#options.verifyResult(event.result);
      const { iss, sub, jti } = claims;
      if (iss === call.workerId && sub === call.userId && jti === subjectId) return claims;
      throw new AppError("invalid_result", { detail: "The result is about another call" });
    } catch (thrown) {
      this.#options.onFault(call.workerId, toAppError(thrown));
      return undefined;
    }
  }

  #reportRefusal(workerId: string, event: Extract<CallEvent, { type: "error" }>): void {
    if (isLinkFault(event)) this.#options.onFault(workerId, new AppError(event.code, { detail: event.detail }));
  }
}

/** Faults between function and worker: a matter for the operator; a caller can do nothing about them. */
function isLinkFault({ code }: { code: string }): boolean {
  return code === "bad_frame" || code === "proof_refused";
}
