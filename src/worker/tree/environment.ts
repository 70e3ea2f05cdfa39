import path from "node:path";
import type { Omnetpp } from "../../model/build.ts";
import { travelling, type Environment } from "../../model/environment.ts";
import { statIfThere } from "../../system/files.ts";
import { runProgram } from "../../system/program.ts";
import type { ProvidedDependency } from "./dependencies.ts";

export interface EnvironmentRequest {
  /** Absolute path of the project's folder in the working tree. */
  project: string;
  omnetpp: Omnetpp;
  environment?: Environment | undefined;
  /** Named by the user: they replace variables of the same name, but search paths are put together with ours. */
  named?: Environment | undefined;
  /** Of the client that asks; undefined on another machine, where this worker's own is taken. */
  client?: Environment | undefined;
  /** Each after what it needs in turn. */
  dependencies?: readonly ProvidedDependency[];
}

/**
 * The environment in which a project is built and run: that of the client, or of this worker without what never
 * travels; OMNeT++'s programs first on PATH, then what the project's own `setenv` says, as its users source it (INET's Makefile needs it), after those of the projects
 * that it needs.
 * @see INET's and Simu5G's installation guides: `. setenv`.
 */
export async function projectEnvironment({
  project,
  omnetpp,
  environment,
  named = {},
  client,
  dependencies = [],
}: EnvironmentRequest): Promise<NodeJS.ProcessEnv> {
  const inherited: NodeJS.ProcessEnv = { ...(client ?? travelling(process.env)), ...named };
  const folders = [omnetpp.binDirectory, inherited["PATH"]].filter((folder) => folder !== undefined);
  let env: NodeJS.ProcessEnv = { ...inherited, PATH: folders.join(path.delimiter) };
  for (const { dependency, top, manifest } of dependencies) {
    const folder = path.join(top, dependency.project);
    env = { ...(await withSetenv(env, folder)), [dependency.variable]: folder };
    env = withLibraryPath({ ...env, ...filledIn(dependency.environment, folder) }, top, manifest.products);
  }
  const fixed = Object.entries(named).filter(([name]) => !name.endsWith("PATH"));
  return {
    ...(await withSetenv(env, project)),
    ...filledIn(environment, project),
    ...Object.fromEntries(fixed),
  };
}

function filledIn(environment: Environment = {}, project: string): Environment {
  const entries = Object.entries(environment);
  return Object.fromEntries(entries.map(([name, value]) => [name, value.replaceAll("${project}", project)]));
}

/** A script may refuse a shell that is not interactive; Simu5G's takes `-f` for that. */
const SETENV_OPTIONS = ["-q", "-f"];

async function withSetenv(env: NodeJS.ProcessEnv, project: string): Promise<NodeJS.ProcessEnv> {
  if (!(await statIfThere(path.join(project, "setenv")))?.isFile()) return env;
  const script = 'cd -- "$1" && . ./setenv "$2" >/dev/null 2>&1; env -0';
  for (const option of SETENV_OPTIONS) {
    const args = ["--norc", "-c", script, "bash", project, option];
    const { exitCode, stdout } = await runProgram("bash", args, { env });
    if (exitCode === 0) return parse(stdout);
  }
  return env; // a setenv that fails leaves what there is, as in the user's shell
}

/** What `env -0` prints. */
function parse(stdout: string): NodeJS.ProcessEnv {
  const pairs = stdout.split("\0").flatMap((line) => {
    const equals = line.indexOf("=");
    return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1)] as const] : [];
  });
  return Object.fromEntries(pairs.filter(([name]) => !["_", "PWD", "OLDPWD", "SHLVL"].includes(name)));
}

/** The same with the project's libraries found, wherever the linker wrote down that they were. */
export function withLibraryPath(
  env: NodeJS.ProcessEnv,
  tree: string,
  products: readonly string[],
): NodeJS.ProcessEnv {
  const folders = [...new Set(products.filter(isLibrary).map((file) => path.dirname(path.join(tree, file))))];
  if (folders.length === 0) return env;
  const variable = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return { ...env, [variable]: [...folders, ...(env[variable] ? [env[variable]] : [])].join(path.delimiter) };
}

function isLibrary(file: string): boolean {
  return /\.(?:so|dylib)(?:\.\d+)*$/.test(file);
}
