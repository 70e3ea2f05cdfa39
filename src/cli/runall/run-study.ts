import { availableParallelism } from "node:os";
import path from "node:path";
import { planCampaign, type CampaignPlan } from "../../campaign/plan/plan.ts";
import { UserError } from "../../errors.ts";
import type { Code } from "../../project/git/code.ts";
import { runLabel, runVariables } from "../../model/run.ts";
import type { SplitArguments } from "../../omnetpp/opp-args.ts";
import { chooseSwarm, wouldShareDisk } from "../swarm/choose-swarm.ts";
import { count, formatSize, shortList } from "../terminal/format.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { isNear } from "../../model/near.ts";
import { EXPLAIN, OWN_OPTIONS, SUB_WORDS, type OwnOptionValues } from "./runall-options.ts";
import { printableLine, printableValue } from "../terminal/printable.ts";
import { outdatedLine, skippedLine } from "../terminal/summary.ts";
import { showCampaign } from "./show-campaign.ts";

/** Plans the campaign of a study, and lists its runs or makes them. */
export async function runStudy(
  { program, simulation }: SplitArguments,
  options: OwnOptionValues,
  context: CommandContext,
): Promise<number> {
  const directory = path.resolve(options.directory);
  const { commit, omnetpp, environment } = options;
  const say = (text: string): void => {
    if (!options.quiet) context.stderr.write(`${text}\n`);
  };
  let onAsked = (): void => undefined;
  const asked = new Promise<void>((resolve) => (onAsked = resolve));
  const request = { directory, commit, omnetpp, environment, program, arguments: simulation, say, onAsked };
  if (options.explain) {
    const { explainStudy } = await import("./explain-study.ts");
    return await explainStudy(request, options, context);
  }
  const planning = planCampaign(request, context.interrupt).catch((error: unknown) => {
    throw withMisplacedOption(withMisspelledWord(error, context.argv), simulation);
  });
  planning.catch(() => undefined); // it is awaited below, after something else
  if (options.dryRun) return await listRuns(planning, options, context);
  await Promise.race([asked, planning]);
  return await runOnSwarm(planning, options, context, directory);
}

/** The simulator knows nothing of our options, and would only say that. */
function withMisplacedOption(error: unknown, simulation: readonly string[]): unknown {
  const ours = simulation.find(
    (argument) => OWN_OPTIONS.flags.includes(argument) || OWN_OPTIONS.valued.includes(argument),
  );
  if (!(error instanceof UserError) || ours === undefined) return error;
  return new UserError(error.message, {
    hint: `put options of runall-swarm, such as ${ours}, before the simulation program`,
    cause: error,
  });
}

/** What we do not know goes to the simulator, also what was meant for us. */
function withMisspelledWord(error: unknown, [first = "", ...more]: readonly string[]): unknown {
  if (!(error instanceof UserError)) return error;
  const meant = (words: Iterable<string>, word: string): string | undefined =>
    [...words].find((each) => word !== each && isNear(word, each));
  const subWord = meant([...SUB_WORDS, EXPLAIN], first);
  if (subWord !== undefined)
    return new UserError(error.message, { hint: `did you mean: runall-swarm ${subWord}?`, cause: error });
  for (const argument of [first, ...more]) {
    const name = argument.split("=", 1)[0]!;
    const option = name.startsWith("--")
      ? meant([...OWN_OPTIONS.flags, ...OWN_OPTIONS.valued], name)
      : undefined;
    if (option !== undefined && error.message.includes(name))
      return new UserError(error.message, { hint: `did you mean ${option}?`, cause: error });
  }
  return error;
}

/** The runs, which of them are there already, and what would be sent. */
async function listRuns(
  planning: Promise<CampaignPlan>,
  options: OwnOptionValues,
  context: CommandContext,
): Promise<number> {
  await using plan = await planning;
  const there = await finishedRuns(plan, options, context);
  for (const run of plan.runs)
    context.stdout.write(`${printableLine(`${runLabel(run)}: ${runVariables(run)}`)}\n`);
  if (there > 0) context.stderr.write(`${skippedLine(there, plan.runs.length - there, "to be executed")}\n`);
  await printShipment(plan.code, undefined, context);
  const told = new Set([plan.gitTop]);
  for (const { gitTop, code, about } of plan.dependencies) {
    if (!told.has(gitTop)) await printShipment(code, about.name, context);
    told.add(gitTop);
  }
  return EXIT.done;
}

/** As it is for the swarm that would be chosen. */
async function finishedRuns(
  plan: CampaignPlan,
  { swarm, rerun }: OwnOptionValues,
  { interrupt, stderr }: CommandContext,
): Promise<number> {
  const sharesDisk = await wouldShareDisk(swarm);
  if (sharesDisk === undefined) return 0;
  const { lookForFinished } = await loadCampaign();
  const { there, events } = await lookForFinished(plan, { sharesDisk }, interrupt);
  for (const event of events.map(printableValue)) {
    if (event.type === "warning")
      stderr.write(`warning: ${[event.message, ...event.details].join("\n    ")}\n`);
    if (event.type === "outdated" && !rerun) stderr.write(`${outdatedLine(event)}\n`);
  }
  return rerun ? 0 : there.length;
}

/** @param project name of one that the study's project needs. */
async function printShipment(
  code: Code,
  project: string | undefined,
  context: CommandContext,
): Promise<void> {
  const { changed, commit } = code;
  if (changed.length === 0) return;
  const { measureShipment } = await import("../../campaign/run/send-source.ts");
  const { sizeBytes } = await measureShipment(code, context.interrupt);
  const whose = project === undefined ? "" : ` of ${project}`;
  const sent = `${count(changed.length, "file")}${whose} changed since commit ${commit.slice(0, 10)}, ${formatSize(sizeBytes)}`;
  context.stderr.write(`to be sent: ${sent}\n${shortList(changed.map(printableLine))}\n`);
}

async function runOnSwarm(
  planning: Promise<CampaignPlan>,
  options: OwnOptionValues,
  context: CommandContext,
  directory: string,
): Promise<number> {
  // a bad study must not make a swarm, so the plan comes first; what takes time to load is loaded while others work at it
  const { runCampaign } = await loadCampaign();
  await using plan = await planning;
  return await showCampaign({ ...options, detached: options.detach, directory }, context, async (say) => {
    const target = await chooseSwarm(options.swarm, { runners: availableParallelism(), say });
    const gone = new AbortController();
    const swarm = await target.access(say, gone.signal);
    const how = { ...options.limits, detach: options.detach, rerun: options.rerun };
    return {
      target,
      gone,
      results: swarm.results,
      events: during(swarm, runCampaign(plan, swarm, context.interrupt, how)),
    };
  });
}

/** Ends the use of a resource with the last event. */
async function* during<T>(resource: AsyncDisposable, events: AsyncIterable<T>): AsyncGenerator<T> {
  await using _ = resource;
  yield* events;
}

/** By themselves, because TypeScript 6.0 does not rewrite the extension of an import beside a `using`. */
function loadCampaign() {
  return import("../../campaign/run/run-campaign.ts");
}
