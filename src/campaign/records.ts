import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { RunRecordSchema, type RunRecord } from "../model/result.ts";
import type { Run } from "../model/run.ts";
import { isTemporary, writeFileAtomically } from "../system/files.ts";
import { readJson } from "../system/json.ts";

const RecordTextSchema = v.pipe(v.string(), v.parseJson(), RunRecordSchema);

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

/** The text of a record; undefined where it is damaged. */
export function parseRecord(text: string): RunRecord | undefined {
  const parsed = v.safeParse(RecordTextSchema, text);
  return parsed.success ? parsed.output : undefined;
}

/** The records of a campaign in run order; what is not a record of ours is passed over. */
export async function readRecords(resultDirectory: string, campaign: string): Promise<RunRecord[]> {
  return (await readAllRecords(resultDirectory)).filter((record) => record.campaign === campaign);
}

/** The records of all campaigns, sorted by run number. */
export async function readAllRecords(resultDirectory: string): Promise<RunRecord[]> {
  const folder = path.join(resultDirectory, ".swarm");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json") && !isTemporary(name));
  const records: RunRecord[] = [];
  for (const name of names) {
    const record = parseRecord(await readFile(path.join(folder, name), "utf8"));
    if (record !== undefined) records.push(record);
  }
  return records.sort((a, b) => a.runNumber - b.runNumber);
}

export async function writeRecord(resultDirectory: string, record: RunRecord): Promise<void> {
  const file = recordFile(resultDirectory, record);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
}

/** SHA-256 of a file; of a symbolic link its target's name is hashed, as git does. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  if ((await lstat(file)).isSymbolicLink()) return hash.update(await readlink(file)).digest("hex");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
