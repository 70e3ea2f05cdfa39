import { UserError } from "../../errors.ts";
import { publishPorts } from "../../providers/docker/relay-process.ts";
import { relay } from "../../providers/docker/relay.ts";
import { stackOf } from "../../providers/docker/stack.ts";
import { readState } from "../../providers/state-file.ts";
import type { Io } from "./io.ts";

/** Serves a swarm's ports until it is told to end. @param ports as `redis=6379`. */
export async function relayTo(name: string, ports: readonly string[], io: Io): Promise<void> {
  const state = await readState(name);
  if (state?.target !== "docker") throw new UserError(`the swarm ${name} is not on Docker`);
  await relay({
    endpoint: state.docker,
    stack: stackOf(name),
    onListening: (open) => publishPorts(name, open),
    ports: Object.fromEntries(ports.map((each) => [each.split("=")[0]!, Number(each.split("=")[1])])),
    log: (text) => io.note(`${new Date().toISOString()} ${text}`),
    signal: io.interrupt,
  });
}
