import { hostname } from "node:os";
import type { Queue } from "bullmq";
import { UserError } from "../errors.ts";
import { PROTOCOL } from "../model/protocol.ts";

/** What the name of a worker says about it. */
export interface WorkerName {
  /** Version of its protocol, by which clients recognise other versions before they queue jobs for it. */
  protocol: number;
  /** Its machine. */
  host: string;
  /** Number of jobs that it executes concurrently; undefined if it does not say so. */
  slots: number | undefined;
}

/** Returns a worker's name in Redis. */
export function workerName({
  protocol = PROTOCOL,
  host = hostname(),
  slots,
}: Partial<WorkerName> = {}): string {
  return `protocol-${protocol}@${host}${slots === undefined ? "" : `:${slots}`}`;
}

const NAME = /^protocol-(\d{1,9})@(.+?)(?::(\d{1,6}))?$/;

/** Parses a worker's name; undefined if it is not one of ours. */
export function parseWorkerName(name: string): WorkerName | undefined {
  const [, protocol, host, slots] = NAME.exec(name) ?? [];
  if (protocol === undefined || host === undefined) return undefined;
  return { protocol: Number(protocol), host, slots: slots === undefined ? undefined : Number(slots) };
}

/** Checks the versions of a queue's workers. @throws {UserError} naming the machine of a worker of another version. */
export async function checkWorkers(queue: Queue): Promise<void> {
  for (const { rawname = "" } of await queue.getWorkers()) {
    const worker = parseWorkerName(rawname.replace(/^.*?:w:/, ""));
    if (worker === undefined || worker.protocol === PROTOCOL) continue;
    throw new UserError(
      `a worker on ${worker.host} runs another version of inet-swarm (protocol ${worker.protocol}, here ${PROTOCOL})`,
      {
        hint: "nothing was queued; restart the workers with this version: swarm-tool halt, then swarm-tool resume",
      },
    );
  }
}
