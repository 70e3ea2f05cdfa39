import type { Box } from "../results/axes.tsx";
import type { Theme } from "../results/colours.ts";

export const PREVIEW_HEIGHT = 300;

/** What the figures of vectors and histograms have in common. */
export interface PreviewProps {
  width: number;
  theme: Theme;
  /** The point or bar that the pointer or a key has reached. */
  marked: number | undefined;
  onMark: (index: number | undefined) => void;
}

/** Returns the place of a figure's panel. */
export function panelOf(width: number): Box {
  return { left: 74, top: 16, width: width - 90, height: PREVIEW_HEIGHT - 68 };
}

/** Returns where the pointer is in a figure, in pixels from its left side. */
export function xIn(event: PointerEvent): number {
  return event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
}
