// What happened, in order, as one number: two runs of one seed must give the same. The lines themselves are kept only
// when somebody wants to read them. Pure but for its own state.

export class Trace {
  readonly lines: string[] | null;
  #high = 0xdeadbeef;
  #low = 0x41c6ce57;

  constructor(keepsLines: boolean) {
    this.lines = keepsLines ? [] : null;
  }

  add(atMs: number, what: string): void {
    const line = `${atMs.toFixed(3)} ${what}`;
    this.lines?.push(line);
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      this.#high = Math.imul(this.#high ^ code, 2654435761);
      this.#low = Math.imul(this.#low ^ code, 1597334677);
    }
  }

  get hash(): string {
    return ((this.#high >>> 0) * 2 ** 21 + ((this.#low >>> 0) % 2 ** 21)).toString(16);
  }
}
