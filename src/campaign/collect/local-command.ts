import path from "node:path";
import type { Dependency } from "../../model/build.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { LocalCommand } from "../../model/dashboard.ts";
import type { Run } from "../../model/run.ts";
import { shellWord } from "../../model/shell-word.ts";
import { parseSimulationArguments, runArguments } from "../../omnetpp/opp-args.ts";
import { simulatorsFor } from "../../omnetpp/simulator.ts";
import type { Study } from "./places.ts";

/**
 * Returns the command line that repeats a run on the user's own machine, without the swarm: that of a worker
 * (`worker/execute/command`), but in the study itself, and without the options that only workers need.
 * @see OMNeT++ Simulation Manual, "Running Simulations".
 */
export function localCommand(
  campaign: Campaign,
  { gitTop, directory }: Pick<Study, "gitTop" | "directory">,
  { config, runNumber }: Pick<Run, "config" | "runNumber">,
): LocalCommand {
  const { program, mode, dependencies = [] } = campaign;
  const fromStudy = (file: string): string => path.relative(directory, path.join(gitTop, file)) || ".";
  const isOwn = program.kind === "project";
  const nedFolders = dependencies.flatMap((each) =>
    each.nedFolders.map((folder) => placeOf(each, folder, fromStudy)),
  );
  const needed = dependencies.flatMap((each) =>
    (each.libraries ?? []).map((file) => placeOf(each, file, fromStudy)),
  );
  const args = runArguments(parseSimulationArguments(campaign.arguments), {
    config,
    runNumbers: [runNumber],
    libraries: isOwn ? [] : [...needed, ...campaign.libraries],
    nedPath: nedFolders.length === 0 ? campaign.nedPath : [campaign.nedPath ?? ".", ...nedFolders].join(":"),
    nedExclusions: undefined,
    extra: [],
  });
  const simulator = isOwn ? ownProgram(fromStudy(program.path)) : simulatorsFor(mode)[0]!;
  const words = [simulator, ...args].map(typedWord);
  return {
    command: `cd ${shellWord(directory)} && ${words.join(" ")}`,
    notes: notesOn(campaign),
  };
}

/** A program in the study's folder is found only with its folder. */
function ownProgram(file: string): string {
  return file.includes("/") ? file : `./${file}`;
}

/**
 * Returns the place of a file of a needed project: in the same checkout, or below the folder in its variable, whose name
 * is between two null characters, which no argument contains.
 */
function placeOf(
  { source, variable, project }: Dependency,
  file: string,
  fromStudy: (file: string) => string,
): string {
  return source === undefined
    ? fromStudy(file)
    : path.posix.join(`\0${variable}\0`, path.relative(project, file));
}

/** Returns a word for a shell, which replaces only the variables of needed projects in it. */
function typedWord(word: string): string {
  const parts = word.split("\0");
  return parts
    .map((part, index) =>
      index % 2 === 1 ? `"$${part}"` : part === "" && parts.length > 1 ? "" : shellWord(part),
    )
    .join("");
}

function notesOn({
  dependencies = [],
  namedEnvironment = {},
  environment = {},
  program,
}: Campaign): string[] {
  const elsewhere = dependencies.filter(({ source }) => source !== undefined);
  const unknown =
    program.kind === "project" ? [] : dependencies.filter(({ libraries }) => libraries === undefined);
  const variables = [...new Set([...Object.keys(environment), ...Object.keys(namedEnvironment)])];
  return [
    "It writes the same result files as the run, and uses the files of the study as they are now.",
    ...elsewhere.map(({ variable, name }) => `${variable} must contain the folder of ${name}.`),
    ...unknown.map(
      ({ name }) => `Add the libraries of ${name} with -l: their names are known only after its build.`,
    ),
    ...(variables.length > 0
      ? [`The campaign also set the environment variables ${variables.join(", ")}.`]
      : []),
  ];
}
