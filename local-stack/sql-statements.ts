// Splits an SQL file into its statements, as the Supabase CLI records them. Pure. Knows the five places where a
// semicolon is only a character: '…', "…", $tag$…$tag$, -- comments and /* nested */ comments; and BEGIN ATOMIC bodies.

/** The statements in order, without their semicolons and surrounding blanks. Pieces of nothing but comments are dropped. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let atomic = 0;
  let hasCode = false;
  let at = 0;
  const finish = (end: number): void => {
    const statement = sql.slice(start, end).trim();
    if (hasCode && statement !== "") statements.push(statement);
    hasCode = false;
    atomic = 0;
  };
  while (at < sql.length) {
    const skipped = endOfComment(sql, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    if (sql[at] === ";" && atomic === 0) {
      finish(at);
      start = ++at;
      continue;
    }
    if (!/\s/.test(sql[at] ?? "")) hasCode = true;
    const quoted = endOfQuoted(sql, at);
    if (quoted > at) {
      at = quoted;
      continue;
    }
    const word = /^[A-Za-z_][\w$]*/.exec(sql.slice(at, at + 64))?.[0];
    if (word === undefined) {
      at++;
      continue;
    }
    atomic += atomicDepth(word.toLowerCase(), sql.slice(at + word.length), atomic);
    at = endOfWord(sql, at);
  }
  finish(sql.length);
  return statements;
}

/** `begin atomic` opens a body whose statements end in semicolons; inside it `case` opens and `end` closes. */
function atomicDepth(word: string, rest: string, depth: number): number {
  if (word === "begin" && /^\s+atomic\b/i.test(rest)) return 1;
  if (depth > 0 && word === "case") return 1;
  return depth > 0 && word === "end" ? -1 : 0;
}

function endOfWord(sql: string, at: number): number {
  let end = at;
  while (end < sql.length && /[\w$]/.test(sql[end] ?? "")) end++;
  return end;
}

function endOfComment(sql: string, at: number): number {
  if (sql.startsWith("--", at)) {
    const end = sql.indexOf("\n", at);
    return end < 0 ? sql.length : end + 1;
  }
  if (!sql.startsWith("/*", at)) return at;
  let depth = 1;
  let end = at + 2;
  while (end < sql.length && depth > 0) {
    if (sql.startsWith("/*", end)) depth++;
    else if (sql.startsWith("*/", end)) depth--;
    else {
      end++;
      continue;
    }
    end += 2;
  }
  return end;
}

function endOfQuoted(sql: string, at: number): number {
  const opener = sql[at];
  if (opener === '"') return closing(sql, at + 1, '"', false);
  if (opener === "'") return closing(sql, at + 1, "'", false);
  if (/^[eE]'/.test(sql.slice(at, at + 2)) && !/\w/.test(sql[at - 1] ?? "")) return closing(sql, at + 2, "'", true);
  if (opener !== "$") return at;
  const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(sql.slice(at, at + 64))?.[0];
  if (tag === undefined) return at;
  const end = sql.indexOf(tag, at + tag.length);
  return end < 0 ? sql.length : end + tag.length;
}

/** Position after the closing quote; a doubled quote is a character. */
function closing(sql: string, from: number, quote: string, backslashes: boolean): number {
  for (let at = from; at < sql.length; at++) {
    if (backslashes && sql[at] === "\\") at++;
    else if (sql[at] === quote && sql[at + 1] === quote) at++;
    else if (sql[at] === quote) return at + 1;
  }
  return sql.length;
}
