import { readdir } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { readTextIfExists } from "../../system/files.ts";
import { LiteralError, parseLiteralCall, type Literal, type LiteralCall } from "./python-literal.ts";
import type { Target } from "../../omnetpp/targets.ts";

/**
 * The properties of a project in an `.opp` file; undefined if not given. Paths are relative to its folder.
 */
export interface OppFile {
  file: string;
  name: string | undefined;
  nedFolders: string[] | undefined;
  nedExclusions: string[] | undefined;
  targets: Target[] | undefined;
  usedProjects: string[] | undefined;
}

const KIND = "SimulationProject";

/**
 * Returns the names of a folder's `.opp` files: first `.opp`,
 * then the one named after the folder, then the others.
 */
async function oppFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const own = [".opp", `${path.basename(folder)}.opp`];
  const rank = (name: string): number => own.indexOf(name) >>> 0;
  return names.filter((name) => name.endsWith(".opp")).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/**
 * Returns the content of the `.opp` file that describes the project in a folder.
 * @throws {UserError} with file and line, if the file is not a single call with literal arguments.
 * @see opp_repl, "Project Descriptor Files (.opp)".
 */
export async function readOppFile(folder: string): Promise<OppFile | undefined> {
  for (const name of await oppFilesIn(folder)) {
    const file = path.join(folder, name);
    const call = parse(file, (await readTextIfExists(file)) ?? "");
    if (call.name === KIND && isDescribed(call, folder)) return describe(file, call);
  }
  return undefined;
}

function parse(file: string, text: string): LiteralCall {
  try {
    return parseLiteralCall(text);
  } catch (error) {
    if (!(error instanceof LiteralError)) throw error;
    throw new UserError(`${file}:${error.line}: ${error.message}`, {
      hint: `an .opp file is one call whose arguments are literals: ${KIND}(name="…", ned_folders=["…"])`,
      cause: error,
    });
  }
}

/**
 * Returns whether an `.opp` file describes the project in its own folder; a collection of `.opp` files
 * describes projects elsewhere.
 */
function isDescribed({ arguments: given }: LiteralCall, folder: string): boolean {
  const root = given.get("root_folder");
  if (typeof root === "string") return path.resolve(folder, root) === folder;
  const variable = given.get("root_folder_environment_variable");
  if (typeof variable !== "string") return true;
  const relative = textOf(given.get("root_folder_environment_variable_relative_folder")) ?? ".";
  const value = process.env[variable];
  return value === undefined ? relative === "." : path.resolve(value, relative) === folder;
}

function describe(file: string, { arguments: given }: LiteralCall): OppFile {
  const texts = (key: string): string[] | undefined => {
    const value = given.get(key);
    if (value === undefined || value === null) return undefined;
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
    throw new UserError(`${file}: ${key}: it must be a list of strings`);
  };
  const name = textOf(given.get("name"));
  return {
    file,
    name,
    nedFolders: texts("ned_folders"),
    nedExclusions: texts("ned_exclusions"),
    targets: targets(name, given, texts),
    usedProjects: texts("used_projects"),
  };
}

/**
 * Returns the targets. `build_types` gives their kind; without it, the kind follows from whether libraries or
 * executables are listed.
 */
function targets(
  name: string | undefined,
  given: LiteralCall["arguments"],
  texts: (key: string) => string[] | undefined,
): Target[] | undefined {
  const libraries = texts("dynamic_libraries");
  const executables = texts("executables");
  const [type] = texts("build_types") ?? [];
  if (type === undefined && libraries === undefined && executables === undefined) return undefined;
  const fallback = name === undefined ? [] : [name];
  if (type === "static library") return [];
  const isProgram = type === undefined ? libraries === undefined : type === "executable";
  const folder = textOf(given.get(isProgram ? "bin_folder" : "library_folder")) ?? ".";
  const names = (isProgram ? executables : libraries) ?? fallback;
  return names.map((each) => ({ kind: isProgram ? "executable" : "library", folder, name: each }));
}

function textOf(value: Literal | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
