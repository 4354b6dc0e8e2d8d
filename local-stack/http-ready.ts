// A readiness probe for programs that serve HTTP: asks until the answer is the wanted one.
import { get } from "node:http";

const POLL_MS = 25;
/** A server that took the connection but does not answer is asked again after this long. */
const ASK_LIMIT_MS = 2000;

/** Resolves once `GET url` answers a status that `isReady`; stops asking when the signal aborts. */
export function httpAnswers(
  url: string,
  isReady: (status: number) => boolean,
): (probe: { signal: AbortSignal }) => Promise<void> {
  return async ({ signal }) => {
    while (!signal.aborted) {
      const status = await statusOf(url, signal);
      if (status !== undefined && isReady(status)) return;
      await pause(signal);
    }
  };
}

/** The status, or undefined when nobody answers. */
function statusOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal, timeout: ASK_LIMIT_MS }, (response) => {
      response.resume();
      response.once("close", () => resolve(response.statusCode));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(undefined));
    request.once("close", () => resolve(undefined));
  });
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, POLL_MS);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}
