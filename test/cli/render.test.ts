import { describe, expect, it } from "vitest";
import { formatDuration, formatTable, shorten } from "../../src/cli/format.ts";
import { CampaignRenderer } from "../../src/cli/render.ts";
import type { OutcomeState } from "../../src/model/outcome.ts";
import type { RunRecord } from "../../src/model/result.ts";

const run = (runNumber: number) => ({
  config: "C",
  runNumber,
  iterationVariables: { a: "1" },
  repetition: 0,
});

const record = (runNumber: number, state: OutcomeState, more: Partial<RunRecord> = {}): RunRecord => ({
  format: 1, campaign: "c1", ...run(runNumber), state, reason: "error", wallTimeMs: 1500, startedAt: "", finishedAt: "",
  worker: "w", commit: "", build: "", omnetpp: "", arguments: [], files: [], ...more,
}); // prettier-ignore

/** A renderer on a terminal of that many columns, or on none. */
function renderer(columns?: number, options: { quiet?: boolean; verbose?: boolean } = {}) {
  const written = { stdout: "", stderr: "" };
  const clock = { now: 0 };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => Boolean((written[name] += text)),
    isTTY: columns !== undefined,
    columns: columns ?? 0,
  });
  const shown = new CampaignRenderer({
    quiet: options.quiet ?? false,
    verbose: options.verbose ?? false,
    directory: "/study",
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    now: () => clock.now,
  });
  return { shown, written, clock };
}

const summary = (failed: RunRecord[]) => ({
  type: "ended" as const,
  summary: {
    campaign: "c1",
    states: { failed: failed.length, done: 2 },
    wallTimeMs: 61_000,
    resultDirectory: "/study/results",
    failed,
  },
});

describe("on a terminal", () => {
  it("shows one line that changes, no wider than the terminal, with the time left", () => {
    const { shown, written, clock } = renderer(60);
    shown.show({ type: "queued", campaign: "c1", runs: 4 });
    clock.now = 10_000;
    shown.show({ type: "finished", run: run(0), record: record(0, "done"), warnings: [] });
    shown.show({ type: "started", run: run(1) });
    clock.now = 20_000;
    shown.show({ type: "progress", run: run(1), progress: { events: 1, simTime: "1", percent: 60 } });
    const lines = written.stderr.split("\r").map((line) => line.replace("\u001b[K", ""));
    expect(lines.at(-1)).toBe("1 of 4 runs done, 1 running, 40 %, about 30 s left");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(60);
    expect(written.stderr).not.toContain("\n");
  });

  it("keeps the line of progress below a warning", () => {
    const { shown, written, clock } = renderer(80);
    shown.show({ type: "queued", campaign: "c1", runs: 3 });
    clock.now = 1000;
    shown.show({ type: "finished", run: run(0), record: record(0, "done"), warnings: ["look"] });
    shown.show({ type: "finished", run: run(1), record: record(1, "done"), warnings: ["here"] });
    const plain = written.stderr.replaceAll("\u001b[K", "");
    expect(plain).toMatch(/warning: look\n\r1 of 3 runs done[^\n]*\rwarning: here\n\r1 of 3 runs done/);
  });

  it("fits the table of failed runs into its width, but never cuts a path", () => {
    const { shown, written } = renderer(60);
    const error = "x".repeat(200);
    shown.show(summary([record(7, "failed", { error, outputFile: `results/failed/${"y".repeat(80)}.out` })]));
    const lines = written.stdout.split("\n");
    expect(lines[0]).toMatch(/^run +state +variables +reason$/);
    expect(lines[1]).toHaveLength(60);
    expect(lines[2]).toBe(`     results/failed/${"y".repeat(80)}.out`);
  });
});

describe("without a terminal", () => {
  it("prints a line for each run and no control characters", () => {
    const { shown, written } = renderer();
    shown.show({ type: "queued", campaign: "c1", runs: 2 });
    shown.show({ type: "finished", run: run(0), record: record(0, "failed", { error: "no" }), warnings: [] });
    shown.show(summary([record(0, "failed", { error: "no" })]));
    expect(written.stderr).toBe("[1/2] C #0 $a=1, $repetition=0: failed after 1.5 s: no\n");
    expect(written.stdout).toContain(
      "3 runs in 1 min 01 s: 2 done, 1 failed. Results are in results, of the others in results/failed.\n",
    );
  });

  it("is silent with --quiet unless something went wrong", () => {
    const { shown, written } = renderer(undefined, { quiet: true });
    shown.show({ type: "expanded", config: "C", runs: 2 });
    shown.show({ type: "warning", message: "look", details: [] });
    shown.show(summary([]));
    expect(written).toEqual({ stderr: "warning: look\n", stdout: "" });
  });
});

it.each([
  [7, "7 ms"],
  [440, "0.4 s"],
  [12_300, "12 s"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 05 min"],
  [280_000_000, "3 d 5 h"],
])("%d ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

it("aligns columns and shortens texts visibly", () => {
  expect(
    formatTable([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
  ).toEqual(["a    bb", "ccc  d"]);
  expect(shorten("abcdef", 4)).toBe("abc…");
});
