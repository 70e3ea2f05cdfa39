import { serveRelay } from "../../providers/docker/relay-process.ts";
import type { Io } from "./io.ts";

/** Serves a swarm's ports until it is interrupted. @param ports each in the form `redis=6379`. */
export async function relayTo(name: string, ports: readonly string[], io: Io): Promise<void> {
  const numbers = Object.fromEntries(ports.map((each) => [each.split("=")[0]!, Number(each.split("=")[1])]));
  const log = (text: string): void => io.note(`${new Date().toISOString()} ${text}`);
  await serveRelay(name, numbers, log, io.interrupt);
}
