import type { Machine, Summary, Swarm } from "../model/dashboard.ts";
import type { WatchedSwarm } from "../queue/watched-swarm.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";
import { batchedRuns } from "./summary.ts";

/** Returns the figures of the swarm. @param views the campaigns with open runs. @param summaries of the same campaigns. */
export function swarmOf(
  watched: WatchedSwarm,
  views: readonly CampaignView[],
  summaries: readonly Summary[],
): Swarm {
  const machines = machinesOf(watched, occupiedRunners(views));
  const runners = machines.filter(({ roles }) => roles.includes("runner"));
  const slots = watched.workers === undefined ? undefined : sumOrUndefined(runners.map((each) => each.slots));
  const lefts = summaries.flatMap(({ leftMs }) => leftMs ?? []);
  const open = summaries.filter(({ states }) => (states["queued"] ?? 0) + (states["running"] ?? 0) > 0);
  return {
    busy: machines.reduce((sum, { busy }) => sum + busy, 0),
    slots,
    slotsOf: Object.fromEntries(
      machines.flatMap(({ name, slots }) => (slots === undefined ? [] : [[name, slots]])),
    ),
    leftMs: lefts.length === 0 ? undefined : Math.max(...lefts),
    unknown: open.filter(({ leftMs }) => leftMs === undefined).length,
    machines,
    queue: watched.runs,
    builds: watched.builds,
  };
}

/** Returns the number of occupied runners by machine: of a batch, only the first run counts. */
function occupiedRunners(views: readonly CampaignView[]): Map<string, number> {
  const occupied = new Map<string, number>();
  for (const { rows } of views) {
    const batched = batchedRuns(rows);
    const isOccupying = ({ state, runNumber }: Row): boolean =>
      state === "running" && !batched.has(runNumber);
    for (const row of rows.values())
      if (isOccupying(row)) occupied.set(row.worker ?? "", (occupied.get(row.worker ?? "") ?? 0) + 1);
  }
  return occupied;
}

function machinesOf({ workers, stopped }: WatchedSwarm, occupied: ReadonlyMap<string, number>): Machine[] {
  const connected = workers ?? [];
  const hosts = [...connected, ...stopped].map(({ host }) => host);
  const names = new Set([...hosts, ...occupied.keys()]);
  const machines = [...names].map((name): Machine => {
    const own = connected.filter(({ host }) => host === name);
    const runners = own.filter(({ role }) => role === "runner");
    const slots = runners.length === 0 ? undefined : sumOrUndefined(runners.map((each) => each.slots));
    const taken = occupied.get(name) ?? 0;
    const busy = Math.min(taken, slots ?? Infinity);
    return {
      name,
      roles: [...new Set(own.map(({ role }) => role))].sort().reverse(),
      slots,
      busy,
      storing: taken - busy,
      isConnected: workers === undefined || own.length > 0,
      troubles: stopped.filter(({ host }) => host === name).map(describeTrouble),
    };
  });
  return machines.sort((a, b) => byName.compare(a.name, b.name));
}

/** Maximum length of a reason: any user of the queue can report any. */
const MOST_CHARACTERS = 500;

function describeTrouble({ role, reason }: WatchedSwarm["stopped"][number]): string {
  return `the ${role} has stopped taking jobs: ${reason.slice(0, MOST_CHARACTERS)}`;
}

const byName = new Intl.Collator("en", { numeric: true });

/** Returns a sum; undefined if a summand is unknown. */
function sumOrUndefined(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  );
}
