import { appendFileSync, mkdirSync, type Stats } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { errorCode } from "../../errors.ts";
import { isCampaignId } from "../../model/names.ts";
import { RunRecordSchema, type RunRecord } from "../../model/result.ts";
import { parseJsonOrUndefined } from "../../system/json.ts";
import { boundedRest, boundedText } from "../../system/regular-file.ts";
import { allRecords } from "./records.ts";

const { files: _files, outputFile: _output, ...kept } = RunRecordSchema.entries;

/**
 * A record that a later campaign has replaced, without its
 * files: they no longer exist, or belong to the later campaign.
 */
const SupersededSchema = v.object({
  ...kept,
  /** The campaign whose record replaced it. */
  supersededBy: v.string(),
});
export type Superseded = v.InferOutput<typeof SupersededSchema>;

/** The final states of a campaign's runs, including those that later campaigns have replaced. */
export interface CampaignHistory {
  /** In run order. */
  records: RunRecord[];
  /** In run order; without runs that have a record of this campaign. */
  superseded: Superseded[];
}

/** Enough for about 100,000 runs. */
const MOST_BYTES = 1 << 28;

/**
 * Returns the history file of a campaign: one line for each
 * record that was replaced; the last line for a run counts.
 */
function historyFile(resultDirectory: string, campaign: string): string {
  return path.join(resultDirectory, ".swarm", "history", `${campaign}.jsonl`);
}

/**
 * Adds a record that is about to be replaced to the history of its campaign. Adding it twice has no effect.
 */
export function addToHistory(resultDirectory: string, record: RunRecord, supersededBy: string): void {
  if (!isCampaignId(record.campaign)) return; // no command accepts such an ID
  const file = historyFile(resultDirectory, record.campaign);
  const { files: _, outputFile: _file, ...rest } = record;
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify({ ...rest, supersededBy } satisfies Superseded)}\n`);
}

/**
 * Returns the records of a campaign that later campaigns
 * have replaced, by run number; damaged lines are ignored.
 */
export function supersededRuns(resultDirectory: string, campaign: string): Map<number, Superseded> {
  const file = historyFile(resultDirectory, campaign);
  if (!isCampaignId(campaign)) return new Map();
  return new Map(linesOf(textOf(file), campaign).map((each) => [each.runNumber, each]));
}

function textOf(file: string): string {
  try {
    return boundedText(file, MOST_BYTES) ?? "";
  } catch (error) {
    if (errorCode(error) === "EACCES") return "";
    throw error;
  }
}

function linesOf(text: string, campaign: string): Superseded[] {
  return text.split("\n").flatMap((line) => {
    const parsed = v.safeParse(SupersededSchema, parseJsonOrUndefined(line));
    return parsed.success && parsed.output.campaign === campaign ? [parsed.output] : [];
  });
}

/** The records of a campaign that later campaigns have replaced. Reads only what has been added to their file. */
export class HistoryReader {
  readonly superseded = new Map<number, Superseded>();
  readonly #campaign: string;
  readonly #file: string;
  #ino = 0;
  /** Length of the part of the file that has been read: whole lines. */
  #offset = 0;

  constructor(resultDirectory: string, campaign: string) {
    this.#campaign = campaign;
    this.#file = historyFile(resultDirectory, campaign);
  }

  /** Reads what has been added since the last call, and returns it. */
  update(): Superseded[] {
    if (!isCampaignId(this.#campaign)) return [];
    const read = boundedRest(this.#file, (stats) => this.#startIn(stats), MOST_BYTES);
    if (read === undefined) return [];
    const { content, stats } = read;
    this.#ino = stats.ino;
    const length = content.lastIndexOf("\n") + 1; // the last line may be incomplete
    this.#offset += length;
    const added = linesOf(content.toString("utf8", 0, length), this.#campaign);
    for (const each of added) this.superseded.set(each.runNumber, each);
    return added;
  }

  /** Another or a shorter file is read from its beginning. */
  #startIn({ ino, size }: Stats): number {
    if (ino !== this.#ino || size < this.#offset) this.#offset = 0;
    return this.#offset;
  }
}

/** Returns what is recorded here about the runs of a campaign. */
export async function readHistory(resultDirectory: string, campaign: string): Promise<CampaignHistory> {
  const records: RunRecord[] = [];
  const superseded = supersededRuns(resultDirectory, campaign);
  for await (const record of allRecords(resultDirectory)) {
    if (record.campaign !== campaign) continue;
    records.push(record);
    superseded.delete(record.runNumber);
  }
  const byNumber = (a: { runNumber: number }, b: { runNumber: number }): number => a.runNumber - b.runNumber;
  return { records: records.sort(byNumber), superseded: [...superseded.values()].sort(byNumber) };
}
