// Reads along on the link between function and worker: cuts the stream of a WebSocket client into frames, keeps those
// that carry a call, and puts one of them on the wire again, as somebody could who sits on the way.
import type { Tap } from "./tcp-proxy.ts";

export type RecordedFrame = {
  /** As it went over the wire, mask included. */
  bytes: Buffer;
  /** `command`, `status`, `read`, …; "" for what is no JSON text. */
  type: string;
  /** Of a command: the command's. */
  id: string;
};

export type FrameTap = {
  tap: Tap;
  /** Calls that went up, oldest first. */
  readonly frames: readonly RecordedFrame[];
  /** How many frames went twice. */
  readonly doubled: number;
  /** Every command frame that goes up from now on goes twice. */
  doubleCommands(on: boolean): void;
  /** Puts a recorded frame on the newest link. False: there is none. */
  replay(frame: RecordedFrame): boolean;
};

const END_OF_HEAD = "\r\n\r\n";
const TEXT = 1;

export function createFrameTap(): FrameTap {
  const frames: RecordedFrame[] = [];
  let newest: ((bytes: Buffer) => void) | undefined;
  let isDoubling = false;
  let doubled = 0;
  return {
    frames,
    get doubled() {
      return doubled;
    },
    doubleCommands: (on) => {
      isDoubling = on;
    },
    replay(frame) {
      newest?.(frame.bytes);
      return newest !== undefined;
    },
    tap: (put) => {
      let isUpgraded = false;
      let rest = Buffer.alloc(0);
      return (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        const out: Buffer[] = [];
        if (!isUpgraded) {
          const end = rest.indexOf(END_OF_HEAD);
          if (end < 0) return Buffer.alloc(0);
          isUpgraded = true;
          newest = put;
          out.push(rest.subarray(0, end + END_OF_HEAD.length));
          rest = rest.subarray(end + END_OF_HEAD.length);
        }
        // Whole frames only: nothing can then be put between two halves of one.
        for (let size = frameSize(rest); size !== undefined; size = frameSize(rest)) {
          const frame = describe(Buffer.from(rest.subarray(0, size)));
          rest = rest.subarray(size);
          out.push(frame.bytes);
          if (frame.id !== "") frames.push(frame);
          if (isDoubling && frame.type === "command") {
            out.push(frame.bytes);
            doubled += 1;
          }
        }
        return Buffer.concat(out);
      };
    },
  };
}

/** RFC 6455: bytes of the first whole frame; undefined while it is not all there. */
function frameSize(bytes: Buffer): number | undefined {
  const head = headOf(bytes);
  return head !== undefined && bytes.length >= head.start + head.length ? head.start + head.length : undefined;
}

/** A client's frame: two bytes, perhaps a longer length, four bytes of mask. */
function headOf(bytes: Buffer): { start: number; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  if (short < 126) return { start: 6, length: short };
  if (short === 126) return bytes.length < 4 ? undefined : { start: 8, length: bytes.readUInt16BE(2) };
  return bytes.length < 10 ? undefined : { start: 14, length: Number(bytes.readBigUInt64BE(2)) };
}

function describe(bytes: Buffer): RecordedFrame {
  const head = headOf(bytes);
  if (head === undefined || (bytes.readUInt8(0) & 0x0f) !== TEXT) return { bytes, type: "", id: "" };
  const mask = bytes.subarray(head.start - 4, head.start);
  const text = Buffer.from(bytes.subarray(head.start).map((byte, at) => byte ^ (mask[at % 4] ?? 0))).toString();
  const { type, id } = JSON.parse(text) as { type: string; id?: string };
  return { bytes, type, id: id ?? "" };
}
