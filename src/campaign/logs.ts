import { createReadStream } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { RunResultSchema, type RunResult } from "../model/result.ts";
import { runLabel, runVariables } from "../model/run.ts";
import type { QueueClient } from "../queue/client.ts";
import type { ResultStore } from "../results/store.ts";
import { withOpened } from "../results/with-opened.ts";
import { parseOrExplain } from "../system/json.ts";
import { readRecords } from "./records.ts";

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
  const { campaign, open } = await queue.find(request.id);
  const resultDirectory = path.resolve(campaign.directory, campaign.study, campaign.resultDirectory);
  if (request.run === undefined) return await printOverview(campaign, open.length, resultDirectory, request);
  const number = Number(request.run);
  const waiting = open.some((run) => run.runNumber === number);
  if (waiting) return await printOpen(campaign, number, request, queue, store, signal);
  const record = (await readRecords(resultDirectory, campaign.id)).find(
    ({ runNumber }) => runNumber === number,
  );
  if (record?.outputFile === undefined)
    throw new UserError(`there is no output of run ${request.run} of campaign ${request.id}`);
  await printFile(path.join(campaign.directory, campaign.study, record.outputFile), request);
}

async function printOverview(
  campaign: Campaign,
  open: number,
  resultDirectory: string,
  { print }: LogRequest,
): Promise<void> {
  for (const record of await readRecords(resultDirectory, campaign.id)) {
    const error = record.error === undefined ? record.reason : record.error;
    print(`${runLabel(record)} ${runVariables(record)}: ${record.state}, ${error}\n`);
  }
  if (open > 0)
    print(`${open} of ${campaign.runs} are not collected yet: runall-swarm attach ${campaign.id}\n`);
}

/** A run that is queued, being made, or has ended and waits to be collected. */
async function printOpen(
  campaign: Campaign,
  number: number,
  { follow, print }: LogRequest,
  queue: QueueClient,
  store: ResultStore,
  signal: AbortSignal,
): Promise<void> {
  let offset = 0;
  for (;;) {
    const value = await queue.result(campaign.id, number);
    if (value !== undefined) {
      const result = parseOrExplain(RunResultSchema, value, `the result of run ${number}`);
      return await printStored(result, { print }, offset, store);
    }
    const text = await queue.output(runJobId(campaign.id, number), offset);
    if (text !== undefined) {
      offset += text.length;
      print(text);
    }
    if (!follow) return offset > 0 ? undefined : print(`run ${number} has not printed anything yet\n`);
    await delay(POLL_MS, undefined, { signal });
  }
}

async function printStored(
  { stored, outputFile, files }: RunResult,
  { print }: Pick<LogRequest, "print">,
  offset: number,
  store: ResultStore,
): Promise<void> {
  if (stored === undefined || outputFile === undefined) return;
  await withOpened(store, { stored, files }, (directory) =>
    printFile(path.join(directory, outputFile), { print }, offset),
  );
}

async function printFile(file: string, { print }: Pick<LogRequest, "print">, start = 0): Promise<void> {
  for await (const chunk of createReadStream(file, { start })) print(chunk as Buffer);
}
