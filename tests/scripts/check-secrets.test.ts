// The secret scan knows each shape. The samples are put together at run time, so that the scan does not find this file.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secretsIn } from "../../scripts/check-secrets.ts";

const letters = (count: number): string => "aB3_".repeat(Math.ceil(count / 4)).slice(0, count);
const header = `ey${"J"}${letters(40)}`;

const samples: Record<string, string[]> = {
  "PEM private key": [`-----BEGIN ${"PRIVATE"} KEY-----`, `-----BEGIN RSA ${"PRIVATE"} KEY-----`],
  "private JWK": [`{"kty":"EC","${"d"}":"${letters(43)}"}`, `"${"d"}" : "${letters(43)}"`],
  JWT: [`${header}.${header}.${letters(86)}`],
  JWE: [`${header}..${letters(16)}.${letters(20)}.${letters(22)}`],
  "Supabase secret key": [`sb_${"secret"}_${letters(24)}`],
  "Supabase access token": [`sb${"p"}_${"0123456789".repeat(4)}`],
  "Fernet token": [`gA${"AAAA"}${letters(80)}`],
  "URL with password": [`postgres${":"}//admin:${"hunter"}22@db.example.com/x`],
};

describe("secretsIn", () => {
  for (const [name, texts] of Object.entries(samples)) {
    it(`finds a ${name}`, () => {
      for (const text of texts) assert.deepStrictEqual(secretsIn(`before ${text} after`), [name]);
    });
  }

  it("finds several in one text", () => {
    const text = [samples.JWT, samples["Fernet token"]].flat().join("\n");
    assert.deepStrictEqual(secretsIn(text), ["JWT", "Fernet token"]);
  });

  const harmless = {
    "a public PEM": "-----BEGIN PUBLIC KEY-----",
    "a public JWK": `{"kty":"EC","x":"${letters(43)}"}`,
    "the beginning of a token": `${header}…`,
    "a name of a key": "SUPABASE_SECRET_KEYS, sb_secret_…",
    "a URL with a port": "http://127.0.0.1:54321/auth",
    "a URL with a placeholder": `postgres${":"}//user:${"$"}{password}@host/db`,
    "the local database of a stack": `postgres${":"}//postgres:postgres@127.0.0.1:5432/postgres`,
  };
  for (const [name, text] of Object.entries(harmless)) {
    it(`leaves ${name} alone`, () => assert.deepStrictEqual(secretsIn(text), []));
  }
});
