import { setTimeout as delay } from "node:timers/promises";

/** How long to pause between two attempts. */
interface Pace {
  /** The pause after an attempt. */
  everyMs: number;
  /** Factor by which the pause grows with each attempt. */
  growth?: number;
  /** The longest pause. */
  slowestMs?: number;
}

interface Attempts extends Pace {
  signal?: AbortSignal | undefined;
  /** Whether a pause keeps the process alive; true unless given. */
  ref?: boolean;
}

export interface AttemptOptions extends Attempts {
  /** No further attempt after this time; the one that is in progress then is the last. */
  timeoutMs?: number | undefined;
  /** What an abort during a pause does: it throws an AbortError (`throw`), or there is no further attempt (`stop`). */
  onAbort?: "throw" | "stop";
}

/** Attempts that end only with an answer or an error. */
interface EndlessOptions extends Attempts {
  timeoutMs?: never;
  onAbort?: "throw";
}

/** What time is asked of. */
export interface Clock {
  /** In milliseconds; never goes back. */
  now: () => number;
  sleep: (ms: number, options: { signal?: AbortSignal; ref: boolean }) => Promise<void>;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, options) => delay(ms, undefined, options),
};

/**
 * Returns a function that pauses after an attempt and returns whether to make another one: false when the time is over.
 * The time begins now. For loops that do more than ask one question; else see `poll`.
 */
export function attempts(options: AttemptOptions, clock = SYSTEM_CLOCK): () => Promise<boolean> {
  const { everyMs, growth = 1, slowestMs = Infinity, timeoutMs = Infinity } = options;
  const { signal, onAbort = "throw", ref = true } = options;
  const deadline = clock.now() + timeoutMs;
  let pauseMs = everyMs;
  return async () => {
    if (clock.now() >= deadline) return false;
    try {
      await clock.sleep(pauseMs, signal === undefined ? { ref } : { signal, ref });
    } catch (error) {
      if (onAbort === "throw" || signal?.aborted !== true) throw error;
      return false;
    }
    pauseMs = Math.min(pauseMs * growth, slowestMs);
    return true;
  };
}

type Look<T> = () => T | false | undefined | Promise<T | false | undefined>;

/**
 * Asks again and again until there is an answer.
 * @param look returns the answer; undefined or false as long as there is none.
 * @returns undefined when the time is over.
 */
export async function poll<T>(look: Look<T>, options: EndlessOptions, clock?: Clock): Promise<T>;
export async function poll<T>(look: Look<T>, options: AttemptOptions, clock?: Clock): Promise<T | undefined>;
export async function poll<T>(
  look: Look<T>,
  options: AttemptOptions,
  clock = SYSTEM_CLOCK,
): Promise<T | undefined> {
  const nextAttempt = attempts(options, clock);
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (!(await nextAttempt())) return undefined;
  }
}
