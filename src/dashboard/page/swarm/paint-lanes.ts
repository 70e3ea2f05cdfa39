import { barsOf, type Bar } from "./bars.ts";
import type { LaneLayout } from "./lane-layout.ts";
import type { Lane } from "./lanes.ts";
import type { Span } from "./spans.ts";
import type { Period } from "./usage.ts";

/** What is painted. */
export interface Painting {
  lanes: readonly Lane[];
  layout: LaneLayout;
  period: Period;
  left: number;
  /** Of the whole canvas. */
  width: number;
  isMatching: (span: Span) => boolean;
}

/** Opacity of a slot, below which the idle tail is visible. */
const IDLE = 0.6;
/** Opacity of runs that do not match the filter. */
const FADED = 0.22;

/** Paints the bars of all lanes: 10,000 elements in the document would be slow. */
export function paintLanes(canvas: HTMLCanvasElement, painting: Painting): void {
  const { lanes, layout, period, left, width, isMatching } = painting;
  const ratio = Math.min(2, globalThis.devicePixelRatio);
  canvas.width = width * ratio;
  canvas.height = layout.height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${layout.height}px`;
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const colourOf = (name: string): string => style.getPropertyValue(`--${name}`);
  const plotWidth = width - left;
  context.font = "11px system-ui, sans-serif";
  lanes.forEach((lane, index) => {
    const top = layout.tops[index]!;
    context.globalAlpha = IDLE;
    context.fillStyle = colourOf("soft");
    context.fillRect(left, top, plotWidth, layout.laneHeight);
    for (const bar of barsOf(lane, period, plotWidth, isMatching)) {
      context.globalAlpha = bar.isMatching ? 1 : FADED;
      context.fillStyle = colourOf(KINDS.has(bar.kind) ? bar.kind : "queued");
      drawBar(context, bar, left, top, layout.laneHeight);
      if (bar.runs > 1 || bar.width < TEXT_WIDTH_PX || layout.laneHeight < TEXT_HEIGHT_PX) continue;
      context.fillStyle = colourOf("card");
      context.fillText(`#${bar.runNumber}`, left + bar.left + 5, top + layout.laneHeight / 2 + 4);
    }
  });
}

/** Bars that are at least as wide and high contain the number of their run. */
const TEXT_WIDTH_PX = 40;
const TEXT_HEIGHT_PX = 14;

const KINDS = new Set(["done", "limited", "failed", "cancelled", "running"]);
const ROUNDED_PX = 8;

function drawBar(
  context: CanvasRenderingContext2D,
  { left, width }: Bar,
  ...[origin, top, height]: [number, number, number]
): void {
  if (width < ROUNDED_PX || height < ROUNDED_PX) return context.fillRect(origin + left, top, width, height);
  context.beginPath();
  context.roundRect(origin + left, top, width, height, 2);
  context.fill();
}
