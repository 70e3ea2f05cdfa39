import type { JSX } from "preact";
import { amount } from "../base/format.ts";
import { Axes, numberScale } from "../results/axes.tsx";
import type { Theme } from "../results/colours.ts";
import { barsOf, histogramNotes, type Histogram } from "./histogram.ts";
import { panel } from "./vector-figure.tsx";

const HEIGHT = 300;
/** Space above the highest bar. */
const HEADROOM = 1.05;

interface FigureProps {
  histogram: Histogram;
  name: string;
  width: number;
  theme: Theme;
  onHover: (text: string | undefined) => void;
}

/** The bars of a histogram; of bins that are not equally wide, the areas are compared and not the heights. */
export function HistogramFigure({ histogram, name, width, theme, onHover }: FigureProps): JSX.Element {
  const { edges, values, unit } = histogram;
  const box = panel(width);
  const { heights, title } = barsOf(histogram);
  const highest = heights.reduce((most, height) => Math.max(most, height), 0) || 1;
  const x = numberScale({ low: edges[0]!, high: edges.at(-1)! }, [box.left, box.left + box.width], false, 0);
  const y = numberScale({ low: 0, high: highest * HEADROOM }, [box.top + box.height, box.top], false, 0);
  const bottom = y.of(0);
  const bars = heights.map((height, index) => {
    const [from, to] = [x.of(edges[index]!), x.of(edges[index + 1]!)];
    const gap = to - from > 4 ? 1 : 0;
    return height === 0 ? "" : `M${from},${bottom}V${y.of(height)}H${to - gap}V${bottom}Z`;
  });
  const look = (event: PointerEvent): void => {
    const at = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
    const index = values.findIndex((_, bin) => at >= x.of(edges[bin]!) && at < x.of(edges[bin + 1]!));
    const suffix = unit === null ? "" : ` ${unit}`;
    const text = `from ${amount(edges[index])} to ${amount(edges[index + 1])}${suffix}: ${amount(values[index])}`;
    onHover(index < 0 ? undefined : text);
  };
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      role="img"
      aria-label={`histogram of ${histogram.module}.${histogram.name}: ${histogramNotes(histogram).join(" ")}`}
      font-family="system-ui, sans-serif"
      onPointerMove={look}
      onPointerLeave={() => onHover(undefined)}
    >
      <rect width={width} height={HEIGHT} fill={theme.back} />
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle={name + (unit === null ? "" : ` [${unit}]`)}
        yTitle={title}
        theme={theme}
        hasGrid
      />
      <path class="bars" d={bars.join("")} fill={theme.lines[0]} />
    </svg>
  );
}
