import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import type { JSX } from "preact";
import type { Theme } from "./colours.ts";

const SYMBOLS = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond];
const DASHES = ["", "6 3", "2 3"];
const LEGEND_ROW_PX = 20;
/** Mean width of a character of the legend, in pixels. */
const CHARACTER_PX = 7;

export interface LineStyle {
  colour: string;
  dash: string;
  mark: string;
}

/** Returns how a line is drawn: distinguishable also without colours. */
export function styleOf(index: number, theme: Theme): LineStyle {
  const kinds = theme.lines.length;
  return {
    colour: theme.lines[index % kinds]!,
    dash: DASHES[Math.floor(index / kinds) % DASHES.length]!,
    mark: symbol(SYMBOLS[index % SYMBOLS.length], 44)() ?? "",
  };
}

/** Returns where the entries of a legend are. */
export function legendPlaces(
  labels: string[],
  width: number,
): { entries: { label: string; left: number; top: number }[]; height: number } {
  let [left, top] = [8, 0];
  const entries = labels.map((label) => {
    const own = 56 + label.length * CHARACTER_PX;
    if (left > 8 && left + own > width) [left, top] = [8, top + LEGEND_ROW_PX];
    const entry = { label, left, top: top + LEGEND_ROW_PX / 2 };
    left += own;
    return entry;
  });
  return { entries, height: top + LEGEND_ROW_PX };
}

/** An entry of the legend. */
export function Legend({
  label,
  left,
  top,
  style,
  theme,
}: {
  label: string;
  left: number;
  top: number;
  style: LineStyle;
  theme: Theme;
}): JSX.Element {
  return (
    <g transform={`translate(${left} ${top})`}>
      <line
        x1="0"
        x2="26"
        y1="0"
        y2="0"
        stroke={style.colour}
        stroke-width="2"
        stroke-dasharray={style.dash}
      />
      <path d={style.mark} transform="translate(13 0)" fill={style.colour} />
      <text x="32" y="4" font-size="12" fill={theme.text}>
        {label}
      </text>
    </g>
  );
}
