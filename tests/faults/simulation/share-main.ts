// One share of a campaign, in a process of its own: `node share-main.ts FIRST COUNT` answers the campaign as JSON.
import { runCampaign } from "./campaign.ts";

const [first, count] = process.argv.slice(2).map(Number);
if (first === undefined || count === undefined) throw new Error("usage: share-main.ts FIRST COUNT");
process.stdout.write(JSON.stringify(await runCampaign(first, count)));
