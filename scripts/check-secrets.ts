// No secret in the repository: private keys, tokens and Supabase secret keys by their shape. A value that only looks like
// one (a test vector) is listed below with its reason, by file.
import { readFileSync } from "node:fs";
import { sourceFiles } from "./source-files.ts";

const Shapes: readonly { name: string; pattern: RegExp }[] = [
  { name: "PEM private key", pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/ },
  { name: "private JWK", pattern: /"d"\s*:\s*"[A-Za-z0-9_-]{40,}"/ },
  { name: "JWT", pattern: /\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}/ },
  {
    name: "JWE",
    pattern: /\beyJ[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}\b/,
  },
  { name: "Supabase secret key", pattern: /\bsb_secret_[A-Za-z0-9_-]{20,}/ },
  { name: "Supabase access token", pattern: /\bsbp_[a-f0-9]{40}\b/ },
  { name: "Fernet token", pattern: /\bgAAAAA[A-Za-z0-9_-]{60,}/ },
  { name: "URL with password", pattern: /\b[a-z]+:\/\/[^\s:/@"'`$<>{}]+:(?!postgres@)[^\s:/@"'`$<>{}]{6,}@[^\s]+/ },
];

/** file → reason. */
const Allowed: Readonly<Record<string, string>> = {};

export function secretsIn(text: string): string[] {
  return Shapes.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name);
}

if (import.meta.main) {
  const files = sourceFiles().filter((file) => file !== "package-lock.json");
  const hits = files.flatMap((file) => secretsIn(readFileSync(file, "utf8")).map((name) => ({ file, name })));
  const unexpected = hits.filter(({ file }) => Allowed[file] === undefined);
  const stale = Object.keys(Allowed).filter((file) => !hits.some((hit) => hit.file === file));
  for (const { file, name } of unexpected) console.error(`${file} holds something like a ${name}`);
  for (const file of stale) console.error(`${file} is allowed to hold a secret's likeness, and holds none`);
  console.log(`check:secrets: ${files.length} files, ${unexpected.length + stale.length} faults`);
  process.exit(unexpected.length + stale.length > 0 ? 1 : 0);
}
