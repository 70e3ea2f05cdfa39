import { errorCode } from "../errors.ts";
import type { Usage } from "../model/result.ts";
import { awakeFor } from "../system/awake.ts";
import type { ProcessIdentity } from "../system/identity.ts";
import { startGroup, type ProcessGroup } from "../system/process-group.ts";
import type { CmdenvOutput } from "./cmdenv-output.ts";
import { KeptOutput } from "./kept-output.ts";
import { outOfMemoryKills, UsageMeter } from "./usage.ts";

export interface SimulationProcess {
  program: string;
  args: readonly string[];
  directory: string;
  env: NodeJS.ProcessEnv;
  /** File for everything that it prints. */
  outputFile: string;
  /** Ends processes that it has left running outside its process group. */
  endLeftovers?: () => Promise<void>;
}

export interface SimulationLimits {
  /** Wall-clock limit; undefined for none. */
  timeoutMs: number | undefined;
  /** Time between SIGINT, which lets OMNeT++ call finish(), and SIGKILL. */
  graceMs: number;
  /** Stops the simulation when aborted. */
  signal: AbortSignal;
  /** Kills the simulation immediately when aborted. */
  kill?: AbortSignal;
}

/** How a simulation process ended, before its output is evaluated. */
export interface SimulationEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  cancelled: boolean;
  outOfMemory: boolean;
  /** Number of bytes omitted from the middle of its output; 0 unless there was a flood of output. */
  omittedOutputBytes: number;
  usage: Usage;
}

const LATE_OUTPUT_MS = 2000;
const MEASURE_INTERVAL_MS = 1000;
/** The first measurements come early, so that a short run has a peak memory, too. */
const FIRST_MEASUREMENTS_MS = [5, 20, 60, 150, 400];

/**
 * Runs one simulation process and waits for it to end; its output goes to a file and to `output`. A failing
 * simulation is a result, not an error.
 * @param onStart called before the process can have ended,
 *   so that the process can be ended after a crash of ours.
 * @throws {UserError} if the program cannot be started.
 * @see OMNeT++ Simulation Manual, "Running Simulations".
 */
export async function simulate(
  simulation: SimulationProcess,
  output: Pick<CmdenvOutput, "write">,
  onStart: (identity: ProcessIdentity | undefined) => void,
  limits: SimulationLimits,
): Promise<SimulationEnd> {
  const killsBefore = outOfMemoryKills();
  const startedAt = performance.now();
  const kept = new KeptOutput(simulation.outputFile);
  const group = await startGroup(simulation.program, simulation.args, {
    cwd: simulation.directory,
    env: simulation.env,
    stdio: ["ignore", "pipe", "pipe"],
  }).catch((error: unknown) => {
    kept.close();
    throw error;
  });
  using meter = watchUsage(group);
  using ending = endOnLimit(group, limits);
  const written = keepOutput(group, kept, limits.graceMs, (text, stream) => {
    meter.look();
    output.write(text, stream);
  });
  written.catch(() => undefined); // awaited when the process has ended
  reportStart(group, onStart);
  const { exitCode, signal } = await group.ended;
  const wallTimeMs = Math.round(performance.now() - startedAt);
  await simulation.endLeftovers?.();
  const isWritten = new AbortController();
  void awakeFor(LATE_OUTPUT_MS, isWritten.signal).then(
    () => closeOutput(group),
    () => undefined,
  );
  const omittedOutputBytes = await written.finally(() => isWritten.abort());
  const killed = signal === "SIGKILL" && !ending.timedOut && !ending.cancelled;
  return {
    exitCode,
    signal,
    timedOut: ending.timedOut,
    cancelled: ending.cancelled,
    omittedOutputBytes,
    outOfMemory: killed && (outOfMemoryKills() ?? 0) > (killsBefore ?? 0),
    usage: { wallTimeMs, ...meter.usage() },
  };
}

/**
 * Reports the process to `onStart`. If that fails, the
 * process is killed, because no later worker could find it.
 */
function reportStart(group: ProcessGroup, onStart: (identity: ProcessIdentity | undefined) => void): void {
  try {
    onStart(group.identity);
  } catch (error) {
    group.interrupt(0);
    throw error;
  }
}

/**
 * Sends SIGINT when the time limit is reached or the run is cancelled, and kills the run if there is no time for that.
 * @returns which of the two it was, once the process has ended.
 */
function endOnLimit(group: ProcessGroup, limits: SimulationLimits) {
  const state = { timedOut: false, cancelled: false };
  const cancel = (): void => {
    state.cancelled = true;
    group.interrupt(limits.graceMs);
  };
  const kill = (): void => {
    state.cancelled = true;
    group.interrupt(0);
  };
  const expire = (): void => {
    state.timedOut = true;
    group.interrupt(limits.graceMs);
  };
  limits.signal.addEventListener("abort", cancel, { once: true });
  limits.kill?.addEventListener("abort", kill, { once: true });
  if (limits.signal.aborted) cancel();
  if (limits.kill?.aborted === true) kill();
  const timer = limits.timeoutMs === undefined ? undefined : setTimeout(expire, limits.timeoutMs);
  return Object.assign(state, {
    [Symbol.dispose]() {
      clearTimeout(timer);
      limits.signal.removeEventListener("abort", cancel);
      limits.kill?.removeEventListener("abort", kill);
    },
  });
}

function watchUsage(group: ProcessGroup) {
  const meter = new UsageMeter(group.child.pid!);
  const look = (): void => meter.look();
  const timers = [
    ...FIRST_MEASUREMENTS_MS.map((ms) => setTimeout(look, ms)),
    setInterval(look, MEASURE_INTERVAL_MS),
  ];
  return {
    look,
    usage: (): Omit<Usage, "wallTimeMs"> => ({
      ...(meter.cpuTimeMs !== undefined && { cpuTimeMs: Math.round(meter.cpuTimeMs) }),
      ...(meter.peakMemoryBytes !== undefined && { peakMemoryBytes: meter.peakMemoryBytes }),
    }),
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
      meter[Symbol.dispose]();
    },
  };
}

/** Closes the pipes, which a process that has left the group may keep open indefinitely. */
function closeOutput({ child }: ProcessGroup): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/**
 * Copies stdout and stderr into one file as they arrive, never faster than the disk can write. A run whose
 * output cannot be stored is stopped.
 * @returns the number of bytes that were omitted because there were too many.
 */
async function keepOutput(
  group: ProcessGroup,
  kept: KeptOutput,
  graceMs: number,
  onText: (text: string, stream: "stdout" | "stderr") => void,
): Promise<number> {
  const copy = async (name: "stdout" | "stderr"): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of group.child[name] as AsyncIterable<Buffer>) {
      onText(decoder.decode(chunk, { stream: true }), name);
      const failed = kept.failed;
      kept.write(chunk);
      if (kept.failed && !failed) group.interrupt(graceMs);
    }
  };
  const ignoreClosed = (error: unknown): void => {
    if (errorCode(error) !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  };
  try {
    await Promise.all((["stdout", "stderr"] as const).map((name) => copy(name).catch(ignoreClosed)));
  } finally {
    kept.close();
  }
  return kept.omitted;
}
