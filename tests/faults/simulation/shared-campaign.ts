// A campaign spread over processes: a run uses one core, and there are more of them.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { type Campaign, merge, noFigures } from "./campaign.ts";

const MAIN = new URL("share-main.ts", import.meta.url).pathname;
/** What else runs on the machine shall not starve. */
const MOST_SHARES = 4;

/** Seeds `first` … `first + count - 1`, in any order; the figures do not depend on it. */
export async function runSharedCampaign(first: number, count: number): Promise<Campaign> {
  const shares = Math.max(1, Math.min(MOST_SHARES, availableParallelism()));
  const each = Math.ceil(count / shares);
  const campaigns: Promise<Campaign>[] = [];
  for (let from = first; from < first + count; from += each) {
    campaigns.push(runShare(from, Math.min(each, first + count - from)));
  }
  const none: Campaign = { figures: noFigures(), failures: [] };
  return (await Promise.all(campaigns)).reduce(merge, none);
}

async function runShare(first: number, count: number): Promise<Campaign> {
  const child = spawn(process.execPath, [MAIN, String(first), String(count)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`the share of seeds ${first} to ${first + count - 1} ended with ${code}`);
  return JSON.parse(output) as Campaign;
}
