import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Row } from "../base/data.ts";
import { counted } from "../base/format.ts";
import { connection } from "../base/live.ts";
import { ask, messageOf } from "../base/request.ts";
import type { CampaignData } from "../campaign-data.ts";
import { splitAt } from "./find-text.ts";

/** Interval at which the output of a running simulation is fetched. */
const OUTPUT_MS = 2000;

/** The output of a run, which is followed until the run has ended, with a search. */
export function RunOutput({ campaign, row }: { campaign: CampaignData; row: Row }): JSX.Element {
  const text = useSignal<string | undefined>(undefined);
  const failure = useSignal("");
  const search = useSignal("");
  const isRunning = row.state === "running";
  useEffect(() => {
    const ended = new AbortController();
    const load = async (): Promise<void> => {
      if (connection.value.state === "lost" && text.value !== undefined) return;
      try {
        const answer = await ask(`${campaign.path}/runs/${row.runNumber}/output`, { signal: ended.signal });
        text.value = await answer.text();
        failure.value = "";
      } catch (error) {
        if (!ended.signal.aborted) failure.value = messageOf(error);
      }
    };
    void load();
    const timer = isRunning ? setInterval(() => void load(), OUTPUT_MS) : undefined;
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [campaign.path, row.runNumber, isRunning]);
  const parts = splitAt(text.value ?? "", search.value);
  const found = (parts.length - 1) / 2;
  return (
    <section class="output" aria-label="output">
      <div class="bar-line">
        <h3>Output</h3>
        <input
          type="search"
          aria-label="search the output"
          placeholder="search"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && search.value !== "") {
              event.stopPropagation();
              search.value = "";
            }
          }}
        />
        <span role="status" class="quiet">
          {search.value === ""
            ? ""
            : found === 0
              ? "not found"
              : counted(found, "match").replace("matchs", "matches")}
        </span>
      </div>
      {failure.value !== "" && <p class="quiet">{failure.value}</p>}
      {text.value === undefined && failure.value === "" && <p class="quiet">Loading…</p>}
      {text.value !== undefined && <Text parts={parts} isFollowed={search.value === ""} />}
    </section>
  );
}

/** A text with highlighted parts. It stays scrolled to its end, or to where the reader has scrolled it. */
function Text({ parts, isFollowed }: { parts: string[]; isFollowed: boolean }): JSX.Element {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const first = parts.length > 1 ? parts[0]!.length : undefined;
  useLayoutEffect(() => {
    if (isFollowed && isAtEnd.current) place.current!.scrollTop = place.current!.scrollHeight;
  });
  useEffect(() => place.current?.querySelector("mark")?.scrollIntoView({ block: "nearest" }), [first]);
  const note = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = place.current!;
    isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 4;
  };
  return (
    <pre ref={place} tabIndex={0} onScroll={note}>
      {parts.map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}
    </pre>
  );
}
