// Data falls down the stairs: which room may import which, as a table, checked against every import of both trees. Also:
// no cycle, no way past a room's door, `process` and `Deno` in the entry files only, nothing from jsr: or https:.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { sourceFiles } from "./source-files.ts";

const SHARED = "supabase/functions/_shared";
const API = "supabase/functions/api";
const WORKER = "bridge-worker/src";

/** room → rooms it may import. A room is the longest key that is a prefix of the file's path. */
const Rooms: Record<string, readonly string[]> = {
  [`${SHARED}/errors`]: [],
  [`${SHARED}/domain`]: [],
  [`${SHARED}/protocol`]: [`${SHARED}/domain`, `${SHARED}/errors`],

  [`${API}/routes`]: [`${API}/services`, `${API}/middleware`, SHARED],
  [`${API}/middleware`]: [`${API}/services`, `${API}/crypto`, SHARED],
  [`${API}/services`]: [`${API}/db`, `${API}/bridge`, `${API}/crypto`, SHARED],
  [`${API}/db`]: [SHARED],
  [`${API}/bridge`]: [`${API}/crypto`, SHARED],
  [`${API}/crypto`]: [SHARED],

  [`${WORKER}/rpyc`]: [],
  [`${WORKER}/mt5`]: [`${WORKER}/rpyc`, WORKER],
  [`${WORKER}/simulator`]: [`${WORKER}/mt5`, WORKER],
  [`${WORKER}/vault`]: [WORKER],
  [`${WORKER}/journal`]: [WORKER],
  [`${WORKER}/risk`]: [WORKER],
  [`${WORKER}/terminals`]: [`${WORKER}/mt5`, `${WORKER}/vault`, `${WORKER}/journal`, WORKER],
  [`${WORKER}/scheduler`]: [`${WORKER}/terminals`, `${WORKER}/journal`, `${WORKER}/mt5`, `${WORKER}/risk`, WORKER],
  [`${WORKER}/link`]: [`${WORKER}/scheduler`, `${WORKER}/journal`, WORKER],
};
/** Ground floor of the worker: every room but rpyc may use these; the other top-level files wire and see everything. */
const GROUND = new Set([`${WORKER}/protocol.ts`, `${WORKER}/log.ts`, `${WORKER}/after.ts`]);
const WIRING = new Set([
  ...["main", "worker", "config", "terminal-config", "terminal-pool", "version"].map((name) => `${WORKER}/${name}.ts`),
  ...["index", "app", "config", "deps", "log"].map((name) => `${API}/${name}.ts`),
]);
/** The only files that read the environment or touch the process. */
const ENTRIES = new Set([`${WORKER}/main.ts`, `${API}/index.ts`]);
/** What a terminal is, apart from how one is reached: the simulator keeps this contract without meeting RPyC. */
const LEAVES = new Set(["terminal-port", "facts", "tag"].map((name) => `${WORKER}/mt5/${name}.ts`));
/** Interfaces that many rooms of the function share. */
const OPEN_FILES = new Set([`${API}/log.ts`, `${API}/deps.ts`]);

type Edge = { from: string; to: string; typeOnly: boolean };

function isProduct(file: string): boolean {
  const inTree = [SHARED, API, WORKER].some((tree) => file.startsWith(`${tree}/`));
  return inTree && file.endsWith(".ts") && !/\.(test|deno)\.ts$/.test(file) && !/\/(testdata|testing)\//.test(file);
}

function roomOf(file: string): string | undefined {
  return Object.keys(Rooms).find((room) => file.startsWith(`${room}/`));
}

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^\s*import\s+"([^"]+)"/gm;

/** Relative imports of a file, as repository paths. */
export function importsOf(file: string, text: string): { to: string; typeOnly: boolean }[] {
  return [...text.matchAll(IMPORT)].flatMap((match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? "";
    if (!target.startsWith(".")) return [{ to: target, typeOnly: match[1] !== undefined }];
    return [{ to: normalize(join(dirname(file), target)), typeOnly: match[1] !== undefined }];
  });
}

function edgeFault({ from, to }: Edge): string | undefined {
  if (/^(jsr|https?):/.test(to)) return `imports ${to}: only npm packages and node: built-ins resolve everywhere`;
  if (!to.endsWith(".ts") || WIRING.has(from)) return undefined;
  const [room, target] = [roomOf(from), roomOf(to)];
  if (GROUND.has(from)) return undefined;
  if (room === undefined) return `is in no room of the table`;
  if (room === target) return undefined;
  if (GROUND.has(to))
    return Rooms[room]?.includes(WORKER) ? undefined : `${room} stands alone and must not import ${to}`;
  if (OPEN_FILES.has(to)) return undefined;
  const allowed = Rooms[room] ?? [];
  const isAllowed = target !== undefined && allowed.some((name) => target === name || target.startsWith(`${name}/`));
  if (!isAllowed) return `must not import ${to}: ${room} may use ${allowed.join(", ") || "nothing"}`;
  if (!to.endsWith("/mod.ts") && !LEAVES.has(to)) return `goes past the door: import ${target}/mod.ts instead of ${to}`;
  return undefined;
}

function cycles(edges: readonly Edge[]): string[] {
  const graph = new Map<string, string[]>();
  for (const { from, to, typeOnly } of edges) if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

if (import.meta.main) {
  const faults: string[] = [];
  const edges: Edge[] = [];
  const files = sourceFiles().filter(isProduct);
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const { to, typeOnly } of importsOf(file, text)) {
      const edge = { from: file, to, typeOnly };
      const fault = edgeFault(edge);
      if (fault !== undefined) faults.push(`${file} ${fault}`);
      if (to.endsWith(".ts")) edges.push(edge);
    }
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/gm, "");
    if (!ENTRIES.has(file) && /\b(process\.(env|exit|on|argv)|Deno\.)/.test(code)) {
      faults.push(`${file} touches process or Deno: only ${[...ENTRIES].join(" and ")} do`);
    }
  }
  for (const cycle of cycles(edges)) faults.push(`cycle: ${cycle}`);
  for (const fault of faults) console.error(fault);
  console.log(`check:imports: ${files.length} files, ${edges.length} imports, ${faults.length} faults`);
  process.exit(faults.length > 0 ? 1 : 0);
}
