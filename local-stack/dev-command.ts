// What `npm run dev` does, with its process, streams and signals as arguments.
import { demoUser } from "./demo-user.ts";
import { parseDevOptions, type StackOptions, USAGE, UsageError } from "./options.ts";
import type { Stack, StackInfo } from "./supervisor.ts";

export type DevDeps = {
  args: readonly string[];
  env: Record<string, string | undefined>;
  start: (options: StackOptions) => Promise<Stack>;
  out: (line: string) => void;
  err: (line: string) => void;
  demoUserFile: (dataDir: string) => string;
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. Asked for before anything is started. */
  untilSignal: () => Promise<string>;
};

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs until a signal (0), a failure of a part or of the start (1), or wrong usage (2). Returns the exit code. */
export async function runDev(deps: DevDeps): Promise<number> {
  let options: ReturnType<typeof parseDevOptions>;
  try {
    options = parseDevOptions(deps.args, deps.env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    deps.err(`${error.message}\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.help) {
    deps.out(USAGE);
    return EXIT_OK;
  }
  // Listened to from the beginning: a Ctrl-C during the start must stop what is already running.
  const signalled = deps.untilSignal();
  const starting = deps.start({ ...options.stack, log: deps.err });
  try {
    const stack = await starting;
    return await runUntilEnd(stack, options.json, signalled, deps);
  } catch (error) {
    deps.err(error instanceof Error ? error.message : String(error));
    return EXIT_FAILED;
  }
}

async function runUntilEnd(stack: Stack, json: boolean, signalled: Promise<string>, deps: DevDeps): Promise<number> {
  const failed = new Promise<number>((resolve) => {
    stack.onFailure((part, why) => {
      deps.err(`${part} ended unexpectedly (${why}); stopping`);
      resolve(EXIT_FAILED);
    });
  });
  try {
    if (json) deps.out(JSON.stringify(stack.info));
    else for (const line of await greeting(stack.info, deps)) deps.out(line);
    return await Promise.race([failed, signalled.then(() => EXIT_OK)]);
  } finally {
    await stack.stop();
  }
}

async function greeting(info: StackInfo, { demoUserFile }: DevDeps): Promise<string[]> {
  const { email, password } = await demoUser(info, demoUserFile(info.data_dir));
  const api = `${info.api_url}/functions/v1/api/v1`;
  const signIn = `curl -s '${info.api_url}/auth/v1/token?grant_type=password' -H 'apikey: ${info.publishable_key}' -H 'content-type: application/json'`;
  const asUser = `-H "Authorization: Bearer $TOKEN" -H 'content-type: application/json'`;
  const paper = { account_name: "Paper", login: "5000001", password: "demo-5000001", server: "Switchyard-Demo" };
  const order = { symbol: "EURUSD", order_type: "buy", volume: 0.1 };
  return [
    "Switchyard is running. Ctrl-C stops it.",
    "",
    `  API              ${api}`,
    `  Supabase URL     ${info.api_url}`,
    `  Database         ${info.db_url}`,
    `  Worker           ${info.worker_url}`,
    `  Data             ${info.data_dir}`,
    `  Publishable key  ${info.publishable_key}`,
    `  Secret key       ${info.secret_key}`,
    `  Anon key         ${info.anon_key}`,
    `  Service role key ${info.service_role_key}`,
    "",
    `  Demo user        ${email}  ${password}`,
    "",
    "Try:",
    `  TOKEN=$(${signIn} -d '${JSON.stringify({ email, password })}' | node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')`,
    `  API=${api}`,
    `  curl -s $API/accounts/connect ${asUser} -d '${JSON.stringify({ ...paper, set_as_default: true })}'`,
    `  curl -s $API/trades ${asUser} -H "Idempotency-Key: $(date +%s%N)" -d '${JSON.stringify(order)}'`,
    `  curl -s $API/positions ${asUser}`,
  ];
}
