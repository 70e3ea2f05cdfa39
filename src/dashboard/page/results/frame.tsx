import type { ComponentChildren, JSX } from "preact";
import type { Box } from "./axes.tsx";
import type { Theme } from "./colours.ts";

interface FrameProps {
  width: number;
  height: number;
  /** What the figure shows, for those who cannot see it. */
  label: string;
  theme: Theme;
  children: ComponentChildren;
  onPointerMove?: (event: PointerEvent) => void;
  onPointerLeave?: () => void;
}

/** The element of a figure with its background. It is a whole picture also as a file of its own. */
export function Frame({ width, height, label, theme, children, ...handlers }: FrameProps): JSX.Element {
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      font-family="system-ui, sans-serif"
      {...handlers}
    >
      <rect width={width} height={height} fill={theme.back} />
      {children}
    </svg>
  );
}

/** The title above a panel. */
export function PanelTitle({ box, text, theme }: { box: Box; text: string; theme: Theme }): JSX.Element {
  return (
    <text x={box.left + box.width / 2} y={box.top - 8} text-anchor="middle" font-size="13" fill={theme.text}>
      {text}
    </text>
  );
}
