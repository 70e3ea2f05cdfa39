import path from "node:path";
import { UserError } from "../../errors.ts";
import type { CampaignEvent } from "../../model/events.ts";
import type { Need } from "../../project/describe/needs.ts";
import type { DependencyPlan } from "./plan-project.ts";

/** Names the projects to which only the IDE refers and that are not on this machine: the campaign goes on without them. */
export function* warnOfLeftOut(leftOut: readonly Need[]): Generator<CampaignEvent> {
  for (const { name, statedIn, variable } of leftOut) {
    const message = `${statedIn} refers to the project ${name}, which was not found; ignoring it, because nothing seems to use it (if something does, set ${variable} to its folder)`;
    yield { type: "warning", message, details: [] };
  }
}

/** Names the projects that are here in another version than the one that is referred to. */
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

/** A shorter one means any that begins with it. */
function isSameVersion(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one === undefined || other === undefined || one.every((part, at) => (other[at] ?? part) === part);
}

/**
 * Passes on the events of a build. If it fails, the hint names what was left out.
 * @throws {UserError}
 */
export async function* namingLeftOut<T>(
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
