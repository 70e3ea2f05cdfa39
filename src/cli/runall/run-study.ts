import { availableParallelism } from "node:os";
import path from "node:path";
import { planCampaign, type CampaignPlan } from "../../campaign/plan/plan.ts";
import { UserError } from "../../errors.ts";
import type { Code } from "../../project/git/code.ts";
import { runLabel, runVariables } from "../../model/run.ts";
import type { SplitArguments } from "../../omnetpp/opp-args.ts";
import { chooseSwarm, wouldShareDisk } from "../swarm/choose-swarm.ts";
import { forPeople } from "../terminal/for-people.ts";
import { count, formatSize, shortList } from "../terminal/format.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { isNear } from "../../model/near.ts";
import { EXPLAIN, OWN_OPTIONS, SUBCOMMANDS, type OwnOptionValues } from "./runall-options.ts";
import { printable, printableLine, printableValue } from "../terminal/printable.ts";
import { outdatedLine, skippedLine } from "../terminal/summary.ts";
import { showCampaign } from "./show-campaign.ts";
import { limitsLine } from "./show-limits.ts";

/** Time in ms after which the user is told what takes so long, if nothing was printed. */
const SILENCE_MS = 1000;

/** Plans the campaign of a study, then lists, explains or executes its runs. Returns the exit code. */
export async function runStudy(
  { program, simulation }: SplitArguments,
  options: OwnOptionValues,
  context: CommandContext,
): Promise<number> {
  const directory = path.resolve(options.directory);
  const { commit, omnetpp, environment } = options;
  const say = (text: string): void => {
    clearTimeout(silence);
    if (!options.quiet) context.stderr.write(`${forPeople(printable(text), context.stderr)}\n`);
  };
  const silence = setTimeout(() => {
    if (context.stderr.isTTY) say(`reading the study ${directory}`);
  }, SILENCE_MS);
  let onAsked = (): void => undefined;
  const asked = new Promise<void>((resolve) => (onAsked = resolve));
  const request = { directory, commit, omnetpp, environment, program, arguments: simulation, say, onAsked };
  if (options.explain) {
    clearTimeout(silence);
    await wouldShareDisk(options.swarm); // a misspelled name is an error here, too
    const { explainStudy } = await import("./explain-study.ts");
    return await explainStudy(request, options, context);
  }
  const planning = planCampaign(request, context.interrupt)
    .finally(() => clearTimeout(silence))
    .catch((error: unknown) => {
      if (program !== undefined && SUBCOMMANDS.has(program)) throw withMisplacedWord(error, program);
      throw withMisplacedOption(withMisspelledWord(error, context.argv), simulation);
    });
  planning.catch(() => undefined); // awaited later, so an early rejection must not count as unhandled
  if (options.dryRun) return await listRuns(planning, options, context);
  await Promise.race([asked, planning]);
  return await runOnSwarm(planning, options, context, directory);
}

/** Adds a hint to an error if a subcommand was typed after options, where a simulation program is expected. */
function withMisplacedWord(error: unknown, word: string): unknown {
  if (!(error instanceof UserError)) return error;
  const hint = `a subcommand comes before all options: runall-swarm ${word} …; a program of that name is ./${word}`;
  return new UserError(error.message, { hint, cause: error });
}

/** Adds a hint to the simulator's error if an option of runall-swarm was passed to the simulation. */
function withMisplacedOption(error: unknown, simulation: readonly string[]): unknown {
  const misplaced = simulation.find(
    (argument) => OWN_OPTIONS.flags.includes(argument) || OWN_OPTIONS.valued.includes(argument),
  );
  if (!(error instanceof UserError) || misplaced === undefined) return error;
  return new UserError(error.message, {
    hint: `put options of runall-swarm, such as ${misplaced}, before the simulation program`,
    cause: error,
  });
}

/** Adds a hint to the simulator's error if a misspelled subcommand or option was passed to the simulation. */
function withMisspelledWord(error: unknown, [first = "", ...more]: readonly string[]): unknown {
  if (!(error instanceof UserError)) return error;
  const meant = (words: Iterable<string>, word: string): string | undefined =>
    [...words].find((each) => word !== each && isNear(word, each));
  const subWord = meant([...SUBCOMMANDS, EXPLAIN], first);
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

/** Prints the runs, how many of them have already completed, and what would be sent. */
async function listRuns(
  planning: Promise<CampaignPlan>,
  options: OwnOptionValues,
  context: CommandContext,
): Promise<number> {
  await using plan = await planning;
  const completed = await countCompleted(plan, options, context);
  const shipments = await shipmentsOf(plan, context.interrupt);
  const { runs } = plan;
  if (options.json) {
    const preview = { config: plan.campaign.config, runs, completed, limits: options.limits, shipments };
    context.stdout.write(`${JSON.stringify(printableValue(preview), null, 2)}\n`);
    return EXIT.done;
  }
  for (const run of runs)
    context.stdout.write(
      `${forPeople(printableLine(`${runLabel(run)}: ${runVariables(run)}`), context.stdout)}\n`,
    );
  if (options.quiet) return EXIT.done;
  if (completed > 0)
    context.stderr.write(`${skippedLine(completed, runs.length - completed, "to be executed")}\n`);
  const limits = limitsLine(options.limits);
  if (limits !== undefined) context.stderr.write(`${forPeople(limits, context.stderr)}\n`);
  for (const shipment of shipments)
    context.stderr.write(forPeople(describeShipment(shipment, options.verbose), context.stderr));
  return EXIT.done;
}

/** Returns the number of runs that would be skipped on the swarm that would be chosen, and prints warnings. */
async function countCompleted(
  plan: CampaignPlan,
  { swarm, rerun, quiet }: OwnOptionValues,
  { interrupt, stderr }: CommandContext,
): Promise<number> {
  const sharesDisk = await wouldShareDisk(swarm);
  if (sharesDisk === undefined) return 0;
  const { lookForFinished } = await loadCampaign();
  const { there, events } = await lookForFinished(plan, { sharesDisk }, interrupt);
  for (const event of events.map(printableValue)) {
    const print = (text: string): void => void stderr.write(`${forPeople(text, stderr)}\n`);
    if (event.type === "warning") print(`warning: ${[event.message, ...event.details].join("\n    ")}`);
    if (event.type === "outdated" && !rerun && !quiet) print(outdatedLine(event));
  }
  return rerun ? 0 : there.length;
}

/** The changed files of a checkout that would be sent. */
interface Shipment {
  /** Name of a needed project; undefined for the study's own. */
  project?: string;
  commit: string;
  files: readonly string[];
  sizeBytes: number;
}

async function shipmentsOf(plan: CampaignPlan, signal: AbortSignal): Promise<Shipment[]> {
  const { measureShipment } = await import("../../campaign/run/send-source.ts");
  const codes = new Map<string, { code: Code; project?: string }>([[plan.gitTop, { code: plan.code }]]);
  for (const { gitTop, code, about } of plan.dependencies)
    if (!codes.has(gitTop)) codes.set(gitTop, { code, project: about.name });
  const shipments: Shipment[] = [];
  for (const { code, ...whose } of codes.values()) {
    if (code.changed.length === 0) continue;
    const { sizeBytes } = await measureShipment(code, signal);
    shipments.push({ ...whose, commit: code.commit, files: code.changed, sizeBytes });
  }
  return shipments;
}

function describeShipment({ project, commit, files, sizeBytes }: Shipment, all: boolean): string {
  const whose = project === undefined ? "" : ` of ${project}`;
  const sent = `${count(files.length, "file")}${whose} changed since commit ${commit.slice(0, 10)}, ${formatSize(sizeBytes)}`;
  const names = files.map(printableLine);
  return `to be sent: ${sent}\n${all ? names.map((name) => `    ${name}`).join("\n") : shortList(names)}\n`;
}

async function runOnSwarm(
  planning: Promise<CampaignPlan>,
  options: OwnOptionValues,
  context: CommandContext,
  directory: string,
): Promise<number> {
  // The plan comes first, because an invalid study must not create a swarm. Modules are loaded while planning
  // waits for programs.
  const { runCampaign } = await loadCampaign();
  await using plan = await planning;
  return await showCampaign({ ...options, detached: options.detach, directory }, context, async (say) => {
    const target = await chooseSwarm(options.swarm, {
      runners: availableParallelism(),
      yes: options.yes,
      interrupt: context.interrupt,
      say,
    });
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

/** Yields events and disposes of a resource after the last one. */
async function* during<T>(resource: AsyncDisposable, events: AsyncIterable<T>): AsyncGenerator<T> {
  await using _ = resource;
  yield* events;
}

/** A separate function, because TypeScript 6.0 does not rewrite the extension of an import in a block with `using`. */
function loadCampaign() {
  return import("../../campaign/run/run-campaign.ts");
}
