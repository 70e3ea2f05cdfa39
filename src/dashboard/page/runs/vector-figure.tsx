import { curveLinear, curveStepAfter, line as linePath } from "d3-shape";
import type { JSX } from "preact";
import { titleWithUnit } from "../base/format.ts";
import { Axes, numberScale } from "../results/axes.tsx";
import { extentOf } from "../results/extent.ts";
import { Frame } from "../results/frame.tsx";
import { panelOf, PREVIEW_HEIGHT, xIn, type PreviewProps } from "./preview-place.ts";
import { vectorNotes, type VectorSeries } from "./vector.ts";

interface FigureProps extends PreviewProps {
  /** With at least one point. */
  series: VectorSeries;
}

/** A vector over the simulation time. */
export function VectorFigure({ series, width, theme, marked, onMark }: FigureProps): JSX.Element {
  const { vector, points, isReduced } = series;
  const box = panelOf(width);
  const [times, values] = [0, 1].map((at) =>
    extentOf(
      points.map((point) => point[at]!),
      false,
    )!,
  );
  const x = numberScale(times!, [box.left, box.left + box.width], false, 0);
  const y = numberScale(values!, [box.top + box.height, box.top], false);
  const isStep = vector.interpolation === "sample-hold" && !isReduced;
  const path = linePath(
    ([time]) => x.of(time),
    ([, value]) => y.of(value),
  );
  path.curve(isStep ? curveStepAfter : curveLinear);
  const isDots = vector.interpolation === "none" || points.length === 1;
  const dots = points.map(([time, value]) => `M${x.of(time)},${y.of(value)}h0`).join("");
  const look = (event: PointerEvent): void => {
    const at = xIn(event);
    const distance = (index: number): number => Math.abs(x.of(points[index]![0]) - at);
    onMark(points.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0));
  };
  const mark = marked === undefined ? undefined : points[marked];
  return (
    <Frame
      width={width}
      height={PREVIEW_HEIGHT}
      label={`${vector.module}.${vector.name} over time: ${vectorNotes(series)[0]!}`}
      theme={theme}
      onPointerMove={look}
      onPointerLeave={() => onMark(undefined)}
    >
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle="simulation time [s]"
        yTitle={titleWithUnit(vector.name, vector.unit)}
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
      {mark !== undefined && (
        <g class="mark" stroke={theme.text}>
          <path d={`M${x.of(mark[0])},${box.top}v${box.height}`} stroke-dasharray="3 3" />
          <circle cx={x.of(mark[0])} cy={y.of(mark[1])} r="4" fill={theme.back} stroke-width="2" />
        </g>
      )}
    </Frame>
  );
}
