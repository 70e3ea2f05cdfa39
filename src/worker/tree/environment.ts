import path from "node:path";
import type { Omnetpp } from "../../model/build.ts";
import { passedOnVariables, type Environment } from "../../model/environment.ts";
import { lstatIfExists } from "../../system/files.ts";
import { runProgram } from "../../system/program.ts";
import type { ProvidedDependency } from "./dependencies.ts";

export interface EnvironmentRequest {
  /** Absolute path of the project's folder in the working tree. */
  project: string;
  omnetpp: Omnetpp;
  environment?: Environment | undefined;
  /**
   * Variables that the user named: they replace others of the same name, but search paths are extended by the
   * worker.
   */
  named?: Environment | undefined;
  /** The client's environment; undefined on another machine, where the worker's own is used. */
  client?: Environment | undefined;
  /** Needed projects, each after those that it needs itself. */
  dependencies?: readonly ProvidedDependency[];
}

/**
 * Returns the environment in which a project is built and executed: that of the client, or the worker's own
 * without the variables that belong to a terminal. OMNeT++'s programs come first on PATH. Then the `setenv`
 * scripts of needed projects and of the project itself are sourced, as their users do (INET's Makefile needs
 * that).
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
  const inherited: NodeJS.ProcessEnv = { ...(client ?? passedOnVariables(process.env)), ...named };
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

/** Options to try in turn: a script may refuse a shell that is not interactive, for which Simu5G's has `-f`. */
const SETENV_OPTIONS = ["-q", "-f"];

async function withSetenv(env: NodeJS.ProcessEnv, project: string): Promise<NodeJS.ProcessEnv> {
  if (!(await lstatIfExists(path.join(project, "setenv")))?.isFile()) return env;
  const script = 'cd -- "$1" && . ./setenv "$2" >/dev/null 2>&1; env -0';
  for (const option of SETENV_OPTIONS) {
    const args = ["--norc", "-c", script, "bash", project, option];
    const { exitCode, stdout } = await runProgram("bash", args, { env });
    if (exitCode === 0) return parseEnvironment(stdout);
  }
  return env; // a failing setenv does not stop the build, as in the user's shell
}

/** Parses the output of `env -0`. */
function parseEnvironment(stdout: string): NodeJS.ProcessEnv {
  const pairs = stdout.split("\0").flatMap((line) => {
    const equals = line.indexOf("=");
    return equals > 0 ? [[line.slice(0, equals), line.slice(equals + 1)] as const] : [];
  });
  return Object.fromEntries(pairs.filter(([name]) => !["_", "PWD", "OLDPWD", "SHLVL"].includes(name)));
}

/** Returns an environment in which the project's libraries are found, whatever paths the linker has recorded. */
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
