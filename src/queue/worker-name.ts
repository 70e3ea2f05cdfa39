import { hostname } from "node:os";
import type { Queue } from "bullmq";
import { UserError } from "../errors.ts";
import { PROTOCOL } from "../model/protocol.ts";

/** Returns a worker's name in Redis, which tells clients the version of its protocol before they queue jobs for it. */
export function workerName(protocol: number = PROTOCOL, host = hostname()): string {
  return `protocol-${protocol}@${host}`;
}

const NAME = /:w:protocol-(\d+)@(.*)$/;

/** Checks the versions of a queue's workers. @throws {UserError} naming the machine of a worker of another version. */
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
