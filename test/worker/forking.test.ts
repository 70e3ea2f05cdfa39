import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Run } from "../../src/model/run.ts";
import { endProcessesOf } from "../../src/system/marked-processes.ts";
import {
  ForkLibrary,
  forkingEnvironment,
  readForkedRuns,
  type ForkedRun,
} from "../../src/worker/execute/forking.ts";
import { makeForkingOmnetpp } from "../helpers/forking-omnetpp.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

interface Ended {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
  ran: ForkedRun[] | undefined;
}

describeWithService("g++", "runs in copies of one process", () => {
  let omnetpp: Awaited<ReturnType<typeof temporaryDirectory>>;
  let bin: string;
  let library: string;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

  const pathWith = (...folders: string[]): NodeJS.ProcessEnv => ({
    PATH: [...folders, process.env["PATH"]].join(path.delimiter),
  });
  const runsOf = (config: string, numbers: readonly number[]): Run[] =>
    numbers.map((runNumber) => ({ config, runNumber, iterationVariables: {}, repetition: 0 }));

  beforeAll(async () => {
    omnetpp = await temporaryDirectory();
    bin = await makeForkingOmnetpp(omnetpp.path);
    library = (await new ForkLibrary(path.join(omnetpp.path, "forking")).find("release", pathWith(bin)))!;
  });
  afterAll(() => omnetpp[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await temporaryDirectory();
    return async () => {
      await endProcessesOf(folder.path);
      await folder[Symbol.asyncDispose]();
    };
  });

  /** Executes runs of a config, as a worker starts them: by a shell. */
  async function execute(config: string, numbers: number[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const runs = runsOf(config, numbers);
    const forks = path.join(folder.path, "forks");
    await mkdir(forks);
    const forking = { library, folder: forks };
    const args = ["-c", 'exec "$@"', "sh", path.join(bin, "opp_run"), "-c", config, "-r", String(numbers[0])];
    const options = {
      cwd: folder.path,
      env: forkingEnvironment({ ...pathWith(bin), ...env }, forking, runs),
    };
    return await new Promise((resolve) => {
      execFile("/bin/sh", args, options, (error, stdout, stderr) =>
        resolve({
          code: error === null ? 0 : error.code,
          stdout,
          stderr,
          ran: readForkedRuns(forking, runs),
        }),
      );
    });
  }

  const called = (name: string): string => `the model has called ${name}`;
  const scalars = async (name: string): Promise<string> =>
    await readFile(path.join(folder.path, "results", `${name}.sca`), "utf8");

  it("find the process as if each were its only run", async () => {
    const { code, stdout, stderr, ran } = await execute("Quick", [3, 7, 12]);
    expect([code, stderr]).toEqual([0, ""]);
    const processes = new Set<string>();
    for (const run of [3, 7, 12]) {
      const text = await scalars(`Quick-${run}`);
      expect(text).toContain("scalar Net executed 1\n");
      expect(text).toContain('attr preload ""\n');
      processes.add(/processid (\d+)/.exec(text)![1]!);
    }
    expect(processes.size).toBe(3);
    expect(await scalars("Quick-12")).toContain('attr arguments "-c Quick -r 12 "\n');
    expect(stdout).toMatch(/Setting up Cmdenv\.\.\.\n$/);
    expect(ran!.map(({ runNumber }) => runNumber)).toEqual([3, 7, 12]);
    for (const { runNumber, printed } of ran!) {
      const text = printed.toString();
      expect(text.match(/run #\d+\.\.\.$/gm)).toEqual([`run #${runNumber}...`]);
      expect(text).toMatch(/^\nPreparing [^]*\nEnd\.\n$/);
    }
  });

  it("have their output to themselves, as they printed it", async () => {
    const { ran, stderr } = await execute("Noisy", [3, 4, 5]);
    expect(stderr).toBe("");
    const printed = ran!.map((run) => run.printed.toString("latin1"));
    expect(printed[1]).toContain("Run statistics: total M\u00fcll\n");
    expect(printed[1]).toContain("no newline at the end");
    expect(printed[0]!.replaceAll("#3", "#5").replaceAll(/runID=\S+/g, "")).toBe(
      printed[2]!.replaceAll(/runID=\S+/g, ""),
    );
  });

  it("are measured one by one", async () => {
    const { ran } = await execute("Large", [3, 4, 5]);
    const [before, large, after] = ran!.map(({ peakMemoryBytes }) => peakMemoryBytes);
    expect(large).toBeGreaterThan(64 * 2 ** 20);
    expect(Math.max(before!, after!)).toBeLessThan(32 * 2 ** 20);
    for (const { wallMs, startedAt } of ran!) {
      expect(wallMs).toBeGreaterThanOrEqual(0);
      expect(Math.abs(Date.now() - startedAt)).toBeLessThan(60_000);
    }
  });

  it("keep the user's own libraries in LD_PRELOAD", async () => {
    const other = path.join(omnetpp.path, "lib", "liboppenvir.so");
    expect((await execute("Quick", [1], { LD_PRELOAD: other })).code).toBe(0);
    expect(await scalars("Quick-1")).toContain(`attr preload "${other}"`);
  });

  it.each([
    ["fails", "Broken", 1],
    ["is killed", "Killed", 137],
  ])("end with the first that %s", async (_, config, exitCode) => {
    const { code, ran } = await execute(config, [3, 4, 5]);
    expect(code).toBe(exitCode);
    expect(ran).toBeUndefined();
    expect(
      (await readdir(path.join(folder.path, "results"))).filter((name) => name.endsWith("-5.sca")),
    ).toEqual([]);
  });

  it.each([
    ["has several threads", "Threads", "it has several threads"],
    ["has opened a file", "OpenFile", "it has opened a file"],
    ["shares memory", "SharedMemory", "it has shared memory"],
    ["has drawn a random number", "Random", called("_ZNSt13random_device9_M_getvalEv")],
    ["has read the clock", "Clock", called("_ZNSt6chrono3_V212system_clock3nowEv")],
    ["has asked for the time", "Seconds", called("time")],
    ["has started a stopwatch", "Stopwatch", called("_ZNSt6chrono3_V212steady_clock3nowEv")],
    ["has read a device", "Device", called("fopen")],
    ["has asked for its process id", "Process", called("getpid")],
    ["has created a folder", "Folder", called("mkdtemp")],
    ["has written a file", "Stream", called("fopen")],
  ])("are not executed in a process that %s before they begin", async (_, config, reason) => {
    const { code, stderr, ran } = await execute(config, [3, 4]);
    expect(code).toBe(70);
    expect(stderr).toContain(`cannot execute several runs in copies of one process: ${reason}`);
    expect(ran).toBeUndefined();
    expect(await readdir(folder.path)).not.toContain("results");
  });

  it("are executed in a process that has done what is the same for each", async () => {
    expect((await execute("Harmless", [3, 4])).ran).toHaveLength(2);
  });

  it.each([
    ["removed a file, which another would not find", "Removal"],
    ["started a program, which may do anything", "Program"],
    ["looked at the files in a folder, with those of others", "Listing"],
  ])("do not count if one of them has %s", async (_, config) => {
    const { code, ran } = await execute(config, [3, 4, 5]);
    expect([code, ran]).toEqual([0, undefined]);
  });

  it("do not count if one of them leaves a process, which runs beside another", async () => {
    const { code, ran, stderr } = await execute("Background", [3, 4, 5]);
    expect([code, ran]).toEqual([70, undefined]);
    expect(stderr).toContain("a run has left a process");
  });

  it.each<{ without: string; env: (place: string) => NodeJS.ProcessEnv }>([
    { without: "a compiler", env: () => ({ PATH: bin }) },
    { without: "a simulator", env: (place) => ({ PATH: place }) },
    { without: "the function of OMNeT++ in its library", env: (place) => pathWith(path.join(place, "bin")) },
  ])("are not possible without $without", async ({ env }) => {
    for (const name of ["bin", "lib"]) await mkdir(path.join(folder.path, name));
    await writeFile(path.join(folder.path, "bin", "opp_run"), "#!/bin/sh\n", { mode: 0o755 });
    await writeFile(path.join(folder.path, "lib", "liboppenvir.so"), "another OMNeT++");
    const place = path.join(folder.path, "forking");
    expect(await new ForkLibrary(place).find("release", env(folder.path))).toBeUndefined();
  });

  it("are not possible if the path of the library cannot be named in LD_PRELOAD", async () => {
    const place = path.join(folder.path, "with a blank");
    expect(await new ForkLibrary(place).find("release", pathWith(bin))).toBeUndefined();
  });
});
