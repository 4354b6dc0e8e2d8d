// The project's own files, as git sees them: tracked, and new ones that are not ignored.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export function sourceFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
  return listed.split("\n").filter((file) => file !== "" && existsSync(file));
}
