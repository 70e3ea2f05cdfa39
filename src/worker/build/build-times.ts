import { mkdir } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import type { BuildRequest } from "../../model/build.ts";
import { shortHash } from "../../short-hash.ts";
import { readTextIfExists, writeFileAtomically } from "../../system/files.ts";
import { parseJsonOrUndefined } from "../../system/json.ts";

const BuildTimeSchema = v.object({ tookMs: v.number() });

/** Returns the file with the duration of the last build of a project, whatever its sources were. */
function fileOf(directory: string, { checkoutName, project, mode }: BuildRequest): string {
  const name = shortHash(JSON.stringify([checkoutName, project, mode]));
  return path.join(directory, "times", `${name}.json`);
}

/** Returns the duration in ms of the last successful build of a project on this machine; undefined if it is unknown. */
export async function lastBuildTime(directory: string, request: BuildRequest): Promise<number | undefined> {
  const text = await readTextIfExists(fileOf(directory, request)).catch(() => undefined);
  const parsed = v.safeParse(BuildTimeSchema, parseJsonOrUndefined(text));
  return parsed.success ? parsed.output.tookMs : undefined;
}

/** Notes the duration of a build. It only serves an estimate, so an error is ignored. */
export async function noteBuildTime(directory: string, request: BuildRequest, tookMs: number): Promise<void> {
  const file = fileOf(directory, request);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomically(file, JSON.stringify({ tookMs }));
  } catch {
    // the next build has no estimate
  }
}
