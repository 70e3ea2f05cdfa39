import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import { parseRunConfig, unquoted } from "../../omnetpp/expand.ts";
import { oneRunQueryArguments, parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import {
  configuredOption,
  OUTPUT_OPTIONS,
  parameterWith,
  type OutputOption,
} from "../../omnetpp/output-options.ts";
import { runProgram } from "../../system/program.ts";
import type { Command } from "./command.ts";
import type { SlotTree } from "../tree/slot-tree.ts";

/** A command that writes all output files into the tree's mirror. */
export interface PlacedCommand extends Command {
  /**
   * Absolute path of the output file in the working tree; undefined to derive it from the names of the result
   * files.
   */
  printedTo: string | undefined;
}

/**
 * Returns a command whose absolute output paths are mapped into the tree's mirror of the client's file
 * system. Asks the simulator for the paths if the client could not determine them. The mapping uses
 * command-line options, so a `.sca` file shows the mapped result directory.
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
  const options = mapsPaths ? await mappedOptions(command, tree, campaign, run) : [];
  const placed = { ...command, args: [...command.args, ...options] };
  const isMapped = options.some((option) => option.startsWith("--cmdenv-output-file="));
  const folder = isMapped ? "." : campaign.outputFileFolder;
  const printedTo = asksOutputFile ? await askOutputFile(placed, folder, run) : undefined;
  return { ...placed, printedTo };
}

async function mappedOptions(
  command: Command,
  tree: SlotTree,
  campaign: Campaign,
  run: Run,
): Promise<string[]> {
  const configuration = parseRunConfig(await ask(command, run, ["-q", "runconfig"]));
  return OUTPUT_OPTIONS.flatMap((option) => {
    const value = unquoted(configuredOption(configuration, option) ?? "");
    if (!path.isAbsolute(value)) return [];
    const isShown = option === "result-dir" && parameterWith(value, configuration) !== undefined;
    return [
      `--${option}=${mapped(option, value, { tree, campaign, directory: command.directory, isShown })}`,
    ];
  });
}

interface Mapping {
  tree: SlotTree;
  campaign: Campaign;
  /** The simulator's current directory. */
  directory: string;
  /** Some parameter uses the value, too. */
  isShown: boolean;
}

/**
 * Returns the path in the mirror, relative so that result files do not contain a path of this machine. A
 * relative result directory is resolved against the first ini file's folder in the simulator's default file
 * names, but against the current directory in parameters. If both are used and differ, the path must be
 * absolute (the plan refuses such campaigns if it finds that in the configuration of the first run).
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

/**
 * Returns the absolute path that `cmdenv-output-file` has for a run.
 * @param folder folder against which the option is resolved, relative to the simulator's current directory.
 */
async function askOutputFile(command: Command, folder: string | undefined, run: Run): Promise<string> {
  const value = unquoted((await ask(command, run, ["-e", "cmdenv-output-file"])).trim());
  return path.resolve(command.directory, folder ?? ".", value);
}

async function ask({ program, args, directory, env }: Command, run: Run, query: string[]): Promise<string> {
  const question = oneRunQueryArguments(parseSimulationArguments(args), run.runNumber, query);
  const { exitCode, stdout, stderr } = await runProgram(program, question, { cwd: directory, env });
  if (exitCode === 0) return stdout;
  throw new UserError(
    `the simulator does not report where run ${run.runNumber} writes: ${stderr.trim() || stdout.trim()}`,
  );
}
