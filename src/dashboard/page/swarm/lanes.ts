import { lengthOf, type Span } from "./spans.ts";

/** A runner slot: the runs that were executed one after the other on a machine. */
export interface Lane {
  /** Empty if it is unknown. */
  machine: string;
  /** Number of the slot on its machine, from 1. */
  slot: number;
  /** In the order of their starts. */
  spans: Span[];
  /** When the last one ended. */
  end: number;
}

/** Runs that follow each other without a pause, as those of a batch do: they were executed on the same slot. */
interface Chain {
  spans: Span[];
  start: number;
  end: number;
}

/**
 * Returns the slots of all machines. A record names the machine, but not the slot; therefore, there are as many slots as
 * runs overlapped on the machine, and a run is on the slot that became idle last. Only times of the same machine are
 * compared, because clocks differ.
 * @param slots number of slots of connected machines. The results of a running run may just be being stored while the
 *   next run is executed on its slot; therefore, running runs do not add slots to these.
 */
export function lanesOf(spans: readonly Span[], slots: Readonly<Record<string, number>> = {}): Lane[] {
  const machines = new Map<string, Span[]>();
  for (const span of spans) {
    const name = span.row.worker ?? "";
    const own = machines.get(name);
    if (own === undefined) machines.set(name, [span]);
    else own.push(span);
  }
  const names = [...machines.keys()].sort(byName.compare);
  return names.flatMap((name) => lanesOfMachine(name, machines.get(name)!, slots[name]));
}

const byName = new Intl.Collator("en", { numeric: true });

function lanesOfMachine(machine: string, spans: readonly Span[], slots = Infinity): Lane[] {
  const lanes: Lane[] = [];
  /** End of the last chain, less what rounding may have added to it. */
  const free: number[] = [];
  for (const chain of chainsOf(spans)) {
    const idle = latestBefore(chain.start, free);
    const isFull = idle === lanes.length && lanes.length >= slots && chain.spans[0]!.isRunning;
    const best = isFull ? longestRunning(lanes) : idle;
    const lane = lanes[best] ?? { machine, slot: lanes.length + 1, spans: [], end: -Infinity };
    if (lanes[best] === undefined) lanes.push(lane);
    for (const span of chain.spans) lane.spans.push(span);
    lane.end = Math.max(lane.end, chain.end);
    free[lane.slot - 1] = lane.end - roundingOf(chain);
  }
  return lanes;
}

/** Returns the index of the latest time that is not after another one; the number of times if there is none. */
function latestBefore(start: number, times: readonly number[]): number {
  let best = times.length;
  let bestTime = -Infinity;
  for (let index = 0; index < times.length; index++) {
    const time = times[index]!;
    if (time > start || time <= bestTime) continue;
    best = index;
    bestTime = time;
  }
  return best;
}

/** Returns the index of the lane whose last run is running and started first; the number of lanes if there is none. */
function longestRunning(lanes: readonly Lane[]): number {
  const startOf = (index: number): number => {
    const last = lanes[index]?.spans.at(-1);
    return last?.isRunning === true ? last.start : Infinity;
  };
  return lanes.reduce((best, _, index) => (startOf(index) < startOf(best) ? index : best), lanes.length);
}

/** The times of the runs of a batch are computed from rounded durations, each of at least 1 ms. */
function roundingOf({ spans, start, end }: Chain): number {
  return end === Infinity ? 0 : Math.min(spans.length, (end - start) / 2);
}

/** A run is part of a chain if it starts when the last one ends. Of several chains, that of the next lower number. */
function chainsOf(spans: readonly Span[]): Chain[] {
  const chains: Chain[] = [];
  const byEnd = new Map<number, Chain[]>();
  for (const group of byStart(spans)) {
    const { start } = group[0]!;
    const before = byEnd.get(start) ?? [];
    byEnd.delete(start);
    for (const span of before.length === 0 ? group : nextFirst(group, before)) {
      const chain = takeLowerOf(before, span.row.runNumber) ?? { spans: [], start, end: start };
      if (chain.spans.length === 0) chains.push(chain);
      chain.spans.push(span);
      chain.end = span.end;
      if (span.isRunning) continue;
      const others = byEnd.get(span.end);
      if (others === undefined) byEnd.set(span.end, [chain]);
      else others.push(chain);
    }
  }
  return chains;
}

/** Returns runs so that those whose numbers follow that of a chain come first: the chain is theirs. */
function nextFirst(group: readonly Span[], chains: readonly Chain[]): Span[] {
  const isNext = ({ row }: Span): boolean => chains.some((each) => row.runNumber === lastOf(each) + 1);
  return [...group.filter(isNext), ...group.filter((each) => !isNext(each))];
}

function lastOf({ spans }: Chain): number {
  return spans.at(-1)!.row.runNumber;
}

/** Removes and returns the chain whose last run has the greatest number below another one; undefined if none has. */
function takeLowerOf(chains: Chain[], runNumber: number): Chain | undefined {
  const lower = chains.filter((chain) => lastOf(chain) < runNumber);
  if (lower.length === 0) return undefined;
  const best = lower.reduce((one, other) => (lastOf(other) > lastOf(one) ? other : one));
  chains.splice(chains.indexOf(best), 1);
  return best;
}

/** Returns groups of runs that started at the same time, in the order of their starts. */
function byStart(spans: readonly Span[]): Span[][] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || a.row.runNumber - b.row.runNumber);
  const groups: Span[][] = [];
  for (const span of sorted) {
    const last = groups.at(-1);
    if (last?.[0]!.start === span.start) last.push(span);
    else groups.push([span]);
  }
  return groups;
}

/** Returns lanes whose running runs end at the present. @param now may be before a start, because clocks differ. */
export function until(lanes: readonly Lane[], now: number): Lane[] {
  const end = (span: Span): Span => (span.isRunning ? { ...span, end: Math.max(span.start, now) } : span);
  return lanes.map((lane) => {
    if (lane.end !== Infinity) return lane;
    const spans = lane.spans.map(end);
    return { ...lane, spans, end: spans.reduce((last, each) => Math.max(last, each.end), -Infinity) };
  });
}

/** Returns the lane of a run and its place there; undefined if it is on none. */
export function placeOfRun(
  lanes: readonly Lane[],
  run: number,
): { index: number; at: number; span: Span } | undefined {
  for (const [index, { spans }] of lanes.entries()) {
    const at = spans.findIndex(({ row }) => row.runNumber === run);
    if (at >= 0) return { index, at, span: spans[at]! };
  }
  return undefined;
}

/** Returns the runs that took longest, the longest first. */
export function longestOf(lanes: readonly Lane[], most: number): Span[] {
  const longest: Span[] = [];
  for (const { spans } of lanes)
    for (const span of spans) {
      const shortest = longest[most - 1];
      if (span.runs > 1 || (shortest !== undefined && lengthOf(span) <= lengthOf(shortest))) continue;
      longest.push(span);
      longest.sort((a, b) => lengthOf(b) - lengthOf(a));
      longest.length = Math.min(longest.length, most);
    }
  return longest;
}
