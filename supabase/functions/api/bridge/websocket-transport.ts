// The only file that opens a socket: the runtime's own WebSocket, the one client that Deno 2.1.4 and Node share.
// It cannot send headers on Deno 2.1.4; the ticket therefore travels as a sub-protocol.
import { LINK_PROTOCOL } from "../../_shared/protocol/mod.ts";
import type { OpenTransport } from "./transport.ts";

/** The codes a client may close with are 1000 and 3000–4999 (WHATWG WebSockets, `close()`). */
const NORMAL_CLOSURE = 1000;

export const openWebSocket: OpenTransport = ({ url, protocols, signal }, events) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols);
    let settled = false;
    const fail = (reason: string): void => {
      signal.removeEventListener("abort", giveUp);
      if (settled) return;
      settled = true;
      reject(new Error(reason));
      socket.close();
    };
    const giveUp = (): void => fail("The link did not open in time");
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp);
    socket.onopen = () => {
      // A server that chose nothing does not speak our language. Not every runtime refuses it by itself.
      if (socket.protocol !== LINK_PROTOCOL) return fail("The peer does not speak the link protocol");
      signal.removeEventListener("abort", giveUp);
      settled = true;
      resolve({
        send: (text) => {
          if (socket.readyState !== WebSocket.OPEN) return false;
          socket.send(text);
          return true;
        },
        close: () => socket.close(NORMAL_CLOSURE),
      });
    };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") events.onText(event.data);
      else socket.close(NORMAL_CLOSURE);
    };
    socket.onerror = () => fail("The link could not be opened");
    socket.onclose = (event) => {
      const wasOpen = settled;
      fail(`The link was refused (${event.code})`);
      if (wasOpen) events.onClose(`closed with code ${event.code}`);
    };
  });
