import type { CampaignEvent } from "../../model/events.ts";
import type { RunRecord } from "../../model/result.ts";
import { parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import { decidingArguments } from "../plan/identity.ts";
import type { CampaignPlan } from "../plan/plan.ts";
import { plannedKey } from "../plan/plan-project.ts";
import { changedSince } from "../collect/source-manifest.ts";

/** Completed runs that no longer count, all for the same reason. */
export interface Outdated extends Pick<RunRecord, "tree" | "build" | "omnetpp" | "arguments"> {
  runs: number;
  /** Their identity is that of the plan, but their files are missing or changed. */
  isSame: boolean;
}

export type OutdatedEvent = Extract<CampaignEvent, { type: "outdated" }>;

/** Groups outdated runs by the reason. */
export class OutdatedRuns {
  readonly #groups = new Map<string, Outdated>();

  add({ tree, build, omnetpp, arguments: args }: RunRecord, isSame: boolean): void {
    const key = JSON.stringify([isSame, tree, build, omnetpp, args]);
    const group = this.#groups.get(key);
    if (group) group.runs++;
    else this.#groups.set(key, { tree, build, omnetpp, arguments: args, runs: 1, isSame });
  }

  /** Returns the groups, the largest first. */
  get groups(): Outdated[] {
    return [...this.#groups.values()].sort((a, b) => b.runs - a.runs);
  }
}

/**
 * Yields one event for each reason why completed runs no longer count: how many runs, and what has changed.
 */
export function* describeOutdated(
  plan: Pick<
    CampaignPlan,
    "campaign" | "code" | "resultDirectory" | "build" | "ownBuild" | "sources" | "runSources"
  >,
  groups: readonly Outdated[],
): Generator<OutdatedEvent> {
  const events = new Map<string, OutdatedEvent>();
  for (const group of groups) {
    const event: OutdatedEvent = { type: "outdated", runs: group.runs, ...changesOf(plan, group) };
    const key = JSON.stringify([event.changed, event.reasons]);
    const same = events.get(key);
    events.set(key, same ? { ...same, runs: same.runs + group.runs } : event);
  }
  yield* events.values();
}

function changesOf(
  plan: Pick<
    CampaignPlan,
    "campaign" | "code" | "resultDirectory" | "build" | "ownBuild" | "sources" | "runSources"
  >,
  { tree, build, omnetpp, arguments: args, isSame }: Outdated,
): Pick<OutdatedEvent, "changed" | "reasons"> {
  if (isSame) return { changed: [], reasons: ["result files are missing or changed"] };
  const { campaign, code, resultDirectory, sources, runSources } = plan;
  const reasons: string[] = [];
  let changed: string[] = [];
  if (tree !== code.tree) {
    const files = tree === undefined ? undefined : changedSince(resultDirectory, tree, code.entries);
    const built = new Set(sources.map((entry) => entry.path));
    changed = (files ?? []).filter((file) => built.has(file) || runSources.canRead(code, file));
    if (files === undefined) reasons.push("the source has changed");
  }
  const { version } = campaign.omnetpp;
  if (omnetpp !== version) reasons.push(`OMNeT++ is ${version}, was ${omnetpp}`);
  const [before, now] = [args, campaign.arguments].map((each) => decidingOrAll(each).join(" "));
  if (before !== now) reasons.push(`the arguments are "${now}", were "${before}"`);
  if (reasons.length === 0 && changed.length === 0)
    reasons.push(
      build === plannedKey(plan)
        ? "the environment, the OMNeT++ installation, a needed project or an option of the campaign has changed"
        : "the binaries or the compiler have changed",
    );
  return { changed, reasons };
}

function decidingOrAll(args: readonly string[]): string[] {
  try {
    return decidingArguments(parseSimulationArguments(args));
  } catch {
    return [...args]; // the record was edited
  }
}
