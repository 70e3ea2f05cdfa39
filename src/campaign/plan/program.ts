import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { nearest } from "../../model/near.ts";
import type { Mode } from "../../model/build.ts";
import type { Program } from "../../model/campaign.ts";
import { modeOf, SIMULATORS, versionOf } from "../../omnetpp/simulator.ts";
import { findProgram, isExecutable, isScript } from "../../system/program.ts";
import { isInside } from "../../system/paths.ts";

/** The simulation program, on this machine and on the workers. */
export interface SimulationProgram {
  /** The program that lists the runs on this machine. */
  local: string;
  /** Folder of OMNeT++'s own programs, if it is in PATH. */
  binDirectory?: string;
  /** The program on the workers; undefined: the products of the build decide. */
  remote: Program | undefined;
  mode: Mode;
}

/**
 * Finds the simulation program.
 * @param typed as typed by the user; undefined: `opp_run`, or the program that the project builds.
 * @param top git top level, absolute.
 * @throws {UserError} if the program is missing, or is outside the checkout.
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
  // if the program is not built yet, any simulator can list the runs
  const local = isReady ? file : simulator;
  if (local === undefined) throw withoutSimulator(undefined);
  return { local, ...omnetpp, mode, remote: { kind: "project", path: path.relative(top, file) } };
}

async function programFile(typed: string, study: string, top: string): Promise<string> {
  const place = typed.includes("/") ? path.resolve(study, typed) : await findProgram([typed]);
  if (place === undefined) {
    const [near] = nearest(typed, [...SIMULATORS, ...(await executablesIn(study))]);
    const name = near === undefined || SIMULATORS.includes(near) ? near : `./${near}`;
    throw new UserError(`${typed}: command not found`, {
      hint:
        name === undefined ? `to execute a config, run: runall-swarm -c ${typed}` : `did you mean ${name}?`,
    });
  }
  const file = await realFile(place);
  if (isInside(top, file)) return file;
  throw new UserError(`the simulation program ${typed} is ${file}, outside the checkout ${top}`, {
    hint: "use a program inside the checkout: workers have only the tracked files and what they build from them",
  });
}

/** Returns the names of the executable files of a folder. */
export async function executablesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries)
    if (!entry.isDirectory() && (await isExecutable(path.join(folder, entry.name)))) found.push(entry.name);
  return found;
}

/** Returns whether a program prints its version; a script may start a program that is not built yet. */
async function canSimulate(file: string, study: string): Promise<boolean> {
  if (!(await isScript(file))) return true;
  return (await versionOf(file, { cwd: study }).catch(() => undefined)) !== undefined;
}

async function realFile(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return file; // not built yet
  }
}

function withoutSimulator(typed: string | undefined): UserError {
  const missing = typed !== undefined && SIMULATORS.includes(typed) ? typed : SIMULATORS.join(", ");
  return new UserError(`OMNeT++ is not in PATH: ${missing}: command not found`, {
    hint: "in this terminal, run: source <OMNeT++ folder>/setenv",
  });
}
