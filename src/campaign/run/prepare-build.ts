import { writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { BuildAnswer, Source } from "../../model/build.ts";
import type { CampaignEvent } from "../../model/events.ts";
import { PROTOCOL } from "../../model/protocol.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import type { SourceStore } from "../../stores/source-store.ts";
import { isUnchanged } from "../../project/build/own-build.ts";
import type { CampaignPlan } from "../plan/plan.ts";
import { plannedKey } from "../plan/plan-project.ts";
import { makeFolders } from "../../system/files.ts";
import { reports } from "../../system/reports.ts";
import type { CampaignSession } from "../collect/session.ts";

const LAST_LINES = 20;

/** What is needed to have something built on the swarm. */
export interface BuildSession extends Pick<CampaignSession, "queue" | "interrupt"> {
  builds: BuildStore;
  sources: SourceStore;
}

interface BuildPlan extends Pick<CampaignPlan, "build" | "ownBuild" | "gitTop"> {
  source: Source;
  /** Name of a project that the study's project needs. */
  name?: string;
}

/**
 * Provides the build for a plan: the user's own build, an existing one, or a new one.
 * @returns its key.
 * @throws {UserError} with the last lines of the log if the build fails.
 */
export async function* ensureBuild(
  plan: BuildPlan,
  { builds, sources, queue, interrupt }: BuildSession,
): AsyncGenerator<CampaignEvent, string> {
  const startedAt = performance.now();
  const key = plannedKey(plan);
  const { name } = plan;
  const built = (how: "own" | "kept" | "made"): CampaignEvent => {
    const tookMs = Math.round(performance.now() - startedAt);
    return { type: "built", key, how, tookMs, ...(name !== undefined && { project: name }) };
  };
  if (plan.ownBuild.ok) {
    const { products, targets, data, nedExclusions } = plan.ownBuild.build;
    const manifest = { protocol: PROTOCOL, products, targets, data, nedExclusions } as const;
    if (!(await isUnchanged(plan.ownBuild.build, plan.gitTop))) {
      throw new UserError(`the binaries in ${plan.gitTop} changed while the campaign was being prepared`, {
        hint: "run the command again",
      });
    }
    // no run may write to the user's own binaries
    await builds.put(key, plan.gitTop, manifest, { copies: true });
    yield built("own");
    return key;
  }
  await queue.keepRequest({ ...plan.build, source: plan.source });
  if (await builds.find(key)) {
    yield built("kept");
    return key;
  }
  const log = builds.logFile(key);
  yield { type: "building", key, project: name ?? nameOf(plan.build), reason: plan.ownBuild.reason, log };
  const request = { ...plan.build, source: plan.source };
  const answer = yield* reports<CampaignEvent, BuildAnswer>((report) =>
    queue.build(request, interrupt, (progress) => report({ type: "compiling", key, ...progress })),
  );
  if (!answer.ok) {
    if (!sources.sharesDisk) await keepLog(log, answer.log); // otherwise the builder has written it
    throw buildFailed(answer, log);
  }
  yield built("made");
  return key;
}

function nameOf({ project, checkoutName }: BuildPlan["build"]): string {
  return project === "" ? checkoutName : path.basename(project);
}

async function keepLog(file: string, text: string): Promise<void> {
  await makeFolders(path.dirname(file), 0o700);
  await writeFile(file, text);
}

/** A line in which a compiler or a linker reports an error; make's own lines only repeat that there was one. */
const ERROR_LINE = /^.*(?::\d+: (?:fatal )?error: |undefined reference to |: cannot find |Fatal error: ).*$/m;

function firstError(log: string): string | undefined {
  return ERROR_LINE.exec(log)?.[0].trim();
}

function buildFailed({ command, log, reason }: BuildAnswer & { ok: false }, file: string): UserError {
  if (reason !== undefined) return new UserError(`the swarm could not build the project: ${reason}`);
  const error = firstError(log);
  const what = error === undefined ? command : `${error}\n$ ${command}`;
  const lastLines = log.trimEnd().split("\n").slice(-LAST_LINES).join("\n");
  const hint = log === "" ? undefined : `see the build log ${file}`;
  return new UserError(`the build failed: ${what}\n${lastLines}`, { hint });
}
