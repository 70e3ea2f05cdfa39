import { createReadStream, existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { groupFailures, groupLine, messageOf } from "../model/failure-groups.ts";
import { RunResultSchema, type RunResult } from "../model/result.ts";
import { runLabel, runVariables } from "../model/run.ts";
import type { FoundCampaign } from "../queue/campaign-list.ts";
import type { QueueClient } from "../queue/client.ts";
import type { ResultStore } from "../results/store.ts";
import { withOpened } from "../results/with-opened.ts";
import { parseOrExplain } from "../system/json.ts";
import { readRecord, readRecords, resultDirectoryOf } from "./records.ts";

export interface LogRequest {
  id: string;
  /** The number of a run; undefined for one line on each. */
  run: string | undefined;
  follow: boolean;
  print: (text: string | Uint8Array) => void;
}

const POLL_MS = 500;

/**
 * Prints what a run has printed, wherever it is: being made, ended, or collected.
 * @throws {UserError} where there is no such campaign or run.
 */
export async function printOutput(
  request: LogRequest,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): Promise<void> {
  const found = await queue.find(request.id);
  if (request.run === undefined) return await printOverview(found, request);
  if (!/^\d{1,9}$/.test(request.run))
    throw new UserError(`${JSON.stringify(request.run)} is not the number of a run`);
  await printRun(found.campaign, Number(request.run), request, queue, store, signal);
}

async function printOverview(
  { campaign, cancelled, open }: FoundCampaign,
  { print }: LogRequest,
): Promise<void> {
  const records = await readRecords(resultDirectoryOf(campaign), campaign.id);
  const groups = groupFailures(records.filter(({ state }) => state !== "done" && state !== "cancelled"));
  const several = groups.filter((group) => group.records.length > 1);
  const grouped = new Map(several.flatMap((group) => group.records.map((record) => [record, group])));
  for (const record of records) {
    const group = grouped.get(record);
    const reason = messageOf(record);
    const why = reason === record.state ? "" : `, ${reason}`;
    if (group === undefined) print(`${runLabel(record)} ${runVariables(record)}: ${record.state}${why}\n`);
    else if (group.records[0] === record) print(`${groupLine(group)} (${record.state})\n`);
  }
  const [one] = several.flatMap((group) => group.records);
  if (one !== undefined)
    print(`to see the output of one: runall-swarm logs ${campaign.id} ${one.runNumber}\n`);
  if (open.length > 0)
    print(`${open.length} of ${campaign.runs} are not collected yet: runall-swarm attach ${campaign.id}\n`);
  const missing = campaign.runs - records.length - open.length;
  if (missing > 0)
    print(
      `${missing} of ${campaign.runs} ${cancelled ? "were cancelled before they began" : "have no record here"}\n`,
    );
}

/** While it is followed, a run may end, and be collected or cancelled by others. */
async function printRun(
  campaign: Campaign,
  number: number,
  { follow, print }: LogRequest,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): Promise<void> {
  let offset = 0;
  while (await queue.isOpen(campaign.id, number)) {
    const value = await queue.result(campaign.id, number);
    if (value !== undefined) {
      const result = parseOrExplain(RunResultSchema, value, `the result of run ${number}`);
      if (result.outputFile === undefined)
        throw new UserError(
          `there is no output of run ${number} of campaign ${campaign.id}: ${result.outcome.reason}`,
        );
      try {
        return await printStored(result, print, offset, store);
      } catch (error) {
        if (await queue.isOpen(campaign.id, number)) throw error;
        break; // somebody has just collected it
      }
    }
    const text = await queue.output(runJobId(campaign.id, number), offset);
    if (text !== undefined) {
      offset += text.length;
      print(text);
    }
    if (!follow) return offset > 0 ? undefined : print(`run ${number} has not printed anything yet\n`);
    await delay(POLL_MS, undefined, { signal });
  }
  await printCollected(campaign, number, print, offset);
}

async function printStored(
  { stored, outputFile, files }: RunResult,
  print: LogRequest["print"],
  offset: number,
  store: ResultStore,
): Promise<void> {
  if (stored === undefined || outputFile === undefined) return;
  await withOpened(store, { stored, files }, (directory) =>
    printFile(path.join(directory, outputFile), print, offset),
  );
}

async function printCollected(
  campaign: Campaign,
  runNumber: number,
  print: LogRequest["print"],
  offset: number,
): Promise<void> {
  const { id, config, host, directory, study } = campaign;
  const record = await readRecord(resultDirectoryOf(campaign), { config, runNumber });
  const printed = record?.campaign === id ? record.outputFile : undefined;
  const file = printed === undefined ? undefined : path.join(directory, study, printed);
  if (file !== undefined && existsSync(file)) return await printFile(file, print, offset);
  throw new UserError(`there is no output of run ${runNumber} of campaign ${id} on this machine`, {
    hint: `runall-swarm logs ${id} tells of its runs; its results are collected on ${host}`,
  });
}

async function printFile(file: string, print: LogRequest["print"], start: number): Promise<void> {
  for await (const chunk of createReadStream(file, { start })) print(chunk as Buffer);
}
