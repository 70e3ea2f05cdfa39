import { mkdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import * as v from "valibot";
import { errorCode, UserError } from "../../errors.ts";
import { RunRecordSchema, type RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { isTemporary, writeFileAtomically } from "../../system/files.ts";
import { readJson } from "../../system/json.ts";
import { boundedText } from "../../system/regular-file.ts";

/** Maximum size of a record; it contains the names of one run's files. */
const MOST_BYTES = 1 << 26;

const RecordTextSchema = v.pipe(v.string(), v.parseJson(), RunRecordSchema);

/** Returns the path of a run's record. */
export function recordFile(resultDirectory: string, run: Pick<Run, "config" | "runNumber">): string {
  return path.join(resultDirectory, ".swarm", `${run.config}-${run.runNumber}.json`);
}

/**
 * Returns the record of a run; undefined if there is none.
 * @throws {UserError} if it is damaged.
 */
export function readRecord(
  resultDirectory: string,
  run: Pick<Run, "config" | "runNumber">,
): Promise<RunRecord | undefined> {
  return readJson(recordFile(resultDirectory, run), RunRecordSchema);
}

/** Returns the record in a text; undefined if it is damaged. */
export function parseRecord(text: string): RunRecord | undefined {
  const parsed = v.safeParse(RecordTextSchema, text);
  return parsed.success ? parsed.output : undefined;
}

/** Returns the record in a file; undefined if there is none, or the file is not a record. */
export function readRecordFile(file: string): RunRecord | undefined {
  const text = boundedText(file, MOST_BYTES);
  return text === undefined ? undefined : parseRecord(text);
}

/** A file in the place of a record is not the record of that run. */
export class DamagedRecord extends UserError {
  override name = "DamagedRecord";
}

/**
 * Returns the record in a file; undefined if there is none.
 * @throws {DamagedRecord} if the file is not the record of the run in its name.
 */
export function recordIn(file: string): RunRecord | undefined {
  const text = boundedText(file, MOST_BYTES);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record !== undefined && path.basename(recordFile("", record)) === path.basename(file)) return record;
  throw new DamagedRecord(`${file} is damaged`, { hint: "remove it; its run is then executed again" });
}

/** Number of records to read before yielding to the event loop. */
const CHUNK = 500;

/**
 * Yields the existing records of all campaigns; files that are not records are ignored. Synchronous reading
 * takes a third of the time for 100,000 runs.
 */
export async function* allRecords(resultDirectory: string): AsyncGenerator<RunRecord> {
  const folder = path.join(resultDirectory, ".swarm");
  const all = await readdir(folder).catch((error: unknown) => {
    // nothing is collected yet, or everything was deleted
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return [];
    throw error;
  });
  const names = all.filter((each) => each.endsWith(".json") && !isTemporary(each));
  for (const [index, name] of names.entries()) {
    if (index % CHUNK === 0) await setImmediate();
    const record = readRecordFile(path.join(folder, name));
    if (record !== undefined) yield record;
  }
}

/** Returns the records of a campaign, in run order. */
export async function readRecords(resultDirectory: string, campaign: string): Promise<RunRecord[]> {
  const records: RunRecord[] = [];
  for await (const record of allRecords(resultDirectory))
    if (record.campaign === campaign) records.push(record);
  return records.sort((a, b) => a.runNumber - b.runNumber);
}

/** Writes the record of a run, replacing its previous record. */
export async function writeRecord(resultDirectory: string, record: RunRecord): Promise<void> {
  const file = recordFile(resultDirectory, record);
  mkdirSync(path.dirname(file), { recursive: true });
  await writeFileAtomically(file, `${JSON.stringify(record, undefined, 2)}\n`);
}
