// Ports: the wanted one when free, another when taken.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { freePort } from "./ports.ts";

test("freePort() gives the wanted port when it is free and another when it is taken", async () => {
  const wanted = await freePort();
  assert.equal(await freePort(wanted), wanted);
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  assert.notEqual(await freePort(wanted), wanted);
  server.close();
});
