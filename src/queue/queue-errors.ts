import { UserError } from "../errors.ts";

/** What Redis answers, or its client says, for reasons outside of our code; with what to do. */
const KNOWN: readonly { text: RegExp; message: string; hint: string }[] = [
  {
    text: /^MISCONF/,
    message: "the queue's Redis cannot write its data",
    hint: "free some space on the disk of the swarm's state; nothing that was queued before is lost",
  },
  {
    text: /^OOM /,
    message: "the queue's Redis is out of memory",
    hint: "collect finished campaigns (runall-swarm attach) or cancel some, or raise its memory limit",
  },
  {
    text: /^READONLY/,
    message: "the queue's Redis takes no writes: it is a replica",
    hint: "swarm-tool status shows what of the swarm runs",
  },
  {
    text: /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)/,
    message: "the queue's Redis is busy",
    hint: "run the command again in a minute",
  },
  {
    text: /^(?:NOAUTH|WRONGPASS|NOPERM)/,
    message: "the queue's Redis refuses the access",
    hint: "swarm-tool connect fetches its password again",
  },
  {
    text: /^WRONGTYPE/,
    message: "an entry of the queue is damaged",
    hint: "if it cannot be cancelled, make the swarm again: swarm-tool remove, swarm-tool init",
  },
  {
    text: /^(?:Connection is closed|Command timed out|Reached the max retries|Stream isn't writeable|Connection in subscriber mode)/,
    message: "the queue's Redis does not answer",
    hint: "swarm-tool status shows what of the swarm runs",
  },
];

/** Returns an error of the queue's Redis as what the user can do about it; undefined for any other error. */
export function explainQueueError(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = KNOWN.find(({ text }) => text.test(error.message));
  if (known === undefined) return undefined;
  return new UserError(`${known.message}: ${error.message}`, { hint: known.hint, cause: error });
}
