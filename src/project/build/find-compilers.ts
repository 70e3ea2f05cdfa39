import { realpath, stat } from "node:fs/promises";
import type { Compilers } from "../../model/build.ts";
import type { Environment } from "../../model/environment.ts";
import { findProgram } from "../../system/program.ts";

/** OMNeT++'s `configure` chooses one of these. Makefile.inc contains the chosen name, which is resolved through PATH. */
const NAMES = ["cc", "c++", "gcc", "g++", "clang", "clang++"];

/**
 * Returns the compilers that a build in an environment could use, by the names that Makefiles use: for each,
 * the file that PATH leads to, its size in bytes and its modification time in ms. An update, another module
 * or another conda environment changes the result.
 */
export async function findCompilers(environment: Environment): Promise<Compilers> {
  const named = ["CC", "CXX"].flatMap((variable) => environment[variable]?.trim().split(/\s+/, 1) ?? []);
  const names = [...new Set([...NAMES, ...named])].sort();
  const found = await Promise.all(names.map((name) => describeProgram(name, environment["PATH"])));
  return Object.fromEntries(names.flatMap((name, index) => (found[index] ? [[name, found[index]]] : [])));
}

async function describeProgram(name: string, searchPath = ""): Promise<string | undefined> {
  const program = await findProgram([name], searchPath);
  if (program === undefined) return undefined;
  try {
    const [file, { size, mtimeMs }] = await Promise.all([realpath(program), stat(program)]);
    return `${file} ${size} ${mtimeMs}`;
  } catch {
    return undefined; // removed just now, which is the same as missing
  }
}
