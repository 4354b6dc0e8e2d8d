// Inflates a compressed payload, never to more than the limit. Synchronous, because replies must stay in order and are
// kept to a few megabytes by their callers.
import { type InputType, inflateSync } from "node:zlib";
import { ProtocolViolation } from "./errors.ts";
import { MAX_INFLATED_BYTES } from "./limits.ts";

/** Throws `ProtocolViolation`: `too_large` over the limit, `malformed` for a damaged, short or overlong stream. */
export function inflatePayload(compressed: Uint8Array, maxBytes = MAX_INFLATED_BYTES): Uint8Array {
  const { buffer, engine } = inflateAll(compressed, maxBytes);
  if (engine.bytesWritten !== compressed.length) {
    throw new ProtocolViolation("malformed", "Compressed payload has bytes after its end");
  }
  return buffer;
}

type Inflated = { buffer: Uint8Array; engine: { bytesWritten: number } };

function inflateAll(compressed: InputType, maxOutputLength: number): Inflated {
  try {
    // With `info` Node answers buffer and engine; its type declarations know only the plain form.
    return inflateSync(compressed, { maxOutputLength, info: true }) as unknown as Inflated;
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new ProtocolViolation("too_large", `Payload inflates to more than ${maxOutputLength} bytes`, { cause });
    }
    throw new ProtocolViolation("malformed", "Compressed payload is damaged", { cause });
  }
}
