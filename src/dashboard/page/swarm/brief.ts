import { signal } from "@preact/signals";
import type { SwarmBrief } from "../../../model/dashboard.ts";
import { clockTime } from "./time-axis.ts";

/** The figures of the swarm, and when they were received. */
export const swarmBrief = signal<{ brief: SwarmBrief; at: number } | undefined>(undefined);

/** Notes the figures of the swarm, which are part of each answer. */
export function noteSwarm(brief: SwarmBrief): void {
  swarmBrief.value = { brief, at: Date.now() };
}

/** Returns how many runners are busy. */
export function runnersText({ busy, slots }: Pick<SwarmBrief, "busy" | "slots">): string {
  if (slots === undefined) return `${busy} ${busy === 1 ? "runner" : "runners"} busy`;
  if (slots === 0) return busy === 0 ? "no runner is connected" : `${busy} busy, no runner is connected`;
  return `${busy} of ${slots} ${slots === 1 ? "runner" : "runners"} busy`;
}

/** Returns the clock time at which the last campaign is expected to end; an empty text if no run is left. */
export function endText({ leftMs, unknown }: Pick<SwarmBrief, "leftMs" | "unknown">, at: number): string {
  if (leftMs === undefined) return unknown > 0 ? "end not yet known" : "";
  return `${unknown > 0 ? "ends after" : "ends about"} ${clockTime(at + leftMs, at)}`;
}
