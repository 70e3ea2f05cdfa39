import type { Campaign } from "../../model/campaign.ts";
import { attemptOf } from "../../model/names.ts";
import type { RunRecord, RunResult } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";

/** What was stored of a run in the study; paths are relative to the study. */
interface StoredFiles {
  files: RunRecord["files"];
  folders: string[];
  outputFile: string | undefined;
}

/** Returns the record of a run. */
export function createRecord(
  { id, source, commit, changedFiles, buildKey, identity, omnetpp, arguments: args }: Campaign,
  run: Run,
  result: RunResult,
  { files, folders, outputFile }: StoredFiles,
): RunRecord {
  return {
    format: 1,
    campaign: id,
    ...run,
    ...result.outcome,
    ...result.usage,
    startedAt: new Date(result.startedAt).toISOString(),
    finishedAt: new Date(result.finishedAt).toISOString(),
    worker: result.worker,
    ...(result.stored !== undefined && { attempt: attemptOf(result.stored) }),
    commit: commit ?? source.commit,
    ...(changedFiles !== undefined && { changedFiles }),
    ...(source.tree !== undefined && { tree: source.tree }),
    build: buildKey,
    ...(identity !== undefined && { identity }),
    omnetpp: omnetpp.version,
    arguments: args,
    files,
    ...(folders.length > 0 && { folders }),
    ...(outputFile !== undefined && { outputFile }),
  };
}
