import type { JSX } from "preact";
import { titleWithUnit } from "../base/format.ts";
import { Axes, numberScale, type Box } from "../results/axes.tsx";
import type { Theme } from "../results/colours.ts";
import { Frame } from "../results/frame.tsx";
import { barsOf, histogramNotes, type Histogram } from "./histogram.ts";
import { panelOf, PREVIEW_HEIGHT, xIn, type PreviewProps } from "./preview-place.ts";

/** Space above the highest bar. */
const HEADROOM = 1.05;

interface FigureProps extends PreviewProps {
  histogram: Histogram;
}

/** The bars of a histogram; of bins that are not equally wide, the areas are compared and not the heights. */
export function HistogramFigure({ histogram, width, theme, marked, onMark }: FigureProps): JSX.Element {
  const { edges, values, unit } = histogram;
  const box = panelOf(width);
  const { heights, title } = barsOf(histogram);
  const highest = heights.reduce((most, height) => Math.max(most, height), 0) || 1;
  const x = numberScale({ low: edges[0]!, high: edges.at(-1)! }, [box.left, box.left + box.width], false, 0);
  const y = numberScale({ low: 0, high: highest * HEADROOM }, [box.top + box.height, box.top], false, 0);
  const bottom = y.of(0);
  const barOf = (index: number): string => {
    const [from, to] = [x.of(edges[index]!), x.of(edges[index + 1]!)];
    const gap = to - from > 4 ? 1 : 0;
    return `M${from},${bottom}V${y.of(heights[index]!)}H${to - gap}V${bottom}Z`;
  };
  const look = (event: PointerEvent): void => {
    const at = xIn(event);
    const index = values.findIndex((_, bin) => at >= x.of(edges[bin]!) && at < x.of(edges[bin + 1]!));
    onMark(index < 0 ? undefined : index);
  };
  return (
    <Frame
      width={width}
      height={PREVIEW_HEIGHT}
      label={`histogram of ${histogram.module}.${histogram.name}: ${histogramNotes(histogram).join(" ")}`}
      theme={theme}
      onPointerMove={look}
      onPointerLeave={() => onMark(undefined)}
    >
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle={titleWithUnit(histogram.name, unit)}
        yTitle={title}
        theme={theme}
        hasGrid
      />
      <path
        class="bars"
        d={heights.map((height, index) => (height === 0 ? "" : barOf(index))).join("")}
        fill={theme.lines[0]}
      />
      {marked !== undefined && (
        <Mark from={x.of(edges[marked]!)} to={x.of(edges[marked + 1]!)} {...{ box, theme }} />
      )}
    </Frame>
  );
}

/** The least width of a mark, in pixels: bins may be narrower. */
const MARK_PX = 2;

/** Marks a bin over the whole height: its bar may be low, or have no height. */
function Mark({ from, to, box, theme }: { from: number; to: number; box: Box; theme: Theme }): JSX.Element {
  const width = Math.max(MARK_PX, to - from);
  return (
    <g class="mark" stroke={theme.text} fill={theme.text}>
      <rect
        x={from}
        y={box.top}
        width={width}
        height={box.height}
        fill-opacity="0.12"
        stroke-dasharray="3 3"
      />
    </g>
  );
}
