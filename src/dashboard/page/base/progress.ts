import { EventStream } from "./event-stream.ts";
import { AnswerError, ask, messageIn, type SentError } from "./request.ts";

/** How far the server is: numbers of bytes. */
export interface Progress {
  done: number;
  of: number;
}

/**
 * Requests a path of the API whose answer takes long. Cancelling the request cancels the server's work.
 * @throws {AnswerError} if the server answers with an error.
 * @throws {TypeError} if there is no connection.
 */
export async function askWithProgress<T extends object>(
  path: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<T> {
  const { body } = await ask(path, { headers: { Accept: "text/event-stream" }, signal, cache: "no-store" });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventStream();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new AnswerError("the dashboard has closed the connection", 503);
    for (const data of events.add(value)) {
      const event = JSON.parse(data) as T | { progress: Progress } | (SentError & { status: number });
      if ("progress" in event) onProgress(event.progress);
      else if ("error" in event) throw new AnswerError(messageIn(event), event.status);
      else return event;
    }
  }
}
