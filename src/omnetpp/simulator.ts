import { realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { Mode } from "../model/build.ts";
import { runProgram, type ProgramOptions } from "../system/program.ts";

/** The programs that can load any model library, in the order in which they are searched for. */
export const SIMULATORS = ["opp_run", "opp_run_release", "opp_run_dbg"];

/** Returns the simulators that can load models built in a mode, in the order in which they are searched for. */
export function simulatorsFor(mode: Mode): string[] {
  return mode === "debug" ? ["opp_run_dbg"] : ["opp_run_release", "opp_run"];
}

/** Returns the mode of a simulation program or library, from its name without the extension. */
export function modeOf(name: string): Mode {
  return name.endsWith("_dbg") ? "debug" : "release";
}

/** Returns whether a file in OMNeT++'s folders `bin` and `lib` is the simulator or one of its libraries. */
export function isPartOfSimulator(name: string): boolean {
  return /^(?:opp_run|libopp)/.test(name);
}

/**
 * Returns the path that a library of OMNeT++ has beside a simulator.
 * @param name as in `envir`.
 */
export async function simulatorLibrary(simulator: string, name: string, mode: Mode): Promise<string> {
  const file = `libopp${name}${mode === "debug" ? "_dbg" : ""}.so`;
  return path.join(path.dirname(await realpath(simulator)), "..", "lib", file);
}

/** Returns the version in the text of OMNeT++'s file `Version`: `omnetpp-6.2.0`. */
export function versionIn(text: string): string | undefined {
  return /^omnetpp-(\S+)/.exec(text)?.[1];
}

/**
 * Returns the version of a simulation program's OMNeT++: `6.2.0`.
 * @throws {UserError} if the program does not print it.
 * @see `opp_run -v`, which prints `Version: 6.2.0, build: …`.
 */
export async function omnetppVersion(program: string, options: ProgramOptions = {}): Promise<string> {
  const version = await versionOf(program, options);
  if (version !== undefined) return version;
  throw new UserError(`${program} -v does not print its version`, {
    hint: "check that it is a simulation program of OMNeT++ 6",
  });
}

/** Returns the version of a simulation program's OMNeT++; undefined if the program does not print it. */
export async function versionOf(program: string, options: ProgramOptions = {}): Promise<string | undefined> {
  const { stdout } = await runProgram(program, ["-v"], options);
  return /^Version: ([^,\s]+)/m.exec(stdout)?.[1];
}

/**
 * Returns whether two versions have the same minor version: models may behave differently in 6.1 and 6.2, but
 * not in 6.2.0 and 6.2.1.
 */
export function isSameMinor(one: string, other: string): boolean {
  return minor(one) === minor(other);
}

function minor(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}
