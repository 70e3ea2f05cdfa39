import { mkdir } from "node:fs/promises";
import path from "node:path";
import { RunRecordSchema, type RunRecord } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import { writeFileAtomically } from "../system/files.ts";
import { readJson } from "../system/json.ts";

/** Where the record of a run lies. */
export function recordFile(resultDirectory: string, run: Pick<Run, "config" | "runNumber">): string {
  return path.join(resultDirectory, ".swarm", `${run.config}-${run.runNumber}.json`);
}

export function readRecord(
  resultDirectory: string,
  run: Pick<Run, "config" | "runNumber">,
): Promise<RunRecord | undefined> {
  return readJson(recordFile(resultDirectory, run), RunRecordSchema);
}

export async function writeRecord(resultDirectory: string, record: RunRecord): Promise<void> {
  const file = recordFile(resultDirectory, record);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
}
