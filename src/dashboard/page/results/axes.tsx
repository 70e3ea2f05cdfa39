import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import type { JSX } from "preact";
import { amounts } from "../base/format.ts";
import type { Theme } from "./colours.ts";
import type { Extent } from "./extent.ts";

/** A scale of numbers or of texts, in pixels. */
export interface AxisScale {
  of: (value: number | string) => number;
  ticks: { at: number; label: string }[];
  /** Distance between neighbouring texts; undefined for numbers. */
  step: number | undefined;
}

/** Space beyond the outermost points, as a part of the range. */
const PADDING = 0.04;
/** The least width of a label on the x axis, in pixels. */
const LABEL_PX = 80;
/** The least distance between labels on the y axis, in pixels. */
const LINE_PX = 45;

/** Returns a scale for numbers. @param padding space beyond the outermost points, as a part of the range. */
export function numberScale(
  { low, high }: Extent,
  range: [number, number],
  isLog: boolean,
  padding = PADDING,
): AxisScale {
  const isVertical = range[1] < range[0];
  const count = Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / (isVertical ? LINE_PX : LABEL_PX)));
  if (isLog) {
    const factor = low === high ? 2 : (high / low) ** PADDING;
    const scale = scaleLog()
      .domain([low / factor, high * factor])
      .range(range);
    const all = scale.ticks(count);
    const isDecade = (value: number): boolean =>
      Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
    const decades = all.filter(isDecade);
    const labelled =
      decades.length >= 2 ? decades : all.filter((_, index) => index % Math.ceil(all.length / count) === 0);
    return { of: (value) => scale(Number(value)), ticks: ticksAt(labelled, scale), step: undefined };
  }
  const space = low === high ? Math.abs(low) / 2 || 1 : (high - low) * padding;
  const scale = scaleLinear()
    .domain([low - space, high + space])
    .range(range);
  return { of: (value) => scale(Number(value)), ticks: ticksAt(scale.ticks(count), scale), step: undefined };
}

function ticksAt(values: readonly number[], scale: (value: number) => number): AxisScale["ticks"] {
  const labels = amounts(values);
  return values.map((value, index) => ({ at: scale(value), label: labels[index]! }));
}

/** Returns a scale for texts, of which some have no label if they are too many. */
export function textScale(values: readonly string[], range: [number, number], labelPx = LABEL_PX): AxisScale {
  const scale = scaleBand().domain(values).range(range);
  const step = scale.step();
  const every = Math.max(1, Math.ceil(labelPx / step));
  const middle = (value: string): number => (scale(value) ?? NaN) + step / 2;
  const ticks = values
    .filter((_, index) => index % every === 0)
    .map((value) => ({ at: middle(value), label: shortened(value) }));
  return { of: (value) => middle(String(value)), ticks, step };
}

const LONGEST_LABEL = 16;

function shortened(text: string): string {
  return text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 1)}…` : text;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface AxesProps {
  box: Box;
  x: AxisScale;
  y: AxisScale;
  xTitle: string;
  yTitle: string;
  theme: Theme;
  /** Whether lines at the ticks help to read values. */
  hasGrid: boolean;
}

/** Mean width of a character of a title, in pixels. */
const CHARACTER_PX = 7;
/** Panels that begin further right have another one beside them, and the same y axis. */
export const FIRST_COLUMN_PX = 100;
/** Space of the y axis' labels, from the middle of its title. */
const TITLE_PX = 52;

/** The axes of a panel with their titles. */
export function Axes({ box, x, y, xTitle, yTitle, theme, hasGrid }: AxesProps): JSX.Element {
  const { left, top, width, height } = box;
  const bottom = top + height;
  const middle = top + height / 2;
  const longest = Math.floor(height / CHARACTER_PX);
  return (
    <g font-size="12" fill={theme.quiet}>
      {hasGrid &&
        y.ticks.map(({ at }) => (
          <line key={at} x1={left} x2={left + width} y1={at} y2={at} stroke={theme.grid} />
        ))}
      {y.ticks.map(({ at, label }) => (
        <text key={at} x={left - 8} y={at + 4} text-anchor="end">
          {label}
        </text>
      ))}
      {x.ticks.map(({ at, label }) => (
        <g key={at}>
          {hasGrid && <line x1={at} x2={at} y1={bottom} y2={bottom + 5} stroke={theme.quiet} />}
          <text x={at} y={bottom + 18} text-anchor="middle">
            {label}
          </text>
        </g>
      ))}
      {hasGrid && <path d={`M${left},${top}V${bottom}H${left + width}`} fill="none" stroke={theme.quiet} />}
      <text x={left + width / 2} y={bottom + 38} text-anchor="middle" fill={theme.text} font-size="13">
        {xTitle}
      </text>
      <text
        x={left - TITLE_PX}
        y={middle}
        text-anchor="middle"
        transform={`rotate(-90 ${left - TITLE_PX} ${middle})`}
        fill={theme.text}
        font-size="13"
      >
        {yTitle.length > longest ? `…${yTitle.slice(1 - longest)}` : yTitle}
      </text>
    </g>
  );
}

/** Returns the places of panels in a figure. */
export function panels(
  count: number,
  width: number,
  panelHeight: number,
  top: number,
): { boxes: Box[]; height: number } {
  const columns = count === 1 ? 1 : Math.min(count, Math.max(1, Math.floor(width / 360)), 3);
  const outer = width / columns;
  const boxes = Array.from({ length: count }, (_, index) => ({
    left: (index % columns) * outer + 74,
    top: top + Math.floor(index / columns) * (panelHeight + 78) + 22,
    width: outer - 90,
    height: panelHeight,
  }));
  return { boxes, height: top + Math.ceil(count / columns) * (panelHeight + 78) };
}
