import { mkdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import * as v from "valibot";
import { errorCode } from "../../errors.ts";
import { RunRecordSchema, type RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { isTemporary, writeFileAtomically } from "../../system/files.ts";
import { readJson } from "../../system/json.ts";
import { boundedText } from "../../system/regular-file.ts";

/** A record names the files of one run. */
const MOST_BYTES = 1 << 26;

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

/** The record in a file; undefined if there is none, or another thing of this name. */
export function recordIn(file: string): RunRecord | undefined {
  const text = boundedText(file, MOST_BYTES);
  return text === undefined ? undefined : parseRecord(text);
}

/** So many records are read before anything else gets its turn. */
const CHUNK = 500;

/**
 * The records of all campaigns, as far as they are there; what is not a record of ours is passed over. Reading is
 * synchronous: for 100,000 runs that takes a third of the time.
 */
export async function* allRecords(resultDirectory: string): AsyncGenerator<RunRecord> {
  const folder = path.join(resultDirectory, ".swarm");
  const all = await readdir(folder).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return []; // nothing collected yet, or all thrown away
    throw error;
  });
  const names = all.filter((each) => each.endsWith(".json") && !isTemporary(each));
  for (const [at, name] of names.entries()) {
    if (at % CHUNK === 0) await setImmediate();
    const record = recordIn(path.join(folder, name));
    if (record !== undefined) yield record;
  }
}

/** Those of a campaign, in run order. */
export async function readRecords(resultDirectory: string, campaign: string): Promise<RunRecord[]> {
  const records: RunRecord[] = [];
  for await (const record of allRecords(resultDirectory))
    if (record.campaign === campaign) records.push(record);
  return records.sort((a, b) => a.runNumber - b.runNumber);
}

export async function writeRecord(resultDirectory: string, record: RunRecord): Promise<void> {
  const file = recordFile(resultDirectory, record);
  mkdirSync(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
}
