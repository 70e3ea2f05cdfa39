import { realpath } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { Mode } from "../model/build.ts";
import type { Program } from "../model/campaign.ts";
import { targetFile, type ProjectDescriptor } from "../project/descriptor.ts";
import { findProgram, isExecutable } from "../system/program.ts";
import { isInside } from "../system/paths.ts";

const SIMULATORS = ["opp_run", "opp_run_release", "opp_run_dbg"];

/** The simulation program, here and on the workers. */
export interface SimulationProgram {
  /** What expands the runs here. */
  local: string;
  /** Folder of OMNeT++'s own programs. */
  binDirectory: string;
  remote: Program;
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
  project: ProjectDescriptor,
): Promise<SimulationProgram> {
  const simulator = await findProgram(
    typed !== undefined && SIMULATORS.includes(path.basename(typed)) ? [typed] : SIMULATORS,
  );
  if (simulator === undefined) throw withoutSimulator(typed);
  const binDirectory = path.dirname(simulator);
  if (typed === undefined || SIMULATORS.includes(path.basename(typed))) {
    const mode = path.basename(simulator) === "opp_run_dbg" ? "debug" : "release";
    return { local: simulator, binDirectory, mode, remote: remoteSimulator(project, mode, typed) };
  }
  const file = await realFile(
    typed.includes("/") ? path.resolve(study, typed) : ((await findProgram([typed])) ?? typed),
  );
  if (!path.isAbsolute(file))
    throw new UserError(`${typed}: command not found`, { hint: `a program of this folder is ./${typed}` });
  if (!isInside(top, file)) {
    throw new UserError(`the simulation program ${typed} is ${file}, outside of the checkout ${top}`, {
      hint: "the workers have what git tracks, and what they build from it",
    });
  }
  const mode = /_dbg$/.test(file) ? "debug" : "release";
  const remote: Program = { kind: "project", path: path.relative(top, file) };
  return { local: (await isExecutable(file)) ? file : simulator, binDirectory, mode, remote };
}

/** A project that builds a program of its own is run by that: its modules are in no library. */
function remoteSimulator(project: ProjectDescriptor, mode: Mode, typed: string | undefined): Program {
  const executables = project.targets.filter((target) => target.kind === "executable");
  if (typed !== undefined || executables.length !== 1 || executables.length < project.targets.length) {
    return { kind: "opp_run" };
  }
  return { kind: "project", path: targetFile(executables[0]!, mode) };
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
  return new UserError(`OMNeT++ is not on PATH: no ${missing}`, {
    hint: "set OMNeT++ up in this terminal: source <the OMNeT++ folder>/setenv",
  });
}
