// Turns the payload of an EXCEPTION message into an error. Pure.
import { ProtocolViolation } from "./errors.ts";
import { MAX_REMOTE_MESSAGE_CHARS } from "./limits.ts";
import { type BrineValue, PyFloat } from "./python-values.ts";

export type RemoteErrorParts = {
  module: string;
  className: string;
  args: readonly BrineValue[];
  attributes: Readonly<Record<string, BrineValue>>;
  traceback: string;
};

/**
 * Python code raised an exception while it worked on our call. The connection stays usable.
 * `args` and `attributes` hold plain values; what was not plain came as its `repr` text.
 */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly module: string;
  readonly className: string;
  readonly args: readonly BrineValue[];
  readonly attributes: Readonly<Record<string, BrineValue>>;
  readonly #traceback: string;

  constructor(parts: RemoteErrorParts) {
    super(messageOf(parts));
    this.module = parts.module;
    this.className = parts.className;
    this.args = parts.args;
    this.attributes = parts.attributes;
    this.#traceback = parts.traceback;
  }

  /**
   * Python's traceback with file paths and source lines, for a protected log only. Held in a private field, so that
   * neither `message`, JSON, object spread nor an inspecting logger can carry it to a user.
   */
  get traceback(): string {
    return this.#traceback;
  }

  /** What JSON shows: arguments and attributes stay out, for they may be large, secret or a bigint. */
  toJSON(): Record<string, string> {
    return { name: this.name, module: this.module, className: this.className, message: this.message };
  }
}

/** Reads the (unboxed) payload of an EXCEPTION message. Throws `ProtocolViolation`. */
export function parseRemoteError(payload: BrineValue): RemoteError {
  // The two short forms: 1 stands for StopIteration; a text is what very old peers send.
  if (payload === 1) return bareError("StopIteration", []);
  if (typeof payload === "string") return bareError("Exception", [payload]);

  const [type, args, attributes, traceback] = expectTuple(payload, 4);
  const [module, className] = expectTuple(type, 2);
  if (typeof module !== "string" || typeof className !== "string" || typeof traceback !== "string") {
    throw malformed();
  }
  return new RemoteError({
    module,
    className,
    args: expectTuple(args),
    attributes: parseAttributes(expectTuple(attributes)),
    traceback,
  });
}

function parseAttributes(pairs: readonly BrineValue[]): Record<string, BrineValue> {
  const attributes: Record<string, BrineValue> = Object.create(null);
  for (const pair of pairs) {
    const [name, value] = expectTuple(pair, 2);
    if (typeof name !== "string" || value === undefined) throw malformed();
    attributes[name] = value;
  }
  return attributes;
}

function bareError(className: string, args: readonly BrineValue[]): RemoteError {
  return new RemoteError({ module: "builtins", className, args, attributes: Object.create(null), traceback: "" });
}

function messageOf({ className, args }: RemoteErrorParts): string {
  if (args.length === 0) return className;
  const text = args.map(describe).join(", ");
  const short = text.length > MAX_REMOTE_MESSAGE_CHARS ? `${text.slice(0, MAX_REMOTE_MESSAGE_CHARS)}…` : text;
  return `${className}: ${short}`;
}

function describe(value: BrineValue): string {
  if (value === null) return "None";
  if (value instanceof PyFloat) return String(value.value);
  if (typeof value === "object") return Array.isArray(value) ? `(${value.map(describe).join(", ")})` : "…";
  return String(value);
}

function expectTuple(value: BrineValue | undefined, count?: number): readonly BrineValue[] {
  if (!Array.isArray(value) || (count !== undefined && value.length !== count)) throw malformed();
  return value;
}

function malformed(): ProtocolViolation {
  return new ProtocolViolation("malformed", "Exception payload has an unknown shape");
}
