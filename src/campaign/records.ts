import { mkdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { errorCode } from "../errors.ts";
import type { Campaign } from "../model/campaign.ts";
import { RunRecordSchema, type RunRecord } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import { isTemporary, writeFileAtomically } from "../system/files.ts";
import { readJson } from "../system/json.ts";

const RecordTextSchema = v.pipe(v.string(), v.parseJson(), RunRecordSchema);

/** Where the results of a campaign are collected, on its user's machine. */
export function resultDirectoryOf({ directory, study, resultDirectory }: Campaign): string {
  return path.resolve(directory, study, resultDirectory);
}

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

/** The records of a campaign in run order, as far as they are there; what is not a record of ours is passed over. */
export async function readRecords(resultDirectory: string, campaign: string): Promise<RunRecord[]> {
  const folder = path.join(resultDirectory, ".swarm");
  const all = await readdir(folder).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return []; // nothing collected yet, or all thrown away
    throw error;
  });
  const names = all.filter((name) => name.endsWith(".json") && !isTemporary(name));
  const records: RunRecord[] = [];
  for (const name of names) {
    const parsed = v.safeParse(RecordTextSchema, await readFile(path.join(folder, name), "utf8"));
    if (parsed.success && parsed.output.campaign === campaign) records.push(parsed.output);
  }
  return records.sort((a, b) => a.runNumber - b.runNumber);
}

export async function writeRecord(resultDirectory: string, record: RunRecord): Promise<void> {
  const file = recordFile(resultDirectory, record);
  mkdirSync(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
}
