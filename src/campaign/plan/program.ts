import { realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Mode } from "../../model/build.ts";
import type { Program } from "../../model/campaign.ts";
import { modeOf, SIMULATORS, versionOf } from "../../omnetpp/simulator.ts";
import { findProgram, isExecutable, isScript } from "../../system/program.ts";
import { isInside } from "../../system/paths.ts";

/** The simulation program, here and on the workers. */
export interface SimulationProgram {
  /** What expands the runs here. */
  local: string;
  /** Folder of OMNeT++'s own programs, where it is on PATH. */
  binDirectory?: string;
  /** Undefined: what the build makes decides. */
  remote: Program | undefined;
  mode: Mode;
}

/**
 * Finds the simulation program.
 * @param typed as the user typed it, or undefined: then `opp_run`, or the program that the project builds.
 * @throws {UserError} where it is missing, or lies outside of the checkout.
 */
export async function findSimulationProgram(
  typed: string | undefined,
  study: string,
  top: string,
): Promise<SimulationProgram> {
  const named = typed !== undefined && SIMULATORS.includes(path.basename(typed));
  const simulator = await findProgram(named ? [typed] : SIMULATORS);
  const omnetpp = simulator === undefined ? {} : { binDirectory: path.dirname(simulator) };
  if (typed === undefined || named) {
    if (simulator === undefined) throw withoutSimulator(typed);
    const mode = modeOf(simulator);
    return { local: simulator, ...omnetpp, mode, remote: named ? { kind: "opp_run" } : undefined };
  }
  const file = await programFile(typed, study, top);
  const mode = modeOf(file);
  const isReady = (await isExecutable(file)) && (simulator === undefined || (await canSimulate(file, study)));
  const local = isReady ? file : simulator; // where it is yet to be built, any simulator will do
  if (local === undefined) throw withoutSimulator(undefined);
  return { local, ...omnetpp, mode, remote: { kind: "project", path: path.relative(top, file) } };
}

async function programFile(typed: string, study: string, top: string): Promise<string> {
  const place = typed.includes("/") ? path.resolve(study, typed) : await findProgram([typed]);
  if (place === undefined) {
    throw new UserError(`${typed}: command not found`, {
      hint: `for the program in this folder, type ./${typed}`,
    });
  }
  const file = await realFile(place);
  if (isInside(top, file)) return file;
  throw new UserError(`the simulation program ${typed} is ${file}, outside the checkout ${top}`, {
    hint: "use a program inside the checkout: workers have only the tracked files and what they build from them",
  });
}

/** A script may start a program that is yet to be built, and do nothing then. */
async function canSimulate(file: string, study: string): Promise<boolean> {
  if (!(await isScript(file))) return true;
  return (await versionOf(file, { cwd: study }).catch(() => undefined)) !== undefined;
}

async function realFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return file; // it is yet to be built
  }
}

function withoutSimulator(typed: string | undefined): UserError {
  const missing = typed !== undefined && SIMULATORS.includes(typed) ? typed : SIMULATORS.join(", ");
  return new UserError(`OMNeT++ is not in PATH: ${missing}: command not found`, {
    hint: "in this terminal, run: source <OMNeT++ folder>/setenv",
  });
}
