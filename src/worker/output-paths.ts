import path from "node:path";
import { UserError } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import type { Run } from "../model/run.ts";
import { parseRunConfig, unquoted } from "../simulation/expand.ts";
import { oneRunQueryArguments, parseSimulationArguments } from "../simulation/opp-args.ts";
import { configuredOption, OUTPUT_OPTIONS } from "../simulation/output-options.ts";
import { runProgram } from "../system/program.ts";
import type { Command } from "./command.ts";
import type { SlotTree } from "./slot.ts";

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
  const options = mapsPaths ? await mappedOptions(command, tree, campaign, run) : [];
  const placed = { ...command, args: [...command.args, ...options] };
  const printedTo = asksOutputFile ? await askOutputFile(placed, campaign, run) : undefined;
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
    return [`--${option}=${mapped(value, command.directory, tree, campaign)}`];
  });
}

/**
 * Relative, as it would be at the client's; but the simulator's default file names are relative to the ini file's
 * folder, so that for another folder only an absolute path means the same everywhere.
 */
function mapped(
  value: string,
  directory: string,
  { mirror }: SlotTree,
  { iniFolder = "." }: Campaign,
): string {
  const place = path.join(mirror, value);
  return iniFolder === "." ? path.relative(directory, place) : place;
}

async function askOutputFile(
  command: Command,
  { iniFolder = ".", arguments: args }: Campaign,
  run: Run,
): Promise<string> {
  const value = unquoted((await ask(command, run, ["-e", "cmdenv-output-file"])).trim());
  const typed = args.some((argument) => argument.startsWith("--cmdenv-output-file"));
  return path.resolve(command.directory, typed ? "." : iniFolder, value);
}

async function ask({ program, args, directory, env }: Command, run: Run, query: string[]): Promise<string> {
  const question = oneRunQueryArguments(parseSimulationArguments(args), run.runNumber, query);
  const { exitCode, stdout, stderr } = await runProgram(program, question, { cwd: directory, env });
  if (exitCode === 0) return stdout;
  throw new UserError(
    `the simulator does not say where run ${run.runNumber} writes: ${stderr.trim() || stdout.trim()}`,
  );
}
