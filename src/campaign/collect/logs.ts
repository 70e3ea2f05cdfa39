import { createReadStream, existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { runJobId } from "../../model/campaign.ts";
import { groupFailures, groupLine, messageOf } from "../../model/failure-groups.ts";
import { inOneLine } from "../../model/names.ts";
import type { RunResult } from "../../model/result.ts";
import { runLabel, runVariables } from "../../model/run.ts";
import { rangesOf, wholeNumberIn } from "../../model/whole-number.ts";
import type { FoundCampaign } from "../../queue/campaign-list.ts";
import type { ResultStore } from "../../stores/store.ts";
import { withOpenedResult } from "../../stores/with-opened.ts";
import { fileIn, parseAnswer } from "../../queue/answers.ts";
import { attempts } from "../../system/poll.ts";
import { sortUnstarted } from "./completed-elsewhere.ts";
import { readHistory, supersededRuns } from "./history.ts";
import { knownCampaign, mayRead, type CallerContext, type KnownCampaign } from "./known-study.ts";
import { missingInputs } from "./missing-inputs.ts";
import { readRecord } from "./records.ts";
import type { CampaignSession } from "./session.ts";

export interface LogRequest {
  id: string;
  /** The number of a run; undefined for an overview with one line for each run. */
  run: string | undefined;
  follow: boolean;
  here: CallerContext;
  /** Prints the output of a simulation. */
  print: (text: Uint8Array) => void;
  /** Prints a line of the command itself. */
  printLine: (text: string) => void;
}

const POLL_MS = 500;

/**
 * Prints the output of a run, which may be running, have ended, or have been collected.
 * @throws {UserError} if there is no such campaign or run.
 */
export async function printOutput(request: LogRequest, session: CampaignSession): Promise<void> {
  const found = await session.queue.find(request.id);
  for (const reason of found.damaged) request.here.warn(reason);
  if (request.run === undefined && request.follow)
    throw new UserError("--follow needs the number of a run", {
      hint: `to list the runs, run: runall-swarm logs ${request.id}; to follow all of them: runall-swarm attach ${request.id}`,
    });
  if (request.run === undefined)
    return await printOverview(found, await knownCampaign(found.campaign, request.here), request.printLine);
  const number = wholeNumberIn(request.run);
  if (number === undefined)
    throw new UserError(`${JSON.stringify(request.run)} is not a run number`, {
      hint: `to list the runs, run: runall-swarm logs ${request.id}`,
    });
  await printRun(found, number, request, session);
}

async function printOverview(
  found: FoundCampaign,
  { study, campaign }: KnownCampaign,
  print: (text: string) => void,
): Promise<void> {
  const { cancelled, open, unstarted, running, ended } = found;
  const { records, superseded } = await readHistory(study.resultDirectory, campaign.id);
  const recorded = new Set([...records, ...superseded].map((record) => record.runNumber));
  const groups = groupFailures(records.filter(({ state }) => state !== "done" && state !== "cancelled"));
  const several = groups.filter((group) => group.records.length > 1);
  const grouped = new Map(several.flatMap((group) => group.records.map((record) => [record, group])));
  const lines = [
    ...records.map((record) => ({ record, by: undefined })),
    ...superseded.map((record) => ({ record, by: record.supersededBy })),
  ].sort((a, b) => a.record.runNumber - b.record.runNumber);
  for (const { record, by } of lines) {
    const group = by === undefined ? grouped.get(record) : undefined;
    const reason = messageOf(record);
    const why = reason === record.state ? "" : `, ${reason}`;
    const later = by === undefined ? "" : `; superseded by ${by}`;
    if (group === undefined)
      print(`${runLabel(record)} ${runVariables(record)}: ${record.state}${why}${later}`);
    else if (group.records[0] === record) print(`${groupLine(group)} (${record.state})`);
  }
  const [one] = several.flatMap((group) => group.records);
  if (one !== undefined)
    print(`to print the output of one, run: runall-swarm logs ${campaign.id} ${one.runNumber}`);
  for (const hint of await missingInputs(study, campaign, records)) print(`hint: ${hint}`);
  for (const run of open)
    if (running.has(run.runNumber)) print(`${runLabel(run)} ${runVariables(run)}: running`);
  if (open.length > 0) {
    const counts = {
      waiting: open.length - running.size - ended.size,
      running: running.size,
      "to collect": ended.size,
    };
    const states = Object.entries(counts).flatMap(([state, runs]) => (runs > 0 ? [`${runs} ${state}`] : []));
    print(
      `${open.length} of ${campaign.runs} runs not yet collected (${states.join(", ")}); run: runall-swarm attach ${campaign.id}`,
    );
  }
  const unrecorded = campaign.runs - recorded.size - open.length;
  const never = unstarted.filter((run) => !recorded.has(run.runNumber));
  const { completed } = await sortUnstarted(never, campaign, study.resultDirectory);
  const unstartedRuns = cancelled ? Math.max(unrecorded, never.length) : never.length;
  const left = unstartedRuns - completed.length;
  if (completed.length > 0)
    print(
      `${completed.length} of ${campaign.runs} runs were cancelled before they started; another campaign has completed them`,
    );
  if (left > 0)
    print(
      `${left} of ${campaign.runs} runs were cancelled before they started; to execute them, run: runall-swarm retry ${campaign.id}`,
    );
  if (unrecorded > unstartedRuns)
    print(`${unrecorded - unstartedRuns} of ${campaign.runs} runs have no record here`);
}

/** Prints the output of one run. In the meantime the run may end, or be collected or cancelled by others. */
async function printRun(
  found: FoundCampaign,
  number: number,
  { follow, print, printLine, here }: LogRequest,
  { queue, store, interrupt }: CampaignSession,
): Promise<void> {
  const { campaign } = found;
  let offset = 0;
  const nextAttempt = attempts({ everyMs: POLL_MS, signal: interrupt });
  while (await queue.isOpen(campaign.id, number)) {
    const value = await queue.result(campaign.id, number);
    if (value !== undefined) {
      const result = parseAnswer(runJobId(campaign.id, number), value, `the result of run ${number}`);
      if (result.outputFile === undefined)
        throw new UserError(
          `run ${number} of campaign ${campaign.id} has no output: ${inOneLine(result.outcome.reason)}`,
        );
      try {
        return await printStored(result, print, offset, store);
      } catch (error) {
        if (await queue.isOpen(campaign.id, number)) throw error;
        break; // another process has just collected the run
      }
    }
    const text = await queue.output(runJobId(campaign.id, number), offset);
    if (text !== undefined) {
      offset += text.length;
      print(text);
    }
    if (!follow) return offset > 0 ? undefined : printLine(`run ${number} has not printed anything yet`);
    await nextAttempt();
  }
  const known = await knownCampaign(campaign, here);
  await refuseOtherRun(number, found, known);
  await printCollected(known, number, print, offset);
}

/** @throws {UserError} if the campaign has no run of this number. */
async function refuseOtherRun(
  number: number,
  { open, unstarted }: FoundCampaign,
  { campaign: { id, runs }, study }: KnownCampaign,
): Promise<void> {
  const { records, superseded } = await readHistory(study.resultDirectory, id);
  const numbers = new Set([...open, ...unstarted, ...records, ...superseded].map((run) => run.runNumber));
  if (numbers.size < runs || numbers.has(number)) return; // others were collected elsewhere, or removed
  throw new UserError(
    `campaign ${id} has no run ${number}; ${numbers.size === 1 ? "its only run is" : "its runs are"} ${rangesOf([...numbers])}`,
    {
      hint: `to list how each of them ended, run: runall-swarm logs ${id}`,
    },
  );
}

async function printStored(
  { stored, outputFile, files }: RunResult,
  print: LogRequest["print"],
  offset: number,
  store: ResultStore,
): Promise<void> {
  if (stored === undefined || outputFile === undefined) return;
  await withOpenedResult(store, { stored, files }, (directory) =>
    printFile(fileIn(directory, outputFile), print, offset),
  );
}

async function printCollected(
  { campaign: { id, config, host }, study }: KnownCampaign,
  runNumber: number,
  print: LogRequest["print"],
  offset: number,
): Promise<void> {
  const { resultDirectory, directory } = study;
  const record = await readRecord(resultDirectory, { config, runNumber });
  const printed = record?.campaign === id ? record.outputFile : undefined;
  const file = printed === undefined ? undefined : path.resolve(directory, printed);
  if (file !== undefined && mayRead(study, file) && existsSync(file))
    return await printFile(file, print, offset);
  const wasReplaced = record?.campaign !== id && supersededRuns(resultDirectory, id).has(runNumber);
  // the latest campaign, not the one that replaced the run first
  const by = wasReplaced
    ? (record?.campaign ?? supersededRuns(resultDirectory, id).get(runNumber)?.supersededBy)
    : undefined;
  if (by !== undefined) {
    throw new UserError(
      `run ${runNumber} of campaign ${id} was superseded by campaign ${by}: its output was replaced`,
      {
        hint: `for the later output, run: runall-swarm logs ${by} ${runNumber}`,
      },
    );
  }
  throw new UserError(`no output of run ${runNumber} of campaign ${id} on this machine`, {
    hint: `runall-swarm logs ${id} lists its runs; its results are collected on ${inOneLine(host)}`,
  });
}

async function printFile(file: string, print: LogRequest["print"], start: number): Promise<void> {
  for await (const chunk of createReadStream(file, { start })) print(chunk as Buffer);
}
