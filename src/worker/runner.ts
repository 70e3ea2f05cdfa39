import { hostname } from "node:os";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { BuildManifest } from "../model/build.ts";
import type { Campaign, RunJob } from "../model/campaign.ts";
import { runJobId } from "../model/campaign.ts";
import { PROTOCOL } from "../model/protocol.ts";
import type { RunResult } from "../model/result.ts";
import type { BuildStore } from "../results/build-store.ts";
import type { ResultStore } from "../results/store.ts";
import { CmdenvOutput } from "../simulation/cmdenv-output.ts";
import { simulate } from "../simulation/simulate.ts";
import { DiskFullError, diskIsFull } from "../system/disk.ts";
import { commandFor } from "./command.ts";
import { placeOutput } from "./output-file.ts";
import type { Slot, SlotTree } from "./slot.ts";

export interface RunnerDependencies {
  builds: BuildStore;
  results: ResultStore;
  /** From SIGINT to SIGKILL. */
  graceMs: number;
}

export interface RunAttempt {
  job: RunJob;
  campaign: Campaign;
  attempt: number;
  slot: Slot;
  report: (progress: object) => void;
  /** What the simulation prints, as it comes. */
  print: (text: string) => void;
  /** The simulation has ended: the next one may begin beside what is left to do. */
  release: () => void;
  /** The campaign is cancelled: the run ends and says so. */
  cancelled: AbortSignal;
  /** The runner itself ends, or has lost the job: whatever the run has done is thrown away. */
  abandoned: AbortSignal;
}

/**
 * Makes one run in a slot and stores what it wrote.
 * Whatever the simulation does is a result; an error is one of ours, or of the machine.
 */
export async function makeRun(attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  const { campaign, slot } = attempt;
  const { source, buildKey, checkoutName, dependencies } = campaign;
  const manifest = async (): Promise<BuildManifest> => {
    const found = await deps.builds.find(buildKey);
    if (found === undefined) throw new UserError(`build ${buildKey} is not there any more`);
    return found;
  };
  ensureRoom(slot.directory);
  const request = { source, checkoutName, buildKey, manifest, dependencies };
  const tree = await slot.prepare(request, attempt.abandoned);
  try {
    return await runIn(tree, attempt, deps);
  } catch (error) {
    await slot.discard(tree);
    throw error;
  }
}

async function runIn(tree: SlotTree, attempt: RunAttempt, deps: RunnerDependencies): Promise<RunResult> {
  const { campaign, job, slot } = attempt;
  const startedAt = Date.now();
  const printed = path.join(slot.directory, "output");
  slot.begin(tree);
  const output = new CmdenvOutput({ onProgress: (_run, progress) => attempt.report(progress) });
  const end = await simulate(
    { ...(await commandFor(tree, campaign, job.run)), outputFile: printed },
    {
      write(text, stream) {
        output.write(text, stream);
        attempt.print(text);
      },
    },
    (identity) => slot.remember(identity),
    {
      timeoutMs: campaign.timeoutMs,
      graceMs: deps.graceMs,
      signal: AbortSignal.any([attempt.cancelled, attempt.abandoned]),
    },
  );
  attempt.abandoned.throwIfAborted();
  ensureRoom(slot.directory);
  attempt.release();
  const difference = await slot.difference(tree);
  const outputFile = await placeOutput(printed, tree.root, {
    campaign,
    run: job.run,
    written: difference.written,
  });
  const written = [...difference.written, outputFile];
  const stored = `${runJobId(campaign.id, job.run.runNumber)}/${attempt.attempt}`;
  const paths = written.map((file) => file.path);
  const files = (await deps.results.put(stored, tree.root, paths, attempt.abandoned)) ?? written;
  await slot.clean(tree, difference, paths);
  return {
    protocol: PROTOCOL,
    outcome: output.outcomeOf(job.run.runNumber, end),
    usage: end.usage,
    stored,
    files,
    outputFile: outputFile.path,
    ...(end.omittedOutputBytes > 0 && { warnings: [floodWarning(end.omittedOutputBytes)] }),
    startedAt,
    finishedAt: Date.now(),
    worker: hostname(),
  };
}

/** On a full disk a simulation may end as if all were well, with files that are cut off. */
function ensureRoom(directory: string): void {
  if (diskIsFull(directory)) throw new DiskFullError(`the disk of ${directory} on ${hostname()} is full`);
}

function floodWarning(omitted: number): string {
  return `it printed very much; ${omitted} bytes from the middle of its output are not kept`;
}

/** The answer for a run that was never started here. */
export function withoutRunning(state: "cancelled" | "lost" | "crashed", reason: string): RunResult {
  const now = Date.now();
  return {
    protocol: PROTOCOL,
    outcome: { state, reason },
    usage: { wallTimeMs: 0 },
    files: [],
    startedAt: now,
    finishedAt: now,
    worker: hostname(),
  };
}
