import path from "node:path";
import type { Omnetpp } from "../model/build.ts";
import { statIfThere } from "../system/files.ts";
import { runProgram } from "../system/program.ts";

/** How the worker reaches its servers: nothing for the programs of a project. */
const SECRETS = ["REDIS_URL", "REDIS_URL_FILE", "MONGO_URL", "MONGO_URL_FILE"];

/**
 * The environment in which a project is built and run: OMNeT++'s programs first on PATH, then what the
 * project's own `setenv` says, as its users source it (INET's Makefile needs it).
 * @param project absolute path of the project's folder in the working tree.
 * @see INET's and Simu5G's installation guides: `. setenv`.
 */
export async function projectEnvironment(
  project: string,
  omnetpp: Omnetpp,
  inherited: NodeJS.ProcessEnv = process.env,
): Promise<NodeJS.ProcessEnv> {
  const folders = [omnetpp.binDirectory, inherited["PATH"]].filter((folder) => folder !== undefined);
  const known = Object.entries(inherited).filter(([name]) => !SECRETS.includes(name));
  const env = { ...Object.fromEntries(known), PATH: folders.join(path.delimiter) };
  if (!(await statIfThere(path.join(project, "setenv")))?.isFile()) return env;
  const script = 'cd -- "$1" && . ./setenv -q >/dev/null 2>&1; env -0';
  const { exitCode, stdout } = await runProgram("bash", ["--norc", "-c", script, "bash", project], { env });
  if (exitCode !== 0) return env; // a setenv that fails leaves what there is, as in the user's shell
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
  const libraries = products.filter((file) => /\.(so|dylib)$/.test(file));
  const folders = [...new Set(libraries.map((file) => path.dirname(path.join(tree, file))))];
  if (folders.length === 0) return env;
  const variable = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return { ...env, [variable]: [...folders, ...(env[variable] ? [env[variable]] : [])].join(path.delimiter) };
}
