import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { ReadControl } from "../omnetpp/byte-lines.ts";
import { asSent } from "./error-response.ts";

/** Interval at which a page is told how far the reading of a file is. */
const PROGRESS_MS = 200;

/**
 * Answers a request whose answer takes long: in JSON, or, if an event stream is asked for, with events
 * `{ "progress": { "done", "of" } }` and then the answer or `{ "error", "status" }`. The work is cancelled when the
 * client disconnects.
 * @param limitMs time after which reading ends, with what was read until then.
 * @param onError receives bugs, whose details are not sent.
 */
export function answerWithProgress(
  context: Context,
  limitMs: number,
  work: (control: ReadControl) => Promise<object>,
  onError: (error: Error) => void,
): Promise<Response> | Response {
  const isLive = (context.req.header("accept") ?? "").includes("text/event-stream");
  if (!isLive) {
    const control = controlFor(context.req.raw.signal, limitMs);
    return work(control).then((answer) => context.json(answer));
  }
  return streamSSE(context, async (stream) => {
    const cancelled = new AbortController();
    stream.onAbort(() => cancelled.abort());
    const send = (event: object): Promise<void> => stream.writeSSE({ data: JSON.stringify(event) });
    let sentAt = 0;
    const onProgress = (done: number, of: number): void => {
      if (performance.now() - sentAt < PROGRESS_MS) return;
      sentAt = performance.now();
      void send({ progress: { done, of } });
    };
    try {
      await send(await work({ ...controlFor(cancelled.signal, limitMs), onProgress }));
    } catch (error) {
      if (!cancelled.signal.aborted) await send(asSent(error, onError));
    }
  });
}

/** The time begins when reading does: a request may have to wait for others. */
function controlFor(signal: AbortSignal, limitMs: number): ReadControl {
  let startedAt: number | undefined;
  return {
    signal,
    isTimeUp() {
      startedAt ??= performance.now();
      return performance.now() - startedAt > limitMs;
    },
  };
}
