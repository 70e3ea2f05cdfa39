import { UserError } from "../errors.ts";

/** Errors of Redis or its client that are not caused by our code, with hints. */
const KNOWN: readonly { text: RegExp; message: string; hint: string }[] = [
  {
    text: /^MISCONF/,
    message: "the queue's Redis cannot write its data",
    hint: "free disk space where the swarm stores its state; nothing queued earlier is lost",
  },
  {
    text: /^OOM /,
    message: "the queue's Redis is out of memory",
    hint: "collect finished campaigns (runall-swarm attach) or cancel some, or raise its memory limit",
  },
  {
    text: /^READONLY/,
    message: "the queue's Redis is a read-only replica",
    hint: "check what is running with: swarm-tool status",
  },
  {
    text: /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)/,
    message: "the queue's Redis is busy",
    hint: "run the command again in a minute",
  },
  {
    text: /^(?:NOAUTH|WRONGPASS|NOPERM)/,
    message: "the queue's Redis denied access",
    hint: "fetch its password again with: swarm-tool connect",
  },
  {
    text: /^WRONGTYPE/,
    message: "an entry of the queue is damaged",
    hint: "cancel the campaign; if that fails, recreate the swarm: swarm-tool remove, then swarm-tool init",
  },
  {
    text: /^(?:Connection is closed|Command timed out|Reached the max retries|Stream isn't writeable|Connection in subscriber mode)/,
    message: "the queue's Redis is not responding",
    hint: "check what is running with: swarm-tool status",
  },
];

/** Returns an error of the queue's Redis as an error with a hint for the user; undefined for any other error. */
export function explainQueueError(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = KNOWN.find(({ text }) => text.test(error.message));
  if (known === undefined) return undefined;
  return new UserError(`${known.message}: ${error.message}`, { hint: known.hint, cause: error });
}
