// Finds a port on 127.0.0.1: the wanted one if it is free, any free one otherwise.

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** Between the answer and its use somebody else may take the port; the start then fails and says so. */
export async function freePort(wanted = 0): Promise<number> {
  try {
    return await probe(wanted);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (wanted === 0 || (code !== "EADDRINUSE" && code !== "EACCES")) throw error;
    return probe(0);
  }
}

function probe(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const { port: found } = server.address() as AddressInfo;
      server.close(() => resolve(found));
    });
  });
}
