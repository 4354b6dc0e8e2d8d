// `npm run bench [name [-- options]]`: one benchmark, or all; each prints one JSON object.
const Benchmarks: Record<string, () => Promise<unknown>> = {
  rpc: async () => (await import("./rpc.ts")).benchRpc(),
  scheduler: async () => (await import("./scheduler.ts")).benchScheduler(process.argv.slice(3)),
  pool: async () => (await import("./pool.ts")).benchPool(process.argv.slice(3)),
  recovery: async () => (await import("./recovery.ts")).benchRecovery(),
};

const wanted = process.argv[2];
if (wanted !== undefined && !Object.hasOwn(Benchmarks, wanted)) {
  console.error(`there is no benchmark "${wanted}": ${Object.keys(Benchmarks).join(", ")}`);
  process.exit(2);
}
for (const [name, run] of Object.entries(Benchmarks)) {
  if (wanted === undefined || wanted === name)
    console.log(JSON.stringify({ bench: name, ...((await run()) as object) }, null, 2));
}
