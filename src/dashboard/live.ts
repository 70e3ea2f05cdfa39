import type { Context } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { asSent } from "./error-response.ts";
import { Busy } from "./turns.ts";

/** Interval at which live pages are updated. */
const UPDATE_MS = 1000;
/** Interval of heartbeats, by which the server detects that a client has disconnected. */
const HEARTBEAT_MS = 15_000;
/** Maximum number of live pages: each needs an answer every second, which may take some MB. */
const MAX_LIVE_PAGES = 200;

/** Time after which a browser reconnects when the connection is closed. */
const RECONNECT_MS = 2000;

/** Answers a request with what `ask` returns: once, or, for an `EventSource`, each time that it has changed. */
export type LiveAnswer = (context: Context, ask: () => Promise<string>) => Promise<Response>;

/**
 * Returns a function that answers requests and limits the number of live pages. An `EventSource` never reconnects after
 * a response that is not an event stream; therefore, an error is an event, `{ error, status }`, and the stream goes on.
 * @param onError receives internal errors, whose details are not sent to pages.
 */
export function liveAnswers(onError: (error: Error) => void): LiveAnswer {
  let open = 0;
  return async (context, ask) => {
    const isLive =
      context.req.method === "GET" && (context.req.header("accept") ?? "").includes("text/event-stream");
    if (!isLive) return context.body(await ask(), 200, { "Content-Type": "application/json" });
    if (open >= MAX_LIVE_PAGES)
      throw new Busy("too many open pages of this dashboard", { hint: "close some of them" });
    open++;
    const next = (): Promise<string> =>
      ask().catch((error: unknown) => JSON.stringify(asSent(error, onError)));
    return streamSSE(context, async (stream) => {
      try {
        await sendAll(stream, next);
      } finally {
        open--;
      }
    });
  };
}

/** Sends what `next` returns whenever it has changed, until the client disconnects. */
async function sendAll(stream: SSEStreamingApi, next: () => Promise<string>): Promise<void> {
  let sent: string | undefined;
  let sentAt = 0;
  await stream.write(`retry: ${RECONNECT_MS}\n\n`);
  for (let text = await next(); !stream.aborted; text = await next()) {
    const now = performance.now();
    if (text !== sent) await stream.writeSSE({ data: text });
    else if (now - sentAt > HEARTBEAT_MS) await stream.write(":\n\n");
    if (text !== sent || now - sentAt > HEARTBEAT_MS) sentAt = now;
    sent = text;
    await stream.sleep(UPDATE_MS);
  }
}
