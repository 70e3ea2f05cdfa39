import { hostname } from "node:os";
import type { Queue } from "bullmq";
import { UserError } from "../errors.ts";
import { PROTOCOL } from "../model/protocol.ts";

/** What a worker calls itself in Redis, so that clients see whether it understands them before they give it work. */
export function workerName(protocol: number = PROTOCOL, host = hostname()): string {
  return `protocol-${protocol}@${host}`;
}

const NAME = /:w:protocol-(\d+)@(.*)$/;

/** @throws {UserError} where a worker of the queue is of another version, naming its machine. */
export async function checkWorkers(queue: Queue): Promise<void> {
  for (const { rawname = "" } of await queue.getWorkers()) {
    const [, protocol, host] = NAME.exec(rawname) ?? [];
    if (protocol === undefined || Number(protocol) === PROTOCOL) continue;
    throw new UserError(
      `a worker on ${host} runs another version of inet-swarm (protocol ${protocol}, here ${PROTOCOL})`,
      {
        hint: "nothing was queued; restart the workers with this version: swarm-tool halt, then swarm-tool resume",
      },
    );
  }
}
