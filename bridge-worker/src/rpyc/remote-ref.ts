// A reference to an object that lives in the server's process, valid on one connection until it is released. Pure.

/**
 * Keeps the id-pack exactly as it was received, since the server uses it as a dictionary key. `owner` is the connection:
 * elsewhere the same ids may name another object, and so may a released one, so both are refused here already.
 */
export class RemoteRef {
  /** The Python type as the server named it, for example `builtins.function`. */
  readonly typeName: string;
  readonly #idPack: Uint8Array;
  #owner: object | undefined;

  constructor(typeName: string, idPack: Uint8Array, owner: object) {
    this.typeName = typeName;
    this.#idPack = idPack;
    this.#owner = owner;
  }

  /** The raw brine bytes of the id-pack. Throws `TypeError` on another connection or after the release. */
  idPackFor(owner: object): Uint8Array {
    if (this.#owner === undefined) throw new TypeError(`Reference to ${this.typeName} was released`);
    if (this.#owner !== owner) throw new TypeError(`Reference to ${this.typeName} belongs to another connection`);
    return this.#idPack;
  }

  get isReleased(): boolean {
    return this.#owner === undefined;
  }

  /** Makes the reference unusable; telling the server is the connection's part. */
  markReleased(): void {
    this.#owner = undefined;
  }
}
