import { UserError } from "../errors.ts";
import { nearest } from "../model/near.ts";
import type { Run } from "../model/run.ts";
import {
  config,
  iniQueryArguments,
  oneRunQueryArguments,
  queryArguments,
  QUESTIONS,
  runFilter,
  values,
} from "./opp-args.ts";
import type { SimulationArguments } from "./opp-args.ts";
import { configuredOption, OUTPUT_OPTIONS, type OutputOption } from "./output-options.ts";
import { adviceOn } from "./query-advice.ts";
import { parseConfigNames, parseRunConfig, parseRunConfigs, parseRuns } from "./query-output.ts";
import { unquoted } from "./quoted-text.ts";

export { parseRunConfig, parseRuns } from "./query-output.ts";

/** Runs a program and waits for it to end; a failing exit code is a result, not an error. */
export type RunProgram = (
  file: string,
  args: readonly string[],
  options: { cwd: string; signal?: AbortSignal | undefined },
) => Promise<ProgramOutput>;

interface ProgramOutput {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface ExpandQuery {
  /** The simulator, or a simulation program. */
  program: string;
  args: SimulationArguments;
  /** Folder of the study. */
  directory: string;
}

/** Where a run writes, as configured; values are without quotes. */
export interface RunOutputs {
  runNumber: number;
  values: Partial<Record<OutputOption, string>>;
  /** Files to which the run appends, instead of overwriting them. */
  appends: ("output-scalar-file" | "output-vector-file")[];
}

/** A config, as the simulator reads it. */
export interface Expansion {
  runs: Run[];
  /** One entry for each run, or only one for the first run if the outputs of all runs are the same. */
  outputs: RunOutputs[];
  /** The effective configuration of the config's first run, including the options of the command line. */
  configuration: Map<string, string>;
  /** The seeds of a run depend on its run number, and not, for example, on its repetition. */
  seedsFollowRunNumbers: boolean;
}

/**
 * Returns the runs that the user chose, as the simulator lists them; only the simulator interprets ini files.
 * @throws {UserError} with the simulator's message, and if no run is left.
 * @see OMNeT++ Simulation Manual, "Running Simulations": option -q.
 */
export async function expand(
  query: ExpandQuery,
  deps: { runProgram: RunProgram },
  signal?: AbortSignal,
): Promise<Expansion> {
  const ask = askerOf(query, deps, signal);
  const askRun = (runNumber: number, question: readonly string[]): Promise<ProgramOutput> =>
    ask(oneRunQueryArguments(query.args, runNumber, question));
  const [listed, configured] = await Promise.all([
    ask(queryArguments(query.args, QUESTIONS.runs)),
    askRun(0, QUESTIONS.configuration),
  ]);
  await check(listed, query, ask);
  const runs = parseRuns(listed.stdout, config(query.args));
  if (runs.length === 0) throw withoutRuns(query);
  await check(configured, query, ask);
  const configuration = parseRunConfig(configured.stdout);
  if (!configuration.has("network")) await refuseUnnamedConfig(query, ask);
  const outputs = await outputsOf(runs, configuration, query, async () => {
    const answer = await ask(queryArguments(query.args, QUESTIONS.configuration));
    await check(answer, query, ask);
    return parseRunConfigs(answer.stdout);
  });
  const seedsFollowRunNumbers = await seedsFollow(runs, configuration, async ({ runNumber }) => {
    const answer = await askRun(runNumber, QUESTIONS.configuration);
    await check(answer, query, ask);
    return parseRunConfig(answer.stdout);
  });
  return { runs, outputs, configuration, seedsFollowRunNumbers };
}

/**
 * Returns where the runs write. All runs are queried if their values may differ: not for defaults, and not
 * for constants on the command line.
 */
async function outputsOf(
  runs: readonly Run[],
  first: ReadonlyMap<string, string>,
  { args }: ExpandQuery,
  askAll: () => Promise<ReadonlyMap<number, ReadonlyMap<string, string>>>,
): Promise<RunOutputs[]> {
  const mayDiffer = OUTPUT_OPTIONS.some((option) => {
    const typed = args.findLast((arg) => arg.kind === "long" && arg.text.startsWith(`--${option}=`));
    if (typed?.kind === "long") return typed.text.includes("${");
    return configuredOption(first, option) !== undefined;
  });
  if (!mayDiffer) return [runOutputs(runs[0]!.runNumber, first)];
  const all = await askAll();
  return runs.map(({ runNumber }) => runOutputs(runNumber, all.get(runNumber) ?? first));
}

function runOutputs(runNumber: number, configuration: ReadonlyMap<string, string>): RunOutputs {
  const values: RunOutputs["values"] = {};
  for (const option of OUTPUT_OPTIONS) {
    const value = configuredOption(configuration, option);
    if (value !== undefined) values[option] = unquoted(value);
  }
  const appends = (["output-scalar-file", "output-vector-file"] as const).filter(
    (option) => configuredOption(configuration, `${option}-append`) === "true",
  );
  return { runNumber, values, appends };
}

/**
 * Returns whether seeds depend on the run number, as with the default
 * `seed-set = ${runnumber}`. The simulator prints only the value of a
 * configured `seed-set`, so a run is queried whose value shows the difference.
 */
async function seedsFollow(
  runs: readonly Run[],
  first: ReadonlyMap<string, string>,
  configurationOf: (run: Run) => Promise<ReadonlyMap<string, string>>,
): Promise<boolean> {
  if (!first.has("seed-set")) return true;
  const sample = runs.findLast((run) => run.runNumber > 0 && run.runNumber !== run.repetition);
  if (sample === undefined) return false; // only one measurement: its run numbers do not shift
  return (await configurationOf(sample)).get("seed-set") === String(sample.runNumber);
}

async function check(answer: ProgramOutput, query: ExpandQuery, ask: Ask): Promise<void> {
  if (answer.exitCode === 0) return;
  const name = config(query.args);
  const errorMessage = errorMessageOf(answer);
  const unknown = errorMessage.endsWith(`No such config: ${name}`);
  const names = unknown ? await askConfigNames(query, ask) : [];
  throw new UserError(`cannot list the runs of ${name}:\n${errorMessage}`, {
    hint: names.length > 0 ? otherConfigs(name, names) : await adviceOn(errorMessage, query.args, ask),
  });
}

/**
 * Refuses a command without `-c` if General has no network. The simulator then uses General, which in many
 * studies contains only what the configs have in common.
 */
async function refuseUnnamedConfig(query: ExpandQuery, ask: Ask): Promise<void> {
  if (values(query.args, "-c").length > 0) return;
  const names = (await askConfigNames(query, ask)).filter((name) => name !== "General");
  if (names.length === 0) return;
  throw new UserError("no config given, and General has no network", {
    hint: `name a config with -c: ${listed(names)}`,
  });
}

function otherConfigs(typed: string, names: readonly string[]): string {
  if (names.join() === "General") return "the ini file has only General: remove the option -c";
  const near = nearest(typed, names);
  const all = `configs here: ${listed([...near, ...names.filter((name) => !near.includes(name))])}`;
  return near.length === 0 ? all : `did you mean ${near[0]!}? ${all}`;
}

const MOST_CONFIGS = 20;

function listed(names: readonly string[]): string {
  const more = names.length > MOST_CONFIGS ? `, and ${names.length - MOST_CONFIGS} more` : "";
  return names.slice(0, MOST_CONFIGS).join(", ") + more;
}

/** Returns the configs of the study's ini files; none if the files cannot be read. */
export async function configNames(
  query: ExpandQuery,
  deps: { runProgram: RunProgram },
  signal?: AbortSignal,
): Promise<string[]> {
  return await askConfigNames(query, askerOf(query, deps, signal));
}

type Ask = (args: readonly string[]) => Promise<ProgramOutput>;

/**
 * Returns a function that queries the simulator. An ini file may select a user interface that is not
 * installed; then the query is repeated with Cmdenv, which runs use anyway.
 */
function askerOf(
  { program, directory }: ExpandQuery,
  deps: { runProgram: RunProgram },
  signal?: AbortSignal,
): Ask {
  return async (args) => {
    const answer = await deps.runProgram(program, args, { cwd: directory, signal });
    if (answer.exitCode === 0 || !errorMessageOf(answer).includes("Could not start user interface"))
      return answer;
    return await deps.runProgram(program, ["-u", "Cmdenv", ...args], { cwd: directory, signal });
  };
}

async function askConfigNames({ args }: ExpandQuery, ask: Ask): Promise<string[]> {
  const { stdout } = await ask(iniQueryArguments(args, QUESTIONS.configs));
  return parseConfigNames(stdout);
}

/** Returns the simulator's error message; wrong options are reported on standard output. */
function errorMessageOf({ exitCode, stdout, stderr }: ProgramOutput): string {
  const marked = [stderr, stdout].map((text) => text.split(/\r?\n/).filter((line) => line.startsWith("<!>")));
  const lines = marked.find((found) => found.length > 0);
  return lines?.join("\n") ?? (stderr.trim() || stdout.trim() || `exit code ${exitCode}`);
}

function withoutRuns({ args }: Pick<ExpandQuery, "args">): UserError {
  const name = config(args);
  const filter = runFilter(args)?.trim();
  if (filter === undefined || filter === "") {
    return new UserError(`the config ${name} has no runs`, {
      hint: "one of its iteration variables has no values, or its constraint excludes every combination",
    });
  }
  return new UserError(`no run of ${name} matches -r '${filter}'`, {
    hint: `to list its runs, run: runall-swarm --dry-run -c ${name}`,
  });
}
