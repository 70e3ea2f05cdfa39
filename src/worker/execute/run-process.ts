import { hostname } from "node:os";
import path from "node:path";
import type { Campaign } from "../../model/campaign.ts";
import type { Run } from "../../model/run.ts";
import type { CmdenvOutput } from "../../omnetpp/cmdenv-output.ts";
import { isTyped, parseSimulationArguments } from "../../omnetpp/opp-args.ts";
import { simulate, type SimulationEnd, type SimulationLimits } from "../../omnetpp/simulate.ts";
import { DiskFullError, diskIsFull } from "../../system/disk.ts";
import { MARKER } from "../../system/marked-processes.ts";
import { watchTree } from "../tree/difference.ts";
import type { SlotTree } from "../tree/slot-tree.ts";
import { commandFor } from "./command.ts";
import type { ExecutionContext } from "./execution-context.ts";
import { forkingEnvironment, type Forking } from "./forking.ts";
import { withLimits } from "./limits.ts";
import { makeOutputFolder } from "./output-file.ts";
import { placeOutputs } from "./output-paths.ts";

/** What a process executes. */
export interface RunsOfProcess {
  runs: readonly [Run, ...Run[]];
  /** Undefined if the process executes several runs by itself, one after the other. */
  forking?: Forking | undefined;
}

/** What a run printed. */
export interface Printed {
  /** Temporary file with the output. */
  file: string;
  /** Absolute path at which the output is stored; undefined to derive it from the names of the result files. */
  belongsTo?: string | undefined;
  /** Id of the process, or of the first one of several; undefined if it ended immediately. */
  pid?: number | undefined;
  /** File to which the simulator redirected its output, relative to the mirror. `file` has only what came before. */
  redirectedTo?: string | undefined;
}

/** A simulation process that has ended. */
export interface Simulated {
  end: SimulationEnd;
  printed: Printed;
  /** When the run began, and then its process. */
  startedAt: number;
  launchedAt: number;
  warnings: string[];
}

/**
 * Executes one or several runs in one process. Returns how it ended, its output, its start time and warnings.
 * @throws {TreeLost} if the tree was removed, {DiskFullError} if the disk is full, {MemoryShortage} if there was too
 *   little memory beside other runs, or the reason of `abandoned`.
 */
export async function simulateIn(
  tree: SlotTree,
  { campaign, slot, cancelled, abandoned, memory }: ExecutionContext,
  { runs, forking }: RunsOfProcess,
  output: Pick<CmdenvOutput, "write">,
  limits: Pick<SimulationLimits, "timeoutMs" | "graceMs">,
): Promise<Simulated> {
  const startedAt = Date.now();
  let launchedAt = startedAt;
  const file = path.join(slot.directory, "output");
  const started: readonly [Run, ...Run[]] = forking === undefined ? runs : [runs[0]];
  const placed = await placeOutputs(await commandFor(tree, campaign, started), tree, campaign, runs[0]);
  const { warnings, env, ...command } = withLimits(placed, campaign);
  slot.begin(tree);
  if (command.printedTo !== undefined && createsOutputFolder(campaign))
    makeOutputFolder(tree, command.printedTo);
  let pid: number | undefined;
  using watch = watchTree(tree, slot);
  const end = await simulate(
    {
      ...command,
      env: { ...(forking ? forkingEnvironment(env, forking, runs) : env), [MARKER]: slot.directory },
      outputFile: file,
      endLeftovers: () => slot.endLeftovers(pid, Date.now() - startedAt),
    },
    output,
    (identity) => {
      launchedAt = Date.now();
      pid = identity?.pid;
      slot.remember(identity);
      if (pid !== undefined) memory.watch(pid);
    },
    {
      ...limits,
      signal: AbortSignal.any([cancelled, abandoned, watch.signal]),
      kill: AbortSignal.any([memory.signal, ...(forking ? [forking.flood] : [])]),
    },
  );
  for (const signal of [abandoned, watch.signal]) signal.throwIfAborted();
  if (!cancelled.aborted) memory.signal.throwIfAborted();
  if (end.outOfMemory) memory.throwIfCrowded();
  ensureDiskSpace(slot.directory);
  return { end, printed: { file, belongsTo: command.printedTo, pid }, startedAt, launchedAt, warnings };
}

/** Returns whether Cmdenv would redirect its output, as under `opp_runall`, unless the command line decides that. */
function createsOutputFolder({ arguments: args }: Campaign): boolean {
  return !isTyped(parseSimulationArguments(args), "cmdenv-redirect-output");
}

/** Throws if the disk is full: a simulation may then exit normally with truncated files. */
export function ensureDiskSpace(directory: string): void {
  if (diskIsFull(directory)) throw new DiskFullError(`the disk of ${directory} on ${hostname()} is full`);
}
