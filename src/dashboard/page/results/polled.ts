import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connection } from "../base/live.ts";
import { askJson, messageOf } from "../base/request.ts";
import { session } from "../base/session.ts";

/** Interval at which it is decided whether to ask again. */
const LOOK_MS = 1000;
/** Pause between two requests, as a multiple of the time that the last one took: a large answer is asked for rarely. */
const PAUSE_FACTOR = 4;
const RETRY_MS = 3000;

export interface Polled<T> {
  answers: ReadonlySignal<readonly T[] | undefined>;
  failure: ReadonlySignal<string>;
}

/**
 * Requests paths of the API that need the token, and again when more runs have ended or while the server is still reading files.
 * @param version changes when the answers may have changed.
 */
export function usePolled<T extends { unread: number }>(
  paths: readonly string[],
  version: string,
): Polled<T> {
  const answers = useSignal<readonly T[] | undefined>(undefined);
  const failure = useSignal("");
  const latest = useRef(version);
  latest.current = version;
  const key = paths.join("\n");
  const access = session.value;
  const refusal = access.hasAccess ? "" : access.reason;
  useEffect(() => {
    const ended = new AbortController();
    let [asked, nextAt, isBusy] = ["", 0, false];
    const load = async (): Promise<void> => {
      const isDue = asked !== latest.current || (answers.value ?? []).some(({ unread }) => unread > 0);
      if (isBusy || !isDue || performance.now() < nextAt || document.hidden) return;
      if (connection.value.state === "lost" && answers.value !== undefined) return;
      isBusy = true;
      const [start, wanted] = [performance.now(), latest.current];
      try {
        const got = await Promise.all(paths.map((path) => askJson<T>(path, { signal: ended.signal })));
        if (ended.signal.aborted) return;
        answers.value = got;
        failure.value = "";
        asked = wanted;
        nextAt = performance.now() + PAUSE_FACTOR * (performance.now() - start);
      } catch (error) {
        if (ended.signal.aborted) return;
        failure.value = messageOf(error);
        nextAt = performance.now() + RETRY_MS;
      } finally {
        isBusy = false;
      }
    };
    answers.value = undefined;
    failure.value = refusal;
    if (paths.length === 0 || !access.hasAccess) return undefined;
    void load();
    const timer = setInterval(() => void load(), LOOK_MS);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [key, access.hasAccess, refusal]);
  return { answers, failure };
}
