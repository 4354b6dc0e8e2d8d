// Cuts the byte stream into frames and puts payloads into frames: 4-byte length, compression flag, payload, newline. Pure.
import { ProtocolViolation } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

const HEADER_BYTES = 5;
const FLUSHER = 0x0a;
const NO_BYTES = new Uint8Array(0);

export type Frame = { payload: Uint8Array; compressed: boolean };

/**
 * Push chunks of any size in; whole frames come out through the callback, in order. Chunks are kept in a list and
 * joined once per frame, so a large reply in many small chunks costs one copy and not one per chunk.
 */
export class FrameReader {
  readonly #maxFrameBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** The header of the frame being received; undefined while its five bytes are not complete. */
  #header: { length: number; compressed: boolean } | undefined;

  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** True between frames: no byte of an unfinished frame is held. */
  get isIdle(): boolean {
    return this.#buffered === 0 && this.#header === undefined;
  }

  /** Throws `ProtocolViolation`; the reader is useless afterwards, as the position in the stream is lost. */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (;;) {
      if (this.#header === undefined) {
        if (this.#buffered < HEADER_BYTES) return;
        this.#header = this.#readHeader(this.#take(HEADER_BYTES));
      }
      const { length, compressed } = this.#header;
      if (this.#buffered < length + 1) return;
      const payload = this.#take(length);
      // Python does not look at this byte. We do: another value means that the two sides count differently.
      if (this.#take(1)[0] !== FLUSHER) throw new ProtocolViolation("malformed", "Frame does not end with a newline");
      this.#header = undefined;
      onFrame({ payload, compressed });
    }
  }

  #readHeader(header: Uint8Array): { length: number; compressed: boolean } {
    const length = new DataView(header.buffer, header.byteOffset, HEADER_BYTES).getUint32(0);
    if (length > this.#maxFrameBytes) {
      throw new ProtocolViolation("too_large", `Frame of ${length} bytes, at most ${this.#maxFrameBytes} are accepted`);
    }
    return { length, compressed: header[4] !== 0 };
  }

  /** Removes `count` bytes, which must be there, from the front of the chunk list. */
  #take(count: number): Uint8Array {
    if (count === 0) return NO_BYTES;
    this.#buffered -= count;
    const first = this.#chunks[0] ?? NO_BYTES;
    if (first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    if (first.length === count) {
      this.#chunks.shift();
      return first;
    }
    return this.#gather(count);
  }

  #gather(count: number): Uint8Array {
    const joined = new Uint8Array(count);
    let filled = 0;
    let used = 0;
    while (filled < count) {
      const chunk = this.#chunks[used] ?? NO_BYTES;
      const part = chunk.subarray(0, count - filled);
      joined.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) used += 1;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks = this.#chunks.slice(used);
    return joined;
  }
}

/**
 * One frame, uncompressed: the receiver goes by the flag alone, and requests are small. Throws `RangeError` for a
 * payload over {@link MAX_FRAME_BYTES}.
 */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_FRAME_BYTES) {
    throw new RangeError(`Payload of ${payload.length} bytes, at most ${MAX_FRAME_BYTES} fit into a frame`);
  }
  const frame = new Uint8Array(HEADER_BYTES + payload.length + 1);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, HEADER_BYTES);
  frame[frame.length - 1] = FLUSHER;
  return frame;
}
