import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { askWithProgress, type Progress } from "../base/progress.ts";
import { messageOf } from "../base/request.ts";
import { useTheme } from "../results/use-theme.ts";
import { useWidth } from "../results/use-width.ts";
import { histogramNotes, type Histogram } from "./histogram.ts";
import { HistogramFigure } from "./histogram-figure.tsx";
import type { Recording } from "./recording-list.ts";
import { VectorFigure, vectorNotes, type VectorSeries } from "./vector-figure.tsx";

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
      return <Drawn recording={recording} answer={current.answer} />;
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

function Drawn({
  recording,
  answer,
}: {
  recording: Recording;
  answer: VectorSeries | Histogram;
}): JSX.Element {
  const { place, width } = useWidth();
  const theme = useTheme();
  const hovered = useSignal<string | undefined>(undefined);
  const onHover = (text: string | undefined): void => void (hovered.value = text);
  const isVector = "points" in answer;
  const notes = isVector ? vectorNotes(answer) : histogramNotes(answer);
  const isEmpty = isVector && answer.points.length === 0;
  return (
    <>
      <div ref={place} class={isEmpty ? "" : "figure"}>
        {isEmpty && (
          <p class="empty-figure" role="status">
            {answer.count === 0 ? "The vector has no values." : "All values are NaN or infinite."}
          </p>
        )}
        {width.value > 0 && isVector && !isEmpty && (
          <VectorFigure series={answer} width={width.value} theme={theme} onHover={onHover} />
        )}
        {width.value > 0 && !isVector && (
          <HistogramFigure
            histogram={answer}
            name={recording.name}
            width={width.value}
            theme={theme}
            onHover={onHover}
          />
        )}
      </div>
      {!isEmpty && <p class="hovered quiet">{hovered.value ?? notes[0]}</p>}
      {notes.slice(1).map((note) => (
        <p key={note} class="note quiet">
          {note}
        </p>
      ))}
    </>
  );
}
