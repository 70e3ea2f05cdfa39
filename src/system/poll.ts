import { setTimeout as delay } from "node:timers/promises";

/** Pauses between attempts. */
interface Pace {
  /** Pause after the first attempt. */
  everyMs: number;
  /** Factor by which the pause grows with each attempt (default: 1). */
  growth?: number;
  /** Longest pause (default: unlimited). */
  slowestMs?: number;
}

interface Attempts extends Pace {
  signal?: AbortSignal | undefined;
  /** Whether a pause keeps the process alive (default: true). */
  ref?: boolean;
}

export interface AttemptOptions extends Attempts {
  /** Time after which no further attempt begins; an attempt in progress is completed (default: unlimited). */
  timeoutMs?: number | undefined;
  /**
   * Effect of an abort during a pause: it throws an AbortError (`throw`, the default) or ends the attempts
   * (`stop`).
   */
  onAbort?: "throw" | "stop";
}

/** Attempts that end only with an answer or an error. */
interface EndlessOptions extends Attempts {
  timeoutMs?: never;
  onAbort?: "throw";
}

/** Measures time and pauses; a test passes one on which only pauses take time. */
export interface Clock {
  /** Returns a time in ms that never decreases. */
  now: () => number;
  sleep: (ms: number, options: { signal?: AbortSignal; ref: boolean }) => Promise<void>;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, options) => delay(ms, undefined, options),
};

/**
 * Returns a function that pauses after an attempt and returns whether to make another one: false once the
 * time limit, counted from this call, has passed. For loops that do more than ask one question; for the
 * others, see `poll`.
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
 * Repeats a question until there is an answer, and returns the answer; undefined if the time limit passes
 * first.
 * @param look returns the answer; undefined or false if there is none yet.
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
