// Reads the NAME=value files that `npm run keys` writes. Pure.

/** Every line `NAME=value`; empty lines and #-comments are skipped; one pair of quotes around the value is taken off. */
export function parseEnvFile(text: string): Record<string, string> {
  const entries = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return [];
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) throw new Error(`Not a NAME=value line: "${line.split("=")[0]}"`);
    const [, name = "", value = ""] = match;
    return [[name, /^(['"]).*\1$/.test(value) ? value.slice(1, -1) : value]];
  });
  return Object.fromEntries(entries);
}
