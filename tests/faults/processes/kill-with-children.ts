// SIGKILL to a server and to the processes it has started: one of Postgres's own outlives the postmaster by a moment, and
// could store a result in it.
import { readFileSync } from "node:fs";
import type { Part } from "../../../local-stack/mod.ts";

export function killWithChildren(part: Part): void {
  const children = readFileSync(`/proc/${part.pid}/task/${part.pid}/children`, "utf8").trim().split(" ");
  part.kill("SIGKILL");
  for (const pid of children.filter((text) => text !== "")) process.kill(Number(pid), "SIGKILL");
}
