import { UserError } from "../errors.ts";
import { runJobId, type Campaign } from "../model/campaign.ts";
import { fileIn, parseAnswer } from "../queue/answers.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { endOfFile } from "../system/regular-file.ts";
import type { DashboardSources } from "./sources.ts";

/** Length of the part of a long output, counted from its end, that is shown. */
const SHOWN_BYTES = 1 << 18;

/**
 * Returns the end of a run's output, whether the run has been collected, has ended, or is running.
 * @throws {UserError} if no output is available.
 */
export async function outputOf(
  campaign: Campaign,
  runNumber: number,
  queue: QueueWatch,
  sources: DashboardSources,
): Promise<string> {
  const record = (await sources.folder(campaign))?.record(campaign, runNumber);
  const collected = record?.outputFile && (await sources.resultFile(campaign, record.outputFile));
  if (collected) return await endOf(collected);
  if (record?.supersededBy !== undefined)
    throw new UserError(
      `campaign ${record.supersededBy} has executed run ${runNumber} again: its output was replaced`,
    );
  const [job] = await queue.jobs(campaign.id, [runNumber]);
  if (job?.finishedAt !== undefined) {
    const what = `the result of run ${runNumber}`;
    const { stored, outputFile, files } = parseAnswer(runJobId(campaign.id, runNumber), job.result, what);
    if (stored !== undefined && outputFile !== undefined)
      return await sources.readStored({ stored, files }, (directory) => endOf(fileIn(directory, outputFile)));
  }
  const printed = await queue.lastOutput(runJobId(campaign.id, runNumber), SHOWN_BYTES);
  if (printed === undefined) throw new UserError(`run ${runNumber} has not printed anything yet`);
  return shown(printed);
}

async function endOf(file: string): Promise<string> {
  const printed = await endOfFile(file, SHOWN_BYTES);
  if (printed === undefined) throw new UserError(`${file} no longer exists`);
  return shown(printed);
}

function shown({ end, sizeBytes }: { end: Buffer; sizeBytes: number }): string {
  const text = end.subarray(-SHOWN_BYTES).toString();
  const omitted = sizeBytes - Math.min(end.length, SHOWN_BYTES);
  return omitted > 0 ? `… ${omitted} bytes omitted …\n${text}` : text;
}
