import { request } from "node:http";

const TIMEOUT_MS = 5000;

/**
 * Returns whether a Docker Engine answers on a Unix socket.
 * @see Docker Engine API, "Ping".
 */
export function dockerAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping", timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once("error", () => resolve(false)); // there is no socket yet, or no process listens on it
    ping.once("timeout", () => ping.destroy());
    ping.end();
  });
}
