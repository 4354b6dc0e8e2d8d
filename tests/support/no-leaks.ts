// Preloaded into every test file (`node --import`): after the last test no socket, server, timer or child process may
// be left. Something left open is a fault of the code under test or of the test; either way the run fails and says what.
import { after } from "node:test";

/** What a quiet test process still holds: its own standard streams and finished file requests. */
const QUIET = new Set(["TTYWrap", "PipeWrap", "FSReqCallback", "SimpleShutdownWrap"]);
const GRACE_MS = 3000;
const TURN_MS = 25;

after(async () => {
  const end = performance.now() + GRACE_MS;
  for (;;) {
    // Wait first: what the last test began (a `listen`, a `connect`) shows only a turn later. This timer is over by
    // the time the list is read, so every `Timeout` in it is someone else's.
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    const left = process.getActiveResourcesInfo().filter((name) => !QUIET.has(name));
    if (left.length === 0) return;
    if (performance.now() > end) throw new Error(`left open after the tests: ${left.join(", ")}`);
  }
});
