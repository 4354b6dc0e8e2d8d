// A small file beside the journal that counts its writes. It is written after each commit and never flushed, so it is
// behind the journal or level with it; a journal that is behind its witness is an old copy, or its disk lost a flush.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** `identity`: of the journal it stands beside; `writes`: how many it has seen. */
export type Testimony = { identity: string; writes: number };

const COUNT_DIGITS = 16;
const LINE = /^([0-9a-f-]{36}) (\d{16})\n$/;

export class Witness {
  readonly #fd: number;
  readonly #identity: string;

  private constructor(fd: number, identity: string) {
    this.#fd = fd;
    this.#identity = identity;
  }

  /** Begins anew, on the disk when it returns. */
  static make(path: string, { identity, writes }: Testimony): Witness {
    const witness = new Witness(openSync(path, "w", 0o600), identity);
    witness.note(writes);
    fsyncSync(witness.#fd);
    flushFolder(dirname(path));
    return witness;
  }

  static resume(path: string, { identity }: Testimony): Witness {
    return new Witness(openSync(path, "r+"), identity);
  }

  /** Always the same length and in place: it survives the death of the process, and needs no room on a full disk. */
  note(writes: number): void {
    writeSync(this.#fd, `${this.#identity} ${String(writes).padStart(COUNT_DIGITS, "0")}\n`, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What the witness says; null: there is none, or it cannot be read. */
export function hearWitness(path: string): Testimony | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const [, identity, writes] = LINE.exec(text) ?? [];
  return identity === undefined || writes === undefined ? null : { identity, writes: Number(writes) };
}

/** A new file's name is in its folder, and the folder is flushed apart. */
export function flushFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
