import type { Lane } from "./lanes.ts";

/** Where lanes are drawn, in pixels. */
export interface LaneLayout {
  /** Height of each lane without the space below it. */
  laneHeight: number;
  tops: number[];
  height: number;
  labels: { text: string; top: number; isMachine: boolean }[];
}

/** More lanes are not drawn. */
export const MOST_LANES = 2000;
/** Space above the lanes, for the name of the idle tail. */
const HEAD_PX = 20;
const GROUP_GAP_PX = 6;
/** The least distance of two labels. */
const LABEL_PX = 14;
/** Height of a lane by the number of lanes, with the space below it. */
const HEIGHTS = [
  { most: 12, height: 24 },
  { most: 32, height: 18 },
  { most: 80, height: 14 },
  { most: 250, height: 7 },
  { most: Infinity, height: 4 },
];
/** Lanes that are at least as high have a number. */
const NUMBERED_PX = 14;

/** Returns where lanes are drawn: those of a machine together, with its name. */
export function layoutOf(lanes: readonly Lane[]): LaneLayout {
  const step = HEIGHTS.find(({ most }) => lanes.length <= most)!.height;
  const tops: number[] = [];
  const labels: LaneLayout["labels"] = [];
  let top = HEAD_PX;
  let free = 0;
  for (const [index, { machine, slot }] of lanes.entries()) {
    const isFirst = lanes[index - 1]?.machine !== machine;
    if (isFirst && index > 0) top += GROUP_GAP_PX;
    const isNumbered = step >= NUMBERED_PX && !isFirst;
    if ((isFirst || isNumbered) && top >= free) {
      const name = machine === "" ? "unknown machine" : machine;
      labels.push({ text: isFirst ? name : `${slot}`, top, isMachine: isFirst });
      free = top + LABEL_PX;
    }
    tops.push(top);
    top += step;
  }
  return { laneHeight: step - (step > 4 ? 2 : 1), tops, height: top + 2, labels };
}

/** Returns the index of the lane at a height in pixels; undefined if there is none. */
export function laneAt({ tops }: LaneLayout, y: number): number | undefined {
  let [low, high] = [0, tops.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tops[middle]! <= y) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : low - 1;
}
