import type { JSX } from "preact";
import { amount, amounts } from "../base/format.ts";
import { Axes, FIRST_COLUMN_PX, panels, textScale, type Box } from "./axes.tsx";
import { coloursFor, rampAt, type Colours, type Theme } from "./colours.ts";
import { plain, type Facet } from "./figure-data.ts";
import { Frame, PanelTitle } from "./frame.tsx";
import { MOST_FACETS, pointText, type FigureProps } from "./line-figure.tsx";

const BAR_PX = 78;
const TITLE_PX = 24;
const CELL_PX = 34;
const STEPS = 60;

/** The means by two variables as colours, with a bar that explains them. */
export function HeatFigure(props: FigureProps): JSX.Element {
  const { data, theme, width, settings } = props;
  const facets = data.facets.slice(0, MOST_FACETS);
  const means = facets.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => points.map(({ summary }) => summary.mean)),
  );
  const colours = coloursFor(means.filter(Number.isFinite), settings.scale);
  const rows = Math.max(1, data.lineValues.length);
  const panelHeight = Math.min(520, Math.max(120, rows * CELL_PX));
  const { boxes, height } = panels(facets.length, width - BAR_PX, panelHeight, TITLE_PX);
  const bar: Box = { left: width - BAR_PX + 6, top: boxes[0]?.top ?? 0, width: 14, height: panelHeight };
  return (
    <Frame
      width={width}
      height={height}
      label={`${data.yLabel} by ${plain(props.axes.x)} and ${plain(props.axes.line)}; the values are in the table below`}
      theme={theme}
    >
      <text x="12" y="20" font-size="13" fill={theme.text}>
        {`${data.yLabel} (${settings.scale} colours)`}
      </text>
      {facets.map((facet, index) => (
        <HeatPanel key={facet.label} {...props} facet={facet} box={boxes[index]!} colours={colours} />
      ))}
      <ColourBar box={bar} colours={colours} theme={theme} />
    </Frame>
  );
}

interface HeatPanelProps extends FigureProps {
  facet: Facet;
  box: Box;
  colours: Colours;
}

function HeatPanel({
  data,
  axes,
  theme,
  facet,
  box,
  colours,
  onHover,
  onChoose,
}: HeatPanelProps): JSX.Element {
  const x = textScale(data.xValues, [box.left, box.left + box.width]);
  const y = textScale(data.lineValues, [box.top + box.height, box.top], 14);
  const [width, height] = [Math.max(1, x.step! - 2), Math.max(1, y.step! - 2)];
  return (
    <g>
      <PanelTitle box={box} text={facet.label} theme={theme} />
      <Axes
        box={box}
        x={x}
        y={y}
        xTitle={plain(axes.x)}
        yTitle={box.left < FIRST_COLUMN_PX ? plain(axes.line) : ""}
        theme={theme}
        hasGrid={false}
      />
      {facet.lines.flatMap((line) =>
        line.points.map((point) => {
          const colour = colours.of(point.summary.mean);
          const text = pointText(point, line, axes, data);
          const [left, top] = [x.of(point.x) - width / 2, y.of(line.value) - height / 2];
          return (
            <g
              key={`${line.label} ${point.x}`}
              onPointerEnter={() => onHover?.(text)}
              onPointerLeave={() => onHover?.(undefined)}
              onClick={() => onChoose?.(point.x, line.value)}
              cursor={onChoose === undefined ? undefined : "pointer"}
            >
              <title>{text}</title>
              <rect x={left} y={top} width={width} height={height} rx="2" fill={colour?.back ?? theme.grid} />
              {width > 44 && height > 15 && (
                <text
                  x={left + width / 2}
                  y={top + height / 2 + 4}
                  text-anchor="middle"
                  font-size="12"
                  fill={colour?.front ?? theme.quiet}
                >
                  {amount(point.summary.mean)}
                </text>
              )}
            </g>
          );
        }),
      )}
    </g>
  );
}

function ColourBar({ box, colours, theme }: { box: Box; colours: Colours; theme: Theme }): JSX.Element {
  const { left, top, width, height } = box;
  const step = height / STEPS;
  const labels = amounts(colours.ticks.map(({ value }) => value));
  return (
    <g font-size="11" fill={theme.quiet}>
      {Array.from({ length: STEPS }, (_, index) => (
        <rect
          key={index}
          x={left}
          y={top + height - (index + 1) * step}
          width={width}
          height={step + 0.5}
          fill={rampAt(index / (STEPS - 1))}
        />
      ))}
      {colours.ticks.map(({ value, place }, index) => (
        <text key={value} x={left + width + 4} y={top + height * (1 - place) + 4}>
          {labels[index]}
        </text>
      ))}
    </g>
  );
}
