import type { Environment, Terminal } from "../../model/environment.ts";
import { describeProject, type ProjectDescriptor } from "../../project/describe/descriptor.ts";
import { openCheckout, type Checkout } from "../../project/git/git.ts";
import type { Need } from "../../project/describe/needs.ts";
import { parseSimulationArguments, type SimulationArguments } from "../../omnetpp/opp-args.ts";
import { ownTerminal } from "../../omnetpp/resource-limits.ts";
import { findDependencies, type FoundDependency } from "./dependencies.ts";
import { namedPaths } from "./named-paths.ts";
import type { CampaignRequest } from "./request.ts";
import { findSimulationProgram, type SimulationProgram } from "./program.ts";
import { studyDirectory } from "./study-directory.ts";

/** The study in the user's folder, and what the user typed. */
export interface StudyContext {
  checkout: Checkout;
  study: string;
  project: ProjectDescriptor;
  dependencies: FoundDependency[];
  leftOut: readonly Need[];
  program: SimulationProgram;
  args: SimulationArguments;
  /** Variables for runs and builds that the user named with `--env`. */
  named: Environment;
  terminal: Terminal;
}

/**
 * Finds the study, its checkout, its project, the program, and the projects that are needed.
 * @yields what each step has found.
 * @throws {UserError} for everything that the user has to fix first.
 */
export async function* locateStudy(
  request: CampaignRequest,
  signal?: AbortSignal,
): AsyncGenerator<Partial<StudyContext>, StudyContext> {
  const args = parseSimulationArguments(request.arguments);
  const named = request.environment ?? {};
  const study = await studyDirectory(request.directory, args);
  yield { args, study };
  const checkout = await openCheckout(study, signal);
  yield { checkout };
  const { top } = checkout;
  const project = await describeProject(top, study, () => namedPaths(study, request.program, args));
  yield { project };
  const program = await findSimulationProgram(request.program, study, top);
  yield { program };
  const needs = await findDependencies({ checkout, project }, { say: request.say, signal });
  yield needs;
  return { checkout, study, project, ...needs, program, args, named, terminal: ownTerminal() };
}

/**
 * Returns the study, like `locateStudy`, without reporting the steps.
 * @throws {UserError} for everything that the user has to fix first.
 */
export async function findStudyContext(
  request: CampaignRequest,
  signal?: AbortSignal,
): Promise<StudyContext> {
  const steps = locateStudy(request, signal);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
  }
}
