import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import {
  oneRunQueryArguments,
  parseSimulationArguments,
  QUESTIONS,
  longOption,
} from "../../omnetpp/opp-args.ts";
import {
  configuredOption,
  OUTPUT_OPTIONS,
  parameterWith,
  type OutputOption,
} from "../../omnetpp/output-options.ts";
import { parseRunConfig } from "../../omnetpp/query-output.ts";
import { unquoted } from "../../omnetpp/quoted-text.ts";
import { runProgram } from "../../system/program.ts";
import type { Command } from "./command.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

/** How a run is started whose output files are where the runner finds them, and where what it prints belongs. */
export interface PlacedCommand extends Command {
  /** Absolute path in the working tree; undefined if the names of the result files tell. */
  printedTo: string | undefined;
}

/**
 * Has the simulator say where it would write, as far as that cannot be known before: absolute paths are mapped into the
 * tree's mirror of the client's file system by options of the command line, which a `.sca` file shows as its result directory.
 * @throws {UserError} if the simulator does not answer.
 * @see OMNeT++ Simulation Manual, "Configuration Options": result-dir, output-scalar-file, …
 */
export async function placeOutputs(
  command: Command,
  tree: SlotTree,
  campaign: Campaign,
  run: Run,
): Promise<PlacedCommand> {
  const { mapsPaths = false, asksOutputFile = false } = campaign;
  const values = mapsPaths ? await mappedValues(command, tree, campaign, run) : [];
  const options = values.map(([option, value]) => longOption(option, value));
  const placed = { ...command, args: [...command.args, ...options] };
  const isMapped = values.some(([option]) => option === "cmdenv-output-file");
  const folder = isMapped ? "." : campaign.outputFileFolder;
  const printedTo = asksOutputFile ? await askOutputFile(placed, folder, run) : undefined;
  return { ...placed, printedTo };
}

async function mappedValues(
  command: Command,
  tree: SlotTree,
  campaign: Campaign,
  run: Run,
): Promise<[option: OutputOption, value: string][]> {
  const configuration = parseRunConfig(await ask(command, run, QUESTIONS.configuration));
  return OUTPUT_OPTIONS.flatMap((option): [OutputOption, string][] => {
    const value = unquoted(configuredOption(configuration, option) ?? "");
    if (!path.isAbsolute(value)) return [];
    const isShown = option === "result-dir" && parameterWith(value, configuration) !== undefined;
    return [[option, mapped(option, value, { tree, campaign, directory: command.directory, isShown })]];
  });
}

interface Mapping {
  tree: SlotTree;
  campaign: Campaign;
  /** Where the simulator starts. */
  directory: string;
  /** Parameters have the value, too. */
  isShown: boolean;
}

/**
 * Relative, as it would be at the client's. The result directory is relative to the first ini file's folder in the
 * simulator's default file names and to the current directory in parameters: if both are used, only an absolute path does
 * (the plan refuses such a campaign as far as its first run tells).
 */
function mapped(
  option: OutputOption,
  value: string,
  { tree: { mirror }, campaign: { iniFolder = "." }, directory, isShown }: Mapping,
): string {
  const place = path.join(mirror, value);
  if (option !== "result-dir" || iniFolder === ".") return path.relative(directory, place);
  return isShown ? place : path.relative(path.resolve(directory, iniFolder), place);
}

/** @param folder to which an option of that origin is relative; relative to where the simulator starts. */
async function askOutputFile(command: Command, folder: string | undefined, run: Run): Promise<string> {
  const value = unquoted((await ask(command, run, QUESTIONS.value("cmdenv-output-file"))).trim());
  return path.resolve(command.directory, folder ?? ".", value);
}

async function ask(
  { program, args, directory, env }: Command,
  run: Run,
  query: readonly string[],
): Promise<string> {
  const question = oneRunQueryArguments(parseSimulationArguments(args), run.runNumber, query);
  const { exitCode, stdout, stderr } = await runProgram(program, question, { cwd: directory, env });
  if (exitCode === 0) return stdout;
  throw new UserError(
    `the simulator does not report where run ${run.runNumber} writes: ${stderr.trim() || stdout.trim()}`,
  );
}
