import { line as linePath } from "d3-shape";
import type { JSX } from "preact";
import { amount, interval } from "../base/format.ts";
import { Axes, FIRST_COLUMN_PX, numberScale, panels, textScale, type AxisScale, type Box } from "./axes.tsx";
import type { Theme } from "./colours.ts";
import { extentOf, type Extent } from "./extent.ts";
import {
  plain,
  SCALAR,
  type Axes as AxisNames,
  type Facet,
  type FigureData,
  type Line,
  type Point,
} from "./figure-data.ts";
import { Frame, PanelTitle } from "./frame.tsx";
import { Legend, legendPlaces, styleOf, type LineStyle } from "./legend.tsx";
import type { Settings } from "./settings.ts";

/** More lines or panels cannot be distinguished. */
export const MOST_LINES = 24;
export const MOST_FACETS = 12;

export interface FigureProps {
  data: FigureData;
  axes: AxisNames;
  settings: Settings;
  theme: Theme;
  width: number;
  /** Called with the point under the pointer, or undefined, and with one that is clicked. */
  onHover?: (text: string | undefined) => void;
  onChoose?: (x: string, line: string) => void;
}

/** Means with their confidence intervals, a line for each value of a variable, and a panel for each facet. */
export function LineFigure(props: FigureProps): JSX.Element {
  const { data, theme, width } = props;
  const facets = data.facets.slice(0, MOST_FACETS);
  const labels = [
    ...new Set(facets.flatMap(({ lines }) => lines.slice(0, MOST_LINES).map(({ label }) => label))),
  ];
  const styles = new Map(labels.map((label, index) => [label, styleOf(index, theme)]));
  const legend =
    labels.length > 1 || labels[0] !== "" ? legendPlaces(labels, width) : { entries: [], height: 0 };
  const { boxes, height } = panels(facets.length, width, facets.length > 1 ? 200 : 340, legend.height + 6);
  const shared = extentOf(valuesShown(facets, props.settings), props.settings.isLogY);
  const yOf = (facet: Facet): Extent | undefined =>
    props.axes.facet === SCALAR
      ? extentOf(valuesShown([facet], props.settings), props.settings.isLogY)
      : shared;
  const description = `${data.yLabel} over ${plain(props.axes.x)}, ${labels.length} lines; the values are in the table below`;
  return (
    <Frame width={width} height={height} label={description} theme={theme}>
      {legend.entries.map(({ label, left, top }) => (
        <Legend key={label} label={label} left={left} top={top} style={styles.get(label)!} theme={theme} />
      ))}
      {facets.map((facet, index) => {
        const y = yOf(facet);
        if (y === undefined) return null;
        return <Panel key={facet.label} {...props} facet={facet} box={boxes[index]!} y={y} styles={styles} />;
      })}
    </Frame>
  );
}

/** Returns all numbers that determine the range of a y axis. */
function* valuesShown(facets: readonly Facet[], settings: Settings): Generator<number> {
  for (const { lines } of facets)
    for (const { points } of lines)
      for (const { summary, values } of points) {
        const { mean, halfWidth = 0 } = summary;
        yield mean;
        if (!settings.isLogY || mean - halfWidth > 0) yield mean - halfWidth;
        yield mean + halfWidth;
        if (settings.hasPoints) yield* values;
      }
}

interface PanelProps extends FigureProps {
  facet: Facet;
  box: Box;
  y: Extent;
  styles: ReadonlyMap<string, LineStyle>;
}

function Panel(props: PanelProps): JSX.Element {
  const { data, axes, settings, theme, facet, box, styles } = props;
  const x = xScaleOf(props);
  const y = numberScale(props.y, [box.top + box.height, box.top], settings.isLogY);
  const unit = data.xUnit === "" ? "" : ` [${data.xUnit}]`;
  return (
    <g>
      <PanelTitle box={box} text={facet.label} theme={theme} />
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle={plain(axes.x) + unit}
        yTitle={box.left < FIRST_COLUMN_PX ? data.yLabel : ""}
        theme={theme}
        hasGrid
      />
      {facet.lines.slice(0, MOST_LINES).map((line) => (
        <DrawnLine key={line.label} {...props} line={line} x={x} yScale={y} style={styles.get(line.label)!} />
      ))}
    </g>
  );
}

function xScaleOf({ data, settings, box }: PanelProps): AxisScale {
  const range: [number, number] = [box.left, box.left + box.width];
  const numbers = data.facets.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => points.map(({ xNumber }) => xNumber)),
  );
  const extent = data.hasNumbers ? extentOf(numbers, settings.isLogX) : undefined;
  return extent === undefined ? textScale(data.xValues, range) : numberScale(extent, range, settings.isLogX);
}

interface DrawnLineProps extends PanelProps {
  line: Line;
  x: AxisScale;
  yScale: AxisScale;
  style: LineStyle;
}

/** A line through the means of its points: those without a value, or not positive on a logarithmic axis, are omitted. */
function DrawnLine({
  line,
  x,
  yScale,
  style,
  settings,
  data,
  axes,
  onHover,
  onChoose,
}: DrawnLineProps): JSX.Element {
  const isNumeric = x.step === undefined;
  const place = (point: Point): number => x.of(isNumeric ? point.xNumber : point.x);
  const isShown = ({ summary, xNumber }: Point): boolean =>
    Number.isFinite(summary.mean) &&
    (!settings.isLogY || summary.mean > 0) &&
    (!isNumeric || !settings.isLogX || xNumber > 0);
  const points = line.points.filter(isShown);
  const path = linePath<Point>(place, ({ summary }) => yScale.of(summary.mean))(points) ?? "";
  return (
    <g stroke={style.colour} fill={style.colour}>
      <path d={path} fill="none" stroke-width="1.8" stroke-dasharray={style.dash} />
      {points.map((point) => {
        const text = pointText(point, line, axes, data);
        return (
          <g
            key={point.x}
            onPointerEnter={() => onHover?.(text)}
            onPointerLeave={() => onHover?.(undefined)}
            onClick={() => onChoose?.(point.x, line.value)}
            cursor={onChoose === undefined ? undefined : "pointer"}
          >
            <title>{text}</title>
            {settings.hasPoints && (
              <Values point={point} at={place(point)} y={yScale} isLog={settings.isLogY} />
            )}
            <Interval point={point} at={place(point)} y={yScale} isLog={settings.isLogY} />
            <path
              d={style.mark}
              transform={`translate(${place(point)} ${yScale.of(point.summary.mean)})`}
              stroke="none"
            />
            <circle
              cx={place(point)}
              cy={yScale.of(point.summary.mean)}
              r="11"
              fill="transparent"
              stroke="none"
            />
          </g>
        );
      })}
    </g>
  );
}

interface MarkProps {
  point: Point;
  at: number;
  y: AxisScale;
  isLog: boolean;
}

function Values({ point, at, y, isLog }: MarkProps): JSX.Element {
  const shown = point.values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  return (
    <>
      {shown.map((value, index) => (
        <circle key={index} cx={at} cy={y.of(value)} r="2.4" fill-opacity="0.4" stroke="none" />
      ))}
    </>
  );
}

function Interval({ point: { summary }, at, y, isLog }: MarkProps): JSX.Element | null {
  const { mean, halfWidth } = summary;
  if (halfWidth === undefined || halfWidth === 0) return null;
  const low = y.of(isLog && mean - halfWidth <= 0 ? mean : mean - halfWidth);
  const high = y.of(mean + halfWidth);
  return (
    <path d={`M${at},${low}V${high}M${at - 4},${low}h8M${at - 4},${high}h8`} fill="none" stroke-width="1.4" />
  );
}

/** Returns what a point shows as a text. */
export function pointText(point: Point, line: Line, axes: AxisNames, data: FigureData): string {
  const { mean, halfWidth, n } = point.summary;
  const place = [line.label, `${plain(axes.x)}=${point.x}`].filter((part) => part !== "").join(", ");
  const value = halfWidth === undefined ? amount(mean) : interval(mean, halfWidth);
  return `${place}: ${data.yLabel} ${value} (n = ${n})`;
}
