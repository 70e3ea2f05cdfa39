import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import tls from "node:tls";

let isInstalled = false;

/**
 * Makes every socket of this process emit `drain` when it closes. MongoDB's driver (7.9.0) notices a closed connection
 * only after waiting for `drain`: if the socket is destroyed before or during that wait, the driver would wait forever,
 * in an operation or in the heartbeat that it needs to find a server again. The driver gives no access to its sockets.
 */
export function endDrainWaits(): void {
  if (isInstalled) return;
  isInstalled = true;
  subscribe("net.client.socket", (message) => endWait((message as { socket: Socket }).socket));
  const { connect } = tls; // Node.js publishes TLS sockets on no diagnostics channel
  tls.connect = ((...args: Parameters<typeof connect>) => {
    const socket = connect(...args);
    endWait(socket);
    return socket;
  }) as typeof connect;
}

function endWait(socket: Socket): void {
  socket.once("close", () => socket.emit("drain"));
}
