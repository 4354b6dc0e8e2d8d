// A Postgres cluster of our own: makes the data folder once (initdb) and runs the server as a supervised part, on
// loopback only. Under root it runs as another user; as an ordinary user nothing is changed.
import { execFile } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Part, type PartHooks, startPart } from "../child-process.ts";
import { isAlive } from "../process-identity.ts";
import { assertReachable, postgresBinaries, postgresUser, type UnprivilegedUser } from "./binaries.ts";

/** The cluster's superuser, as on the hosted platform, where `postgres` is an ordinary (if powerful) role. */
export const SUPERUSER = "supabase_admin";
/** Every local password. Loopback only; the Supabase CLI takes 54322 with `postgres`/`postgres` for its local stack. */
export const LOCAL_PASSWORD = "postgres";

const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;
/** How long the processes of a killed server may keep its shared memory before a new one gives up, in ms. */
const LEFTOVER_LIMIT_MS = 10_000;
const LEFTOVER_PAUSE_MS = 100;

export type ClusterOptions = {
  /** Folder of this cluster alone. Its parent must exist. */
  dataDir: string;
  port: number;
  /** True: not flushed to disk, so a crash loses it. For throw-away clusters only. */
  ephemeral: boolean;
};

/** Starts Postgres on 127.0.0.1:port, making the data folder first if it is new. Resolves when it accepts connections. */
export async function startCluster(options: ClusterOptions, hooks: PartHooks): Promise<Part> {
  const binaries = postgresBinaries();
  const user = postgresUser();
  if (user) assertReachable(dirname(options.dataDir), user, "The data");
  if (existsSync(join(options.dataDir, "PG_VERSION"))) refuseIfInUse(options.dataDir);
  else await createDataFolder(binaries.initdb, options, user);

  const command = {
    name: "postgres",
    file: binaries.postgres,
    args: serverArguments(options),
    env: serverEnvironment(),
    cwd: options.dataDir,
    user,
    // SIGINT is Postgres's fast shutdown: open connections are ended, nothing is lost. SIGTERM would wait for them.
    stopSignal: "SIGINT",
    readyLimitMs: READY_LIMIT_MS,
    stopLimitMs: STOP_LIMIT_MS,
    ready: ({ line }: { line: (pattern: RegExp) => Promise<void> }) => line(/database system is ready to accept/),
  } as const;
  const part = await retryWhileLeftovers(() => startPart(command, hooks));
  return restartPatiently(part);
}

/** `restart()` of the returned part also waits for what a killed server left behind. */
function restartPatiently(part: Part): Part {
  return {
    get name() {
      return part.name;
    },
    get pid() {
      return part.pid;
    },
    get exited() {
      return part.exited;
    },
    kill: (signal) => part.kill(signal),
    restart: () => retryWhileLeftovers(() => part.restart()),
    stop: () => part.stop(),
  };
}

/** After SIGKILL the server's own children need a moment to notice; until then a new server refuses to start. */
async function retryWhileLeftovers<T>(start: () => Promise<T>): Promise<T> {
  const end = performance.now() + LEFTOVER_LIMIT_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const leftovers = /shared memory block|lock file "postmaster.pid" already exists/.test(String(error));
      if (!leftovers || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, LEFTOVER_PAUSE_MS));
    }
  }
}

/** A server that still runs on this folder must not be disturbed; a dead one's pid file is Postgres's own to clear. */
function refuseIfInUse(dataDir: string): void {
  const file = join(dataDir, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid) || !looksLikePostgres(pid)) return;
  throw new Error(
    `Another Postgres (process ${pid}) already uses "${dataDir}". Stop it first, or choose another folder with --data-dir`,
  );
}

/** The pid may belong to another program by now. Where that cannot be seen, the careful answer is yes. */
function looksLikePostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    return process.platform !== "linux";
  }
}

async function createDataFolder(initdb: string, options: ClusterOptions, user?: UnprivilegedUser): Promise<void> {
  // A folder without PG_VERSION is what an interrupted initdb leaves: nothing of value is in it yet.
  rmSync(options.dataDir, { recursive: true, force: true });
  mkdirSync(options.dataDir, { mode: 0o700 });
  if (user) chownSync(options.dataDir, user.uid, user.gid);
  const passwordFile = `${options.dataDir}.password`;
  writeFileSync(passwordFile, LOCAL_PASSWORD, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);
  const args = [
    ...["-D", options.dataDir, "-U", SUPERUSER, "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    ...["--encoding=UTF8", "--locale=C.UTF-8", ...(options.ephemeral ? ["--no-sync"] : [])],
  ];
  try {
    await promisify(execFile)(initdb, args, { ...(user ?? {}), env: serverEnvironment(), cwd: options.dataDir });
  } catch (cause) {
    rmSync(options.dataDir, { recursive: true, force: true });
    const said = (cause as { stderr?: string }).stderr?.trim() ?? String(cause);
    throw new Error(`initdb failed in "${options.dataDir}": ${said}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  chmodSync(options.dataDir, 0o700);
}

function serverArguments({ dataDir, port, ephemeral }: ClusterOptions): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    ...(ephemeral ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {}),
  };
  return ["-D", dataDir, "-p", String(port), ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])];
}

/** English messages (the readiness line is one of them) and no PG* variable of the caller's. */
function serverEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "", LC_MESSAGES: "C", TZ: "UTC", ...windowsRoot() };
}

function windowsRoot(): Record<string, string> {
  return process.env.SystemRoot ? { SystemRoot: process.env.SystemRoot } : {};
}
