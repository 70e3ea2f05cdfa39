import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { askWithProgress, type Progress } from "../base/progress.ts";
import { messageOf } from "../base/request.ts";
import { useTheme } from "../results/use-theme.ts";
import { useWidth } from "../results/use-width.ts";
import { binText, histogramNotes, type Histogram } from "./histogram.ts";
import { HistogramFigure } from "./histogram-figure.tsx";
import { movedMark } from "./moved-mark.ts";
import { HistogramTable, VectorTable } from "./preview-table.tsx";
import type { Recording } from "./recording-list.ts";
import { VectorFigure } from "./vector-figure.tsx";
import { vectorNotes, vectorPointText, type VectorSeries } from "./vector.ts";

type State =
  | { type: "reading"; progress: Progress | undefined }
  | { type: "cancelled" }
  | { type: "failed"; reason: string }
  | { type: "read"; answer: VectorSeries | Histogram };

/** The picture of a vector or histogram, or a sentence in its place. While the file is read, it can be cancelled. */
export function Preview({ path, recording }: { path: string; recording: Recording }): JSX.Element {
  const state = useSignal<State>({ type: "reading", progress: undefined });
  const attempt = useSignal(0);
  const reading = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    const ended = new AbortController();
    reading.current = ended;
    state.value = { type: "reading", progress: undefined };
    const onProgress = (progress: Progress): void => void (state.value = { type: "reading", progress });
    askWithProgress<VectorSeries | Histogram>(`${path}/${recording.request}`, {
      signal: ended.signal,
      onProgress,
    }).then(
      (answer) => (state.value = { type: "read", answer }),
      (error: unknown) => {
        if (!ended.signal.aborted) state.value = { type: "failed", reason: messageOf(error) };
      },
    );
    return () => ended.abort();
  }, [path, recording.request, attempt.value]);
  const cancel = (): void => {
    reading.current?.abort();
    state.value = { type: "cancelled" };
  };
  const again = (): void => {
    attempt.value++;
  };
  const current = state.value;
  switch (current.type) {
    case "reading":
      return <Reading progress={current.progress} cancel={cancel} />;
    case "read":
      return <Drawn answer={current.answer} />;
    case "cancelled":
    case "failed":
      return (
        <div class="empty-figure" role="status">
          <p>{current.type === "failed" ? `${current.reason}.` : "Reading was cancelled."}</p>
          <button type="button" onClick={again}>
            Read again
          </button>
        </div>
      );
  }
}

function Reading({ progress, cancel }: { progress: Progress | undefined; cancel: () => void }): JSX.Element {
  const percent = progress === undefined ? undefined : Math.floor((100 * progress.done) / progress.of);
  return (
    <div class="bar-line">
      <progress aria-label="reading the file" max={100} value={percent} />
      <span class="quiet" role="status">
        {percent === undefined ? "Reading the file…" : `Reading the file: ${percent} %`}
      </span>
      <button type="button" onClick={cancel}>
        Cancel reading
      </button>
    </div>
  );
}

type Answer = VectorSeries | Histogram;

function Drawn({ answer }: { answer: Answer }): JSX.Element {
  const isVector = "points" in answer;
  const notes = isVector ? vectorNotes(answer) : histogramNotes(answer);
  const isEmpty = isVector && answer.points.length === 0;
  return (
    <>
      {isEmpty ? (
        <p class="empty-figure" role="status">
          {answer.count === 0 ? "The vector has no values." : "All values are NaN or infinite."}
        </p>
      ) : (
        <MarkedFigure answer={answer} note={notes[0]!} />
      )}
      {notes.slice(1).map((note) => (
        <p key={note} class="note quiet">
          {note}
        </p>
      ))}
      {isEmpty ? null : isVector ? <VectorTable series={answer} /> : <HistogramTable histogram={answer} />}
    </>
  );
}

/** A figure whose points can be reached with the pointer and with keys. @param note shown while none is. */
function MarkedFigure({ answer, note }: { answer: Answer; note: string }): JSX.Element {
  const { place, width } = useWidth();
  const theme = useTheme();
  const marked = useSignal<{ index: number; isByKey: boolean } | undefined>(undefined);
  const onMark = (index: number | undefined): void =>
    void (marked.value = index === undefined ? undefined : { index, isByKey: false });
  const isVector = "points" in answer;
  const { index, isByKey = false } = marked.value ?? {};
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isEscape = event.key === "Escape" && index !== undefined;
    const next = movedMark(event.key, index, isVector ? answer.points.length : answer.values.length);
    if (next === undefined && !isEscape) return;
    marked.value = next === undefined ? undefined : { index: next, isByKey: true };
    event.preventDefault();
    event.stopPropagation(); // the drawer stays open
  };
  const props = { width: width.value, theme, marked: index, onMark };
  const textOf = (at: number): string => (isVector ? vectorPointText(answer, at) : binText(answer, at));
  return (
    <>
      <div
        ref={place}
        class="figure"
        role="application"
        aria-label={`Figure of ${isVector ? answer.vector.name : answer.name}`}
        aria-describedby="preview-hint"
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {width.value > 0 && isVector && <VectorFigure series={answer} {...props} />}
        {width.value > 0 && !isVector && <HistogramFigure histogram={answer} {...props} />}
      </div>
      <p class="hovered quiet" aria-live={isByKey ? "polite" : "off"}>
        {index === undefined ? note : textOf(index)}
      </p>
      <p id="preview-hint" class="help">
        {`Keys: arrows, Page Up, Page Down, Home and End move between ${isVector ? "points" : "bins"}.`}
      </p>
    </>
  );
}
