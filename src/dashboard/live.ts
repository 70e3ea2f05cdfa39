import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { UserError } from "../errors.ts";
import { Busy } from "./turns.ts";

/** Interval at which live pages are updated. */
const UPDATE_MS = 1000;
/** Interval of heartbeats, by which the server detects that a client has disconnected. */
const HEARTBEAT_MS = 15_000;
/** Maximum number of live pages: each needs an answer every second, which may take some MB. */
const MAX_LIVE_PAGES = 200;

/** Answers a request with what `ask` returns: once, or, for an `EventSource`, each time that it has changed. */
export type LiveAnswer = (context: Context, ask: () => Promise<string>) => Promise<Response>;

/**
 * Returns a function that answers requests and limits the number of live pages.
 * @param onError receives internal errors, whose details are not sent to pages.
 */
export function liveAnswers(onError: (error: Error) => void): LiveAnswer {
  let open = 0;
  const asEvent = (error: unknown): string => {
    if (error instanceof UserError) return JSON.stringify({ error: messageWithHint(error) });
    onError(error as Error);
    return JSON.stringify({ error: "this is a bug; see the dashboard's log" });
  };
  return async (context, ask) => {
    const isLive =
      context.req.method === "GET" && (context.req.header("accept") ?? "").includes("text/event-stream");
    if (isLive && open >= MAX_LIVE_PAGES)
      throw new Busy("too many open pages of this dashboard", { hint: "close some of them" });
    if (!isLive) return context.body(await ask(), 200, { "Content-Type": "application/json" });
    open++;
    const first = await ask().catch((error: unknown) => {
      open--;
      throw error;
    });
    return streamSSE(context, async (stream) => {
      try {
        let sent: string | undefined;
        let sentAt = 0;
        for (let text = first; !stream.aborted; text = await ask().catch(asEvent)) {
          const now = performance.now();
          if (text !== sent) await stream.writeSSE({ data: text });
          else if (now - sentAt > HEARTBEAT_MS) await stream.write(":\n\n");
          if (text !== sent || now - sentAt > HEARTBEAT_MS) sentAt = now;
          sent = text;
          await stream.sleep(UPDATE_MS);
        }
      } finally {
        open--;
      }
    });
  };
}

/** Returns the message of an error with its hint. */
export function messageWithHint({ message, hint }: UserError): string {
  return hint === undefined ? message : `${message} – ${hint}`;
}
