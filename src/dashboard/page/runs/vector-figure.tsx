import { curveLinear, curveStepAfter, line as linePath } from "d3-shape";
import type { JSX } from "preact";
import { amount, count, counted } from "../base/format.ts";
import { Axes, extentOf, numberScale, type Box } from "../results/axes.tsx";
import type { Theme } from "../results/colours.ts";

/** The values of a vector as the server sends them. */
export interface VectorSeries {
  vector: { module: string; name: string; unit: string | null; interpolation: string | null };
  points: [time: number, value: number][];
  /** Number of all values. */
  count: number;
  /** Number of values that are NaN or infinite. */
  notFinite: number;
  /** Whether there are only the least and the greatest value of each of many intervals. */
  isReduced: boolean;
  /** Which part of the file was read in time: 1 for everything. */
  readPart: number;
}

const HEIGHT = 300;

/** Returns the place of a figure's panel. */
export function panel(width: number): Box {
  return { left: 74, top: 16, width: width - 90, height: HEIGHT - 68 };
}

interface FigureProps {
  series: VectorSeries;
  width: number;
  theme: Theme;
  onHover: (text: string | undefined) => void;
}

/** A vector over the simulation time. */
export function VectorFigure({ series, width, theme, onHover }: FigureProps): JSX.Element {
  const { vector, points, isReduced } = series;
  const box = panel(width);
  const times = extentOf(
    points.map(([time]) => time),
    false,
  )!; // there is at least one point
  const values = extentOf(
    points.map(([, value]) => value),
    false,
  )!;
  const x = numberScale(times, [box.left, box.left + box.width], false, 0);
  const y = numberScale(values, [box.top + box.height, box.top], false);
  const isStep = vector.interpolation === "sample-hold" && !isReduced;
  const path = linePath(
    ([time]) => x.of(time),
    ([, value]) => y.of(value),
  );
  path.curve(isStep ? curveStepAfter : curveLinear);
  const isDots = vector.interpolation === "none" || points.length === 1;
  const dots = points.map(([time, value]) => `M${x.of(time)},${y.of(value)}h0`).join("");
  const look = (event: PointerEvent): void => {
    const { left } = (event.currentTarget as Element).getBoundingClientRect();
    const at = event.clientX - left;
    const [time, value] = points.reduce((best, point) =>
      Math.abs(x.of(point[0]) - at) < Math.abs(x.of(best[0]) - at) ? point : best,
    );
    onHover(`t = ${amount(time)} s: ${amount(value)}${vector.unit === null ? "" : ` ${vector.unit}`}`);
  };
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={`${vector.module}.${vector.name} over time: ${vectorNotes(series)[0]!}`}
      font-family="system-ui, sans-serif"
      onPointerMove={look}
      onPointerLeave={() => onHover(undefined)}
    >
      <rect width={width} height={HEIGHT} fill={theme.back} />
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle="simulation time [s]"
        yTitle={vector.name + (vector.unit === null ? "" : ` [${vector.unit}]`)}
        theme={theme}
        hasGrid
      />
      <path
        class="series"
        d={isDots ? dots : (path(points) ?? "")}
        fill="none"
        stroke={theme.lines[0]}
        stroke-width={isDots ? 4 : 1.4}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** Returns what the figure shows, and then what it does not show. */
export function vectorNotes({ points, count: all, notFinite, isReduced, readPart }: VectorSeries): string[] {
  const values = extentOf(
    points.map(([, value]) => value),
    false,
  );
  const range = values === undefined ? "" : `, from ${amount(values.low)} to ${amount(values.high)}`;
  const notes = [
    `${counted(all, "value")}${range}${isReduced ? `: the least and the greatest one of each of many intervals are drawn (${count(points.length)} points)` : ""}`,
    notFinite > 0 && `${counted(notFinite, "value")} not drawn: NaN or infinite.`,
    readPart < 1 &&
      `Only the first ${Math.floor(100 * readPart)} % was read within the time limit; what follows is not shown.`,
  ];
  return notes.filter((note) => note !== false);
}
