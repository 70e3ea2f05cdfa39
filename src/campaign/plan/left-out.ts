import path from "node:path";
import { UserError } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { Need } from "../../project/describe/needs.ts";
import type { DependencyPlan } from "./plan-project.ts";

/**
 * Warns of projects to which only the IDE refers and that do not exist on this machine: the campaign
 * continues without them.
 */
export function* warnOfLeftOut(leftOut: readonly Need[]): Generator<CampaignEvent> {
  for (const { name, statedIn, variable } of leftOut) {
    const message = `${statedIn} refers to the project ${name}, which was not found; ignoring it, because nothing seems to use it (if something does, set ${variable} to its folder)`;
    yield { type: "warning", message, details: [] };
  }
}

/** Warns of projects that exist in another version than the required one. */
export function* warnOfVersions(dependencies: readonly DependencyPlan[]): Generator<CampaignEvent> {
  for (const { about, gitTop, project } of dependencies) {
    const root = path.join(gitTop, project.folder);
    if (isSameVersion(versionIn(about.name), versionIn(path.basename(root)))) continue;
    const message = `the project needs ${about.name}; using ${root}, which seems to be another version; to use another one, set ${about.variable}`;
    yield { type: "warning", message, details: [] };
  }
}

function versionIn(name: string): string[] | undefined {
  return /\d+(?:\.\d+)*$/.exec(name)?.[0].split(".");
}

/** Returns whether versions agree; a shorter version stands for all versions that begin with it. */
function isSameVersion(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return (
    one === undefined || other === undefined || one.every((part, index) => (other[index] ?? part) === part)
  );
}

/**
 * Yields the events of a build. If it fails, the hint names the projects that were left out.
 * @throws {UserError} if the build fails.
 */
export async function* withLeftOutHint<T>(
  building: AsyncGenerator<CampaignEvent, T>,
  leftOut: readonly Need[],
): AsyncGenerator<CampaignEvent, T> {
  try {
    return yield* building;
  } catch (error) {
    if (!(error instanceof UserError) || leftOut.length === 0) throw error;
    const names = leftOut.map(({ name, variable }) => `${name} (${variable})`).join(", ");
    const about = `projects not found and ignored: ${names}`;
    const hint = error.hint === undefined ? about : `${error.hint}; ${about}`;
    throw new UserError(error.message, { hint, cause: error });
  }
}
