import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Outcome, OutcomeState, Progress } from "../../src/model/outcome.ts";
import { CmdenvOutput, errorLine, type ProcessEnd } from "../../src/omnetpp/cmdenv-output.ts";

const fixtures = path.resolve(import.meta.dirname, "../fixtures/omnetpp/cmdenv");

/** Run number, state, reason and events; then the beginning of the error. */
type Expected = [number, OutcomeState, string, number | undefined, string?];

const END = "Simulation time limit reached";
const CPU = "CPU time limit reached";
/** With `-s`, 7.0 does not print how a run ended, so a limit cannot be distinguished from a regular end. */
const SILENT = "ended without an error";
const MISMATCH = "Fingerprint mismatch! calculated: 15f4-7238/tplx, expected: 1234-5678/tplx";
const PROMPT = "The simulation attempted to prompt for user input";
const BIT_LENGTH = "(omnetpp::cPacket)pk-9-#0: setBitLength(): Negative length -5";
const NO_LIBRARY = "Cannot load library '../../src//libNoLib.so'";
const NO_NED = "Could not load NED sources from '../../nowhere'";

/** Expected outcomes, derived from the recorded text by hand. */
const TABLE: Record<string, Record<string, Expected[]>> = {
  "6.2.0": {
    "success-silent": [[0, "done", END, 168792]],
    success: [[0, "done", END, 168792]],
    "express-status": [[1, "limited", CPU, 3856384]],
    "sim-time-progress": [[1, "done", END, 6731140]],
    "status-no-performance": [[1, "done", END, 6731140]],
    "batch-of-three": [
      [0, "done", END, 168792],
      [5, "done", END, 65209],
      [9, "done", END, 40875],
    ],
    "cpu-time-limit": [[0, "limited", CPU, 779264]],
    "real-time-limit": [[0, "limited", "Realtime limit reached", 752640]],
    "fingerprint-ok": [[0, "done", END, 168792]],
    "fingerprint-mismatch": [[0, "failed", END, 168792, MISMATCH]],
    "runtime-error": [[0, "failed", "exit code 1", 1, BIT_LENGTH]],
    "missing-ned-type": [[0, "failed", "exit code 1", undefined, "Network 'Nope' not found"]],
    "missing-parameter": [[0, "failed", "exit code 1", undefined, PROMPT]],
    "missing-library": [[0, "failed", "exit code 1", undefined, NO_LIBRARY]],
    "wrong-ned-path": [[0, "failed", "exit code 1", undefined, NO_NED]],
    "batch-with-failure": [
      [0, "failed", "exit code 1", undefined, "No such variable: ${p}"],
      [1, "failed", "exit code 1", undefined, "No such variable: ${p}"],
    ],
    // the output went to a file, which the recorded text does not name with -s
    "redirected-output": [[0, "done", SILENT, undefined]],
    eventlog: [[0, "done", END, 319]],
    "sqlite-results": [[0, "done", END, 168792]],
  },
  "7.0.0pre2": {
    "success-silent": [[0, "done", SILENT, 168792]],
    success: [[0, "done", END, 168792]],
    "express-status": [[1, "limited", CPU, 2680832]],
    "sim-time-progress": [[1, "done", END, 6731140]],
    "status-no-performance": [[1, "done", END, 6731140]],
    "batch-of-three": [
      [0, "done", END, 168792],
      [5, "done", END, 65209],
      [9, "done", END, 40875],
    ],
    // truncated, but the output does not show that, so workers do not use -s
    "cpu-time-limit": [[0, "done", SILENT, 538624]],
    "real-time-limit": [[0, "done", SILENT, 542720]],
    "fingerprint-ok": [[0, "done", SILENT, 168792]],
    "fingerprint-mismatch": [[0, "failed", "exit code 1", 168792, MISMATCH]],
    "runtime-error": [[0, "failed", "exit code 1", 1, BIT_LENGTH]],
    "missing-ned-type": [[0, "failed", "exit code 1", undefined, "Network 'Nope' not found"]],
    "missing-parameter": [[0, "failed", "exit code 1", undefined, PROMPT]],
    "missing-library": [[0, "failed", "exit code 1", undefined, NO_LIBRARY]],
    "wrong-ned-path": [[0, "failed", "exit code 1", undefined, NO_NED]],
    "batch-with-failure": [
      [0, "failed", "exit code 1", undefined, "No such variable: ${p}"],
      [1, "failed", "exit code 1", undefined, "No such variable: ${p}"],
    ],
    "redirected-output": [[0, "done", SILENT, undefined]],
    eventlog: [[0, "done", SILENT, 319]],
    "sqlite-results": [[0, "done", SILENT, 168792]],
  },
};

const REGULAR: ProcessEnd = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  cancelled: false,
  outOfMemory: false,
};
const exit = (exitCode: number): ProcessEnd => ({ ...REGULAR, exitCode });
const killed = (signal: string): ProcessEnd => ({ ...REGULAR, exitCode: null, signal });

/** Returns a generator of pseudorandom numbers that yields the same numbers whenever the tests run. */
function randomly(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function feed(output: CmdenvOutput, text: string, stream: "stdout" | "stderr", random: () => number): void {
  for (let from = 0; from < text.length;) {
    const to = from + 1 + Math.floor(random() * (random() < 0.5 ? 5 : 3000));
    output.write(text.slice(from, to), stream);
    from = to;
  }
}

function outputOf(text: string, listener = {}): CmdenvOutput {
  const output = new CmdenvOutput(listener);
  output.write(text);
  return output;
}

describe.each(Object.keys(TABLE))("recorded from %s", (version) => {
  const recorded = (file: string): string => readFileSync(path.join(fixtures, version, file), "utf8");
  const cases = JSON.parse(recorded("index.json")) as { name: string; exitCode: number }[];

  test.each(cases)("$name", ({ name, exitCode }) => {
    const streams = (["stdout", "stderr"] as const).map(
      (stream) => [stream, recorded(`${name}.${stream}.txt`)] as const,
    );
    for (const order of [streams, streams.toReversed()]) {
      for (const lineEnd of ["\n", "\r\n"]) {
        const output = new CmdenvOutput();
        const random = randomly(name.length);
        for (const [stream, text] of order) feed(output, text.replaceAll("\n", lineEnd), stream, random);
        const expected = TABLE[version]?.[name];
        expect(expected).toBeDefined();
        for (const [runNumber, state, reason, events, error] of expected!) {
          const outcome = output.outcomeOf(runNumber, exit(exitCode));
          expect(outcome).toMatchObject({ state, reason, exitCode });
          expect(outcome.events).toBe(events);
          if (error === undefined) expect(outcome.error).toBeUndefined();
          else expect(outcome.error?.startsWith(error)).toBe(true);
        }
      }
    }
  });
});

test("reports progress with the speed of the line after it, and names its run", () => {
  const progress: [number | undefined, Progress][] = [];
  const output = new CmdenvOutput({
    onProgress: (runNumber, one) => progress.push([runNumber, one]),
  });
  output.write(readFileSync(path.join(fixtures, "7.0.0pre2/batch-of-three.stdout.txt"), "utf8"));
  expect(progress).toHaveLength(6);
  expect(progress.map(([runNumber]) => runNumber)).toEqual([0, 0, 5, 5, 9, 9]);
  expect(progress[0]).toEqual([0, { events: 0, simTime: "0", percent: 0, eventsPerSecond: 0 }]);
  expect(progress[1]?.[1]).toMatchObject({ events: 168792, simTime: "5400", percent: 100 });
  expect(progress[1]?.[1].eventsPerSecond).toBeGreaterThan(1e6);
});

test.each([
  [
    "** Event #5   t=1   Elapsed: 1.3s (0m 01s)   ev/sec=2.7e+06\n",
    { events: 5, simTime: "1", eventsPerSecond: 2.7e6 },
  ],
  ["** Event #5   t=1   Elapsed: 90000.5s (1d 01h)\n\n", { events: 5, simTime: "1" }],
  [
    "** Event #5   t=1   Elapsed: 1.3s (0m 01s)  Thread 140123    3% completed  (1% total)\nx\n",
    { events: 5, simTime: "1", percent: 3 },
  ],
  [
    "** Event #5   t=1   Elapsed: 4000.5s (1h 06m)  10% completed  (5% total)\n     Speed:     ev/sec=nan   simsec/sec=nan   ev/simsec=nan\n",
    { events: 5, simTime: "1", percent: 10 },
  ],
])("progress of %j", (text, expected) => {
  const progress: Progress[] = [];
  outputOf(text, { onProgress: (_runNumber: number | undefined, one: Progress) => progress.push(one) });
  expect(progress).toEqual([expected]);
});

const BEGIN = "\nPreparing for running configuration A, run #0...\nRunning simulation...\n";
const NEXT = "\nPreparing for running configuration A, run #1...\nRunning simulation...\n";
const REACHED =
  "\n<!> Simulation time limit reached -- at t=100s, event #3110\n\nCalling finish() at end of Run #0...\n";
const SIGINT =
  "\n<!> SIGINT or SIGTERM received, exiting -- at t=86097.170528946384s, event #2684053\n\nCalling finish() at end of Run #0...\n";
const FAILED =
  "\n<!> Error: boom -- at t=1s -- in module (inet::Ipv4) Net.h[1].ipv4 (id=52), at t=1.5s, event #77\n";
const STATISTICS = "\nRun statistics: total 2, successful 1, skipped 1\n\nEnd.\n";

/** Title, output, end, and the outcome of run 0. Exit codes are those of 6.2.0. */
const ENDS: [string, string, ProcessEnd, Partial<Outcome>][] = [
  ["a regular end", BEGIN + REACHED, REGULAR, { state: "done", reason: END, events: 3110, simTime: "100" }],
  [
    "endSimulation()",
    `${BEGIN}<!> Simulation stopped with endSimulation() -- in module (A::B c) Net (id=1), at t=1s, event #3\n`,
    REGULAR,
    { state: "done", reason: "Simulation stopped with endSimulation()", events: 3, simTime: "1" },
  ],
  [
    "SIGTERM from elsewhere",
    BEGIN + SIGINT,
    exit(2),
    { state: "crashed", reason: "SIGINT or SIGTERM received, exiting", simTime: "86097.170528946384" },
  ],
  ["SIGTERM and exit code 0", BEGIN + SIGINT, REGULAR, { state: "crashed" }],
  [
    "SIGTERM in a batch, which counts it as successful",
    BEGIN + SIGINT + STATISTICS,
    exit(2),
    { state: "crashed" },
  ],
  ["cancelled", BEGIN + SIGINT, { ...exit(2), cancelled: true }, { state: "cancelled" }],
  [
    "cancelled, and the fingerprint of the part is wrong",
    `${BEGIN + SIGINT}<!> ${MISMATCH}\n`,
    { ...exit(2), cancelled: true },
    { state: "cancelled" },
  ],
  [
    "cancelled and killed",
    BEGIN,
    { ...killed("SIGKILL"), cancelled: true },
    { state: "cancelled", signal: "SIGKILL" },
  ],
  ["cancelled too late", BEGIN + REACHED, { ...REGULAR, cancelled: true }, { state: "done" }],
  ["timeout", BEGIN + SIGINT, { ...exit(2), timedOut: true }, { state: "timeout" }],
  ["timeout in finish()", BEGIN + REACHED, { ...killed("SIGKILL"), timedOut: true }, { state: "timeout" }],
  ["out of memory", BEGIN, { ...killed("SIGKILL"), outOfMemory: true }, { state: "out-of-memory" }],
  [
    "segmentation fault",
    BEGIN,
    killed("SIGSEGV"),
    { state: "crashed", reason: "killed by SIGSEGV", signal: "SIGSEGV" },
  ],
  [
    "segmentation fault in finish()",
    BEGIN + REACHED,
    killed("SIGSEGV"),
    { state: "crashed", reason: "killed by SIGSEGV" },
  ],
  [
    "an exit code that is not the simulator's",
    BEGIN,
    exit(7),
    { state: "crashed", reason: "exit code 7", exitCode: 7 },
  ],
  ["exit code 1 without an error", BEGIN + REACHED, exit(1), { state: "crashed", reason: "exit code 1" }],
  ["exit(0) by the model", BEGIN, REGULAR, { state: "crashed" }],
  ["a program that is no simulation", "hello\n", REGULAR, { state: "crashed" }],
  [
    "a program that is no simulation, killed",
    "",
    killed("SIGABRT"),
    { state: "crashed", reason: "killed by SIGABRT" },
  ],
  [
    "an error",
    BEGIN + FAILED,
    exit(1),
    { state: "failed", events: 77, simTime: "1.5", error: FAILED.trim().slice("<!> Error: ".length) },
  ],
  [
    "the first of two errors",
    `${BEGIN + FAILED}<!> Error: other -- during network cleanup\n`,
    exit(1),
    { state: "failed", events: 77, error: FAILED.trim().slice("<!> Error: ".length) },
  ],
  [
    "an error elsewhere",
    `${BEGIN}<!> Error -- see results/X-#0.out for details\n`,
    exit(1),
    { state: "failed", error: "see results/X-#0.out for details" },
  ],
  [
    "redirected output, which says why it ended",
    `${BEGIN}Redirecting output to file "results/X-#0.out"...\n`,
    REGULAR,
    { state: "limited", reason: "see results/X-#0.out for the reason" },
  ],
  ["a warning", `${BEGIN}<!> Warning: odd\n${REACHED}`, REGULAR, { state: "done" }],
  [
    "no newline at the end",
    `${BEGIN}<!> CPU time limit reached -- at t=1s, event #7`,
    REGULAR,
    { state: "limited", events: 7 },
  ],
  [
    "single events",
    `${BEGIN}** Event #12  t=0.5  3% completed  (3% total)   Net.host[0] (Host, id=5)\n`,
    killed("SIGKILL"),
    { state: "crashed", events: 12, simTime: "0.5" },
  ],
  [
    "an external scheduler that stopped",
    `${BEGIN}<!> Scheduler interrupted while waiting -- at t=1s, event #7\n`,
    REGULAR,
    { state: "limited" },
  ],
];

test.each(ENDS)("%s", (_title, text, end, expected) => {
  const outcome = outputOf(text).outcomeOf(0, end);
  expect(outcome).toMatchObject(expected);
  if (expected.error === undefined && expected.state !== "cancelled") expect(outcome.error).toBeUndefined();
});

describe("a batch", () => {
  test("the failure of one run leaves those before it completed, and those after it not started", () => {
    const output = outputOf(
      BEGIN + REACHED + NEXT + FAILED + "\nRun statistics: total 3, successful 1, errors 1, skipped 1\n",
    );
    expect([0, 1, 2].map((run) => output.outcomeOf(run, exit(1)).state)).toEqual([
      "done",
      "failed",
      "crashed",
    ]);
    expect(output.outcomeOf(2, exit(1)).reason).toBe("the run was never started");
  });

  test("a crash in one run leaves those before it completed", () => {
    const output = outputOf(BEGIN + REACHED + NEXT);
    expect([0, 1].map((run) => output.outcomeOf(run, killed("SIGSEGV")).state)).toEqual(["done", "crashed"]);
  });

  test("cancelling it leaves the runs before it completed", () => {
    const output = outputOf(BEGIN + REACHED + NEXT + SIGINT + STATISTICS);
    const end = { ...exit(2), cancelled: true };
    expect([0, 1, 2].map((run) => output.outcomeOf(run, end).state)).toEqual([
      "done",
      "cancelled",
      "cancelled",
    ]);
  });

  test("runs continue after a failure if the batch does not stop on errors", () => {
    const output = outputOf(
      BEGIN + FAILED + NEXT + REACHED + "\nRun statistics: total 2, successful 1, errors 1\n",
    );
    expect([0, 1].map((run) => output.outcomeOf(run, exit(1)).state)).toEqual(["failed", "done"]);
  });

  test("a wrong fingerprint affects only its own run", () => {
    const output = outputOf(`${BEGIN}${REACHED}\n<!> ${MISMATCH}\n\n${NEXT}${REACHED}`);
    expect([0, 1].map((run) => output.outcomeOf(run, REGULAR).state)).toEqual(["failed", "done"]);
  });
});

test("a run with a process of its own has not completed if the process failed, whatever the model prints", () => {
  const output = outputOf(BEGIN + REACHED + "\nRun statistics: total 1, successful 1, errors 0\n");
  expect(output.outcomeOf(0, exit(3), true)).toMatchObject({ state: "crashed", reason: "exit code 3" });
  expect(output.outcomeOf(0, exit(0), true).state).toBe("done");
});

test("keeps partial lines of the two streams separate", () => {
  const output = new CmdenvOutput();
  output.write("Preparing for running configuration A, ");
  output.write("undisposed object\n", "stderr");
  output.write("run #4...\n<!> Error: it fails\nPreparing for running configuration A, run #5...\n");
  expect(output.outcomeOf(4, exit(1))).toMatchObject({ state: "failed", error: "it fails" });
});

test("truncates an endless line, and reads what follows", () => {
  const output = new CmdenvOutput();
  for (let megabyte = 0; megabyte < 64; megabyte += 1) output.write("x".repeat(1 << 20));
  output.write(`\n${BEGIN}${REACHED}`);
  expect(output.outcomeOf(0, REGULAR).state).toBe("done");
});

test("has an error line for everything that has not completed", () => {
  expect(errorLine({ state: "done", reason: END })).toBeUndefined();
  expect(errorLine({ state: "limited", reason: CPU })).toBe(CPU);
  expect(errorLine({ state: "failed", reason: "exit code 1", error: "boom" })).toBe("boom");
});
