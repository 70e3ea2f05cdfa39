import { request } from "node:http";

const TIMEOUT_MS = 5000;

/**
 * Whether a Docker engine answers on a unix socket.
 * @see Docker Engine API, "Ping".
 */
export function dockerAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping", timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once("error", () => resolve(false)); // no socket yet, or nobody behind it: that is the answer
    ping.once("timeout", () => ping.destroy());
    ping.end();
  });
}
