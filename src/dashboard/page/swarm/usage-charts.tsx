import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { amount, size } from "../base/format.ts";
import type { Span } from "./spans.ts";
import { tickLabel, timeTicks } from "./time-axis.ts";
import type { Drawn, Hovered } from "./timeline-pointer.ts";
import { QUANTITIES, usageOf, type Period, type Quantity } from "./usage.ts";

/** A quantity in equal parts of a period. */
export interface Usage {
  quantity: Quantity;
  values: Float64Array;
  most: number;
  /** Runs are running of which it is not known. */
  isIncomplete: boolean;
}

const PART_PX = 2;

/** Returns the quantities of which anything is known. */
export function useUsage(spans: readonly Span[], period: Period, width: number): Usage[] {
  return useMemo(() => {
    const parts = Math.max(1, Math.floor(width / PART_PX));
    const isRunning = spans.some((span) => span.isRunning);
    return QUANTITIES.map((quantity) => {
      const values = usageOf(spans, period, parts, quantity.valueOf);
      const most = values.reduce((one, other) => Math.max(one, other), 0);
      return { quantity, values, most, isIncomplete: quantity.isOfEnded && isRunning };
    }).filter(({ most }) => most > 0);
  }, [spans, period.from, period.to, width]);
}

/** Returns the value of a quantity as a text. */
function valueText(value: number, { format }: Quantity): string {
  return format === "size" ? size(value) : amount(Number(value.toPrecision(3)));
}

/** Returns all quantities at a time as a text. */
export function usageText(usages: readonly Usage[], { from, to }: Period, time: number): string {
  return usages
    .map(({ quantity, values }) => {
      const part = Math.floor(((time - from) / (to - from)) * values.length);
      return `${quantity.title.toLowerCase().replace("cpu", "CPU")} ${valueText(values[part] ?? 0, quantity)}`;
    })
    .join(", ");
}

const AXIS_PX = 24;
const TITLE_PX = 18;
const AREA_PX = 44;
/** The least distance of two marks on the time axis. */
const TICK_PX = 110;

interface ChartsProps {
  usages: readonly Usage[];
  drawn: Pick<Drawn, "period" | "left" | "width">;
  hovered: Signal<Hovered>;
}

/** The time axis, and below it a chart for each quantity. */
export function UsageCharts({ usages, drawn, hovered }: ChartsProps): JSX.Element {
  const { period, left, width } = drawn;
  const plot = width - left;
  const height = AXIS_PX + usages.length * (TITLE_PX + AREA_PX) + 4;
  const onPointerMove = (event: PointerEvent): void => {
    const edge = (event.currentTarget as HTMLElement).getBoundingClientRect().left;
    const part = (event.clientX - edge - left) / plot;
    hovered.value = part < 0 ? {} : { time: period.from + Math.min(1, part) * (period.to - period.from) };
  };
  const charts = useMemo(
    () => <Charts usages={usages} drawn={drawn} height={height} />,
    [usages, period.from, period.to, left, width],
  );
  return (
    <div class="usage" onPointerMove={onPointerMove} onPointerLeave={() => (hovered.value = {})}>
      {charts}
      <Cursor drawn={drawn} height={height} hovered={hovered} />
    </div>
  );
}

function Cursor({
  drawn: { period, left, width },
  height,
  hovered,
}: Omit<ChartsProps, "usages"> & { height: number }): JSX.Element {
  const { time } = hovered.value;
  const x =
    time === undefined ? 0 : left + ((time - period.from) / (period.to - period.from)) * (width - left);
  return (
    <svg class="overlay" width={width} height={height} aria-hidden="true">
      {time !== undefined && <line class="cursor" x1={x} x2={x} y1={0} y2={height} />}
    </svg>
  );
}

function Charts({
  usages,
  drawn: { period, left, width },
  height,
}: Omit<ChartsProps, "hovered"> & { height: number }): JSX.Element {
  const plot = width - left;
  const x = (time: number): number => left + ((time - period.from) / (period.to - period.from)) * plot;
  const { times, stepMs } = timeTicks(period, Math.max(1, Math.floor(plot / TICK_PX)));
  const summary = usages.map(
    ({ quantity, most }) => `${quantity.title}: at most ${valueText(most, quantity)}`,
  );
  return (
    <svg width={width} height={height} role="img" aria-label={`Usage over time. ${summary.join("; ")}`}>
      {times.map((time) => (
        <g key={time}>
          <line class="grid" x1={x(time)} x2={x(time)} y1={0} y2={height} />
          <text class="quiet-text" x={x(time)} y={15} text-anchor={anchorOf(x(time), left, width)}>
            {tickLabel(time, stepMs)}
          </text>
        </g>
      ))}
      {usages.map((usage, index) => (
        <Chart
          key={usage.quantity.title}
          usage={usage}
          top={AXIS_PX + index * (TITLE_PX + AREA_PX)}
          left={left}
          width={plot}
        />
      ))}
    </svg>
  );
}

const LABEL_PX = 36;

function anchorOf(x: number, left: number, width: number): "start" | "middle" | "end" {
  if (x < left + LABEL_PX && left < LABEL_PX) return "start";
  return x > width - LABEL_PX ? "end" : "middle";
}

function Chart({
  usage: { quantity, values, most, isIncomplete },
  top,
  left,
  width,
}: {
  usage: Usage;
  top: number;
  left: number;
  width: number;
}): JSX.Element {
  const bottom = top + TITLE_PX + AREA_PX;
  const step = width / values.length;
  let path = `M${left},${bottom}`;
  values.forEach((value, part) => {
    const y = (bottom - (value / most) * AREA_PX).toFixed(1);
    path += `L${(left + part * step).toFixed(1)},${y}H${(left + (part + 1) * step).toFixed(1)}`;
  });
  return (
    <g>
      <text class="chart-title" x={left} y={top + 13}>
        {quantity.title}
        <tspan class="quiet-text">
          {` up to ${valueText(most, quantity)}${isIncomplete ? ", without running runs" : ""}`}
        </tspan>
      </text>
      <path class="area" d={`${path}V${bottom}Z`} />
      <line class="grid" x1={left} x2={left + width} y1={bottom} y2={bottom} />
    </g>
  );
}
