import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import tls from "node:tls";

let watched = false;

/**
 * Ends every wait for `drain` with the connection. If MongoDB's driver (7.9.0) waits for it and the socket is destroyed
 * meanwhile, or was destroyed but not yet closed, it would wait forever: in an operation, or in the heartbeat without which
 * it finds no server again. It notices a closed connection only after that wait, and offers no way to its sockets.
 */
export function endDrainWaits(): void {
  if (watched) return;
  watched = true;
  subscribe("net.client.socket", (message) => endWait((message as { socket: Socket }).socket));
  const { connect } = tls; // Node.js publishes sockets with TLS on no channel
  tls.connect = ((...args: Parameters<typeof connect>) => {
    const socket = connect(...args);
    endWait(socket);
    return socket;
  }) as typeof connect;
}

function endWait(socket: Socket): void {
  socket.once("close", () => socket.emit("drain"));
}
