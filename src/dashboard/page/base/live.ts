import { signal } from "@preact/signals";
import { EventStream } from "./event-stream.ts";
import { AnswerError, ask, messageIn, messageOf, type SentError } from "./request.ts";

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Time without a byte after which a connection counts as lost: the server sends a heartbeat every 15 s. */
const SILENCE_MS = 40_000;

/** Whether what the page shows is the present state. */
export type Connection =
  | { state: "connecting" | "live" }
  /** `retryAt` is undefined if the connection exists, but the server has reported an error. */
  | { state: "lost"; message: string; retryAt: number | undefined };

/** The connection of what the page shows. */
export const connection = signal<Connection>({ state: "connecting" });
/** Time of the last answer. */
export const updatedAt = signal<number | undefined>(undefined);
/** The present time while the page is live, else that of the last answer: durations do not go on without news. */
export const now = signal(Date.now());

setInterval(() => {
  if (connection.value.state === "live") now.value = Date.now();
}, 1000);

/** Ends the pause before the next attempt. */
let endPause: (() => void) | undefined;

/** Tries to connect immediately. */
export function reconnect(): void {
  endPause?.();
}

addEventListener("online", reconnect);

/**
 * Follows a live answer of the server. A connection that is refused, closed or silent, and an error, are followed by
 * another attempt, after a pause that grows up to 10 s. The connection is closed while the page is hidden, because a
 * browser limits the connections of all its tabs to a host.
 * @param show called with each answer. The first one of a connection is complete; later ones contain what has changed.
 * @returns a function that stops following.
 */
export function follow(path: string, show: (answer: object, isFirst: boolean) => void): () => void {
  const ended = new AbortController();
  connection.value = { state: "connecting" };
  updatedAt.value = undefined;
  void followUntil(ended.signal, path, show);
  return () => ended.abort();
}

async function followUntil(
  ended: AbortSignal,
  path: string,
  show: (answer: object, isFirst: boolean) => void,
): Promise<void> {
  let pause = SHORTEST_PAUSE_MS;
  const hasEnded = (): boolean => ended.aborted;
  while (!hasEnded()) {
    await whenVisible(ended);
    let message = "the dashboard has closed the connection";
    const attempt = new Attempt(ended);
    try {
      let isFirst = true;
      for await (const answer of attempt.answers(path)) {
        if (isError(answer)) {
          connection.value = { state: "lost", message: messageIn(answer), retryAt: undefined };
          continue;
        }
        show(answer, isFirst);
        isFirst = false;
        pause = SHORTEST_PAUSE_MS;
        updatedAt.value = now.value = Date.now();
        connection.value = { state: "live" };
      }
    } catch (error) {
      if (attempt.isSilent) message = "the dashboard has stopped responding";
      else if (!attempt.isAborted) message = messageOf(error);
    } finally {
      attempt.close();
    }
    if (hasEnded()) return;
    if (document.hidden) {
      connection.value = { state: "connecting" };
      continue;
    }
    connection.value = { state: "lost", message, retryAt: Date.now() + pause };
    await waitBeforeRetry(pause, ended);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

function isError(answer: object): answer is SentError {
  return "error" in answer;
}

/** One connection. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #cancel = (): void => this.#controller.abort();
  readonly #ended: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;
  isSilent = false;

  constructor(ended: AbortSignal) {
    this.#ended = ended;
    ended.addEventListener("abort", this.#cancel);
    document.addEventListener("visibilitychange", this.#cancel);
  }

  get isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  async *answers(path: string): AsyncGenerator<object> {
    this.#waitForByte();
    const headers = { Accept: "text/event-stream" };
    const { body } = await ask(path, { headers, signal: this.#controller.signal, cache: "no-store" });
    if (body === null) throw new AnswerError("the dashboard sent an empty answer", 200);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventStream();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#waitForByte();
      for (const data of events.add(value)) yield JSON.parse(data) as object;
    }
  }

  #waitForByte(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isSilent = true;
      this.#controller.abort();
    }, SILENCE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
    this.#ended.removeEventListener("abort", this.#cancel);
    document.removeEventListener("visibilitychange", this.#cancel);
  }
}

async function whenVisible(ended: AbortSignal): Promise<void> {
  while (document.hidden && !ended.aborted)
    await new Promise<void>((resolve) => {
      document.addEventListener("visibilitychange", () => resolve(), { once: true });
      ended.addEventListener("abort", () => resolve(), { once: true });
    });
}

async function waitBeforeRetry(ms: number, ended: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    endPause = () => {
      clearTimeout(timer);
      resolve();
    };
    ended.addEventListener("abort", endPause, { once: true });
  });
  endPause = undefined;
}
