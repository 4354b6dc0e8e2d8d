// The worker's and the function's commands as `npm run dev` starts them. The supervisor takes them as an argument, so
// that its own tests can use small stand-in programs.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { denoBinary } from "../scripts/deno.ts";
import { writeKeySet } from "../scripts/keys.ts";
import type { PartCommand } from "./child-process.ts";
import { httpAnswers } from "./http-ready.ts";
import type { ApiKeys } from "./keys.ts";
import type { StackOptions } from "./options.ts";
import { functionEnvironment, WORKER_ID, workerEnvironment, workerLinkUrl } from "./part-environment.ts";

export type PartContext = {
  options: StackOptions;
  dataDir: string;
  /** Folder of the key files: signing_keys.json, api_keys.json, function.env, worker.env. */
  keyDir: string;
  apiUrl: string;
  keys: ApiKeys;
  workerPort: number;
  functionPort: number;
};

export interface StackParts {
  /** Makes what is missing in the key folder, before anything is started. */
  prepareKeys(keyDir: string): Promise<void>;
  worker(context: PartContext): PartCommand;
  function(context: PartContext): PartCommand;
}

const ROOT = resolve(import.meta.dirname, "..");
const READY_LIMIT_MS = 30_000;
/** The worker finishes what it has started before it ends. */
const WORKER_STOP_LIMIT_MS = 45_000;
const FUNCTION_STOP_LIMIT_MS = 5_000;
const SERVER_FAULT = 500;

export const switchyardParts: StackParts = {
  prepareKeys: async (keyDir) => {
    // Both or neither: half a key set is a fault to report, and writeKeySet refuses to overwrite it.
    if (existsSync(join(keyDir, "function.env")) && existsSync(join(keyDir, "worker.env"))) return;
    mkdirSync(keyDir, { recursive: true, mode: 0o700 });
    // The port is a placeholder: every start puts the real one in its place.
    await writeKeySet({ dir: keyDir, workerId: WORKER_ID, workerUrl: workerLinkUrl(1) });
  },
  worker: ({ options, dataDir, keyDir, apiUrl, workerPort }) => {
    const workerDir = join(dataDir, "worker");
    mkdirSync(workerDir, { recursive: true, mode: 0o700 });
    return {
      name: "worker",
      file: process.execPath,
      // Looked at at every start: only where there was never a journal is a new one no loss.
      get args() {
        const isNew = !readdirSync(workerDir).some((name) => name.startsWith("journal.db"));
        const entry = options.workerEntry ?? join(ROOT, "bridge-worker", "src", "main.ts");
        return isNew ? [entry, "--new-journal"] : [entry];
      },
      cwd: ROOT,
      env: {
        ...systemEnvironment(),
        ...workerEnvironment({
          keyFile: readFileSync(join(keyDir, "worker.env"), "utf8"),
          port: workerPort,
          dataDir: workerDir,
          apiUrl,
          terminals: options.terminals,
          extra: options.workerEnv,
        }),
      },
      readyLimitMs: READY_LIMIT_MS,
      stopLimitMs: WORKER_STOP_LIMIT_MS,
      ready: httpAnswers(`http://127.0.0.1:${workerPort}/healthz`, (status) => status === 200),
    };
  },
  function: ({ options, keyDir, apiUrl, keys, workerPort, functionPort }) => ({
    name: "function",
    file: denoBinary(options.deno ?? "2.1.4"),
    args: [
      ...["serve", "--config", "deno.json", "--no-lock", "--host", "127.0.0.1", "--port", String(functionPort)],
      // What a hosted function may do: reach the network and read its environment and its own files.
      ...["--allow-net=127.0.0.1", "--allow-env", "--allow-read", "supabase/functions/api/index.ts"],
    ],
    cwd: ROOT,
    env: {
      ...systemEnvironment(),
      DENO_NO_PROMPT: "1",
      DENO_NO_UPDATE_CHECK: "1",
      ...functionEnvironment({
        keyFile: readFileSync(join(keyDir, "function.env"), "utf8"),
        workerPort: options.linkPort ?? workerPort,
        apiUrl,
        keys,
        extra: options.functionEnv,
      }),
    },
    readyLimitMs: READY_LIMIT_MS,
    stopLimitMs: FUNCTION_STOP_LIMIT_MS,
    ready: httpAnswers(`http://127.0.0.1:${functionPort}/api/v1/health`, (status) => status < SERVER_FAULT),
  }),
};

/** What a program needs from the host to run at all; nothing else of the caller's environment reaches a part. */
function systemEnvironment(): Record<string, string> {
  const names = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "USERPROFILE",
    "LOCALAPPDATA",
    "XDG_CACHE_HOME",
    "DENO_DIR",
  ];
  const known = names.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(known), NO_COLOR: "1" };
}
