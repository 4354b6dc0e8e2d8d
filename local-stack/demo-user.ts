// The demo user of `npm run dev`: made through the Auth API like any other, with a password of its own per data folder.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

const DemoUser = z.strictObject({ email: z.string(), password: z.string() });
export type DemoUser = z.infer<typeof DemoUser>;

const EMAIL = "demo@switchyard.local";

/** Reads the user from the file, or makes one and writes it (mode 0600). Signs it up if the project does not know it. */
export async function demoUser(project: { api_url: string; publishable_key: string }, file: string): Promise<DemoUser> {
  if (!existsSync(file)) {
    const made = { email: EMAIL, password: randomBytes(12).toString("base64url") };
    // Written first: a user whose password is lost could never be used again.
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  }
  const user = DemoUser.parse(JSON.parse(readFileSync(file, "utf8")));
  const response = await fetch(`${project.api_url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: project.publishable_key, "content-type": "application/json", connection: "close" },
    body: JSON.stringify(user),
  });
  const body = (await response.json()) as { error_code?: string };
  if (!response.ok && body.error_code !== "user_already_exists") {
    throw new Error(`The demo user could not be made: ${JSON.stringify(body)}`);
  }
  return user;
}
