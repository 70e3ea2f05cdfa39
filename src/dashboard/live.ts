import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { UserError } from "../errors.ts";
import { Busy } from "./turns.ts";

/** How often a live page is told what is new. */
const LIVE_MS = 1000;
/** A sign of life, after which a connection whose client has gone is noticed. */
const SIGN_MS = 15_000;
/** Of open pages: each asks once a second, and may hold an answer of some MB. */
const MOST_LIVE = 200;

/** Answers with what a question gives: once, or, for an `EventSource`, each time that something has changed. */
export type LiveAnswer = (context: Context, ask: () => Promise<string>) => Promise<Response>;

/** @param onError is told of our own faults; a page is only told that there was one. */
export function liveAnswers(onError: (error: Error) => void): LiveAnswer {
  let open = 0;
  const asEvent = (error: unknown): string => {
    if (error instanceof UserError) return JSON.stringify({ error: explained(error) });
    onError(error as Error);
    return JSON.stringify({ error: "this is a bug; see the dashboard's log" });
  };
  return async (context, ask) => {
    const isLive =
      context.req.method === "GET" && (context.req.header("accept") ?? "").includes("text/event-stream");
    if (isLive && open >= MOST_LIVE)
      throw new Busy("too many open pages of this dashboard", { hint: "close some of them" });
    if (!isLive) return context.body(await ask(), 200, { "Content-Type": "application/json" });
    open++;
    const first = await ask().catch((error: unknown) => {
      open--;
      throw error;
    });
    return streamSSE(context, async (stream) => {
      try {
        let told: string | undefined;
        let reportedAt = 0;
        for (let text = first; !stream.aborted; text = await ask().catch(asEvent)) {
          const now = performance.now();
          if (text !== told) await stream.writeSSE({ data: text });
          else if (now - reportedAt > SIGN_MS) await stream.write(":\n\n");
          if (text !== told || now - reportedAt > SIGN_MS) reportedAt = now;
          told = text;
          await stream.sleep(LIVE_MS);
        }
      } finally {
        open--;
      }
    });
  };
}

/** The message of an error with what the user can do. */
export function explained({ message, hint }: UserError): string {
  return hint === undefined ? message : `${message} – ${hint}`;
}
