// A Secret gives nothing away, whichever way it is turned into text; only `reveal` does.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { format, inspect } from "node:util";
import { pino } from "pino";
import { Secret } from "./secret.ts";

const PLAIN = "canary-Pa55word";
const secret = new Secret(PLAIN);

/** One log line of pino with the given fields. */
function logged(fields: object): string {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  pino(destination).info(fields, "event");
  return lines.join("");
}

const forms: Record<string, () => string> = {
  String: () => String(secret),
  "a template": () => `${secret}`,
  concatenation: () => "".concat(secret as unknown as string),
  "array join": () => [secret].join(),
  JSON: () => JSON.stringify(secret),
  "JSON, nested": () => JSON.stringify({ account: { password: secret } }),
  inspect: () => inspect(secret),
  "inspect, nested": () => inspect({ deep: [{ secret }] }, { depth: 9 }),
  "inspect, with hidden properties": () => inspect(secret, { showHidden: true, getters: true }),
  "format %s": () => format("%s", secret),
  "format %o": () => format("%o", { secret }),
  "format %j": () => format("%j", secret),
  pino: () => logged({ secret }),
  "pino, nested": () => logged({ fields: { of: { unknown: secret } } }),
  "the message of an error": () => new Error(`${secret}`).message,
};

describe("Secret", () => {
  for (const [form, print] of Object.entries(forms)) {
    it(`prints as [secret] in ${form}`, () => {
      const text = print();
      assert.match(text, /\[secret\]/);
      assert.doesNotMatch(text, /canary/);
    });
  }

  it("has no property, own or inherited, that holds the value", () => {
    for (let object: object | null = secret; object !== null; object = Object.getPrototypeOf(object) as object | null) {
      for (const key of Reflect.ownKeys(object)) {
        assert.notEqual(Object.getOwnPropertyDescriptor(object, key)?.value, PLAIN);
      }
    }
    assert.deepStrictEqual(Object.keys({ ...secret }), []);
  });

  it("gives the value to the one who asks by name", () => {
    assert.equal(secret.reveal(), PLAIN);
  });
});
