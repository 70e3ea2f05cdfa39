import { execFile, type ChildProcess } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { readRecord } from "../../src/campaign/collect/records.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";
import { describeWithService } from "../helpers/services.ts";
import { holdRuns } from "../helpers/swarm.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

/** Resolves when the child has printed a text on stderr. */
function printed(child: ChildProcess, wanted: string): Promise<void> {
  let all = "";
  return new Promise((resolve) =>
    child.stderr!.on("data", (chunk: Buffer) => {
      all += chunk.toString();
      if (all.includes(wanted)) resolve();
    }),
  );
}

describeWithService("redis-server", "runall-swarm on this machine", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
    return () => sample[Symbol.asyncDispose]();
  });

  const runall = (...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd: sample.study });
  const record = (config: string, runNumber: number) =>
    readRecord(path.join(sample.study, "results"), { config, runNumber });

  it("leaves what a local run leaves, with a record of each run", async () => {
    const { exitCode, stdout, stderr } = await runall("-c", "Quick", "-r", "0..3");
    expect(stderr).toContain("building");
    expect(stdout).toMatch(/^run time .*, CPU time .*\nlongest: /);
    expect(stdout).toMatch(/\n4 runs in .*: 4 done\. Results \(.* KB\) are in results\.\n$/);
    expect(exitCode).toBe(0);
    const names = (await sample.results()).filter((file) =>
      file.startsWith("Quick-arrivalRate=0.3,serviceRate=1-#0"),
    );
    expect(names.map((name) => path.extname(name))).toEqual([".out", ".sca", ".vci", ".vec"]);
    expect(await record("Quick", 3)).toMatchObject({
      state: "done",
      exitCode: 0,
      repetition: 1,
      simTime: "1000",
      reason: "Simulation time limit reached",
    });
    expect(await sample.git("status", "--porcelain")).toBe("");

    await using local = await newSample();
    const args = ["-u", "Cmdenv", "-s", "-l", "../src/any", "-n", "../src:.", "-c", "Quick", "-r", "0..3"];
    await local.write({ "src/libany.so": "" });
    await promisify(execFile)("opp_run", args, { cwd: local.study, env: user.env });
    const { files, differences } = await compareResults(
      path.join(local.study, "results"),
      path.join(sample.study, "results"),
    );
    expect(differences).toEqual([]);
    expect(files).toBe(12);
  });

  it("reports failed runs with the simulator's message, and keeps their files separate", async () => {
    const { exitCode, stdout } = await runall("-c", "Broken");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("3 runs in");
    expect(stdout).toContain("2 done, 1 failed");
    const failed = await record("Broken", 1);
    expect(failed).toMatchObject({
      state: "failed",
      exitCode: 1,
      error: expect.stringContaining("in module (mm1::Queue) Mm1.queue") as string,
    });
    expect(stdout).toContain(failed!.error!);
    expect(stdout).toContain(failed!.outputFile!);
    expect(failed!.outputFile).toMatch(/^results\/failed\/.*\.out$/);
    expect(await sample.read(failed!.outputFile!)).toContain("<!> Error");
    const files = await sample.results();
    expect(files.filter((file) => file.endsWith(".sca") && !file.startsWith("failed/"))).toHaveLength(2);
    expect(files.filter((file) => file.startsWith("failed/") && !file.endsWith(".out"))).not.toEqual([]);
  });

  it("reports truncated results", async () => {
    const { exitCode, stdout } = await runall("-c", "Endless", "--cpu-time-limit=0.1s");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("CPU time limit reached");
    expect(await record("Endless", 0)).toMatchObject({ state: "limited", exitCode: 0 });
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toEqual([
      "failed/Endless-#0.sca",
    ]);
  });

  it("loses no file when runs write files of the same name", async () => {
    const { exitCode, stderr } = await runall(
      "-c",
      "Quick",
      "-r",
      "0..2",
      "--output-scalar-file=results/all.sca",
    );
    expect(exitCode).toBe(0);
    expect(stderr.match(/warning: results\/all\.sca is also written by Quick #/g)).toHaveLength(2);
    const scalars = (await sample.results()).filter((file) => file.endsWith(".sca"));
    expect(scalars).toEqual(["all.Quick-0.sca", "all.Quick-1.sca", "all.sca"]);
    expect(await sample.read("results/all.sca")).toContain(
      "attr repetition 0\nattr replication #0\n".split("\n")[0]!,
    );
    expect((await record("Quick", 2))?.files.map((file) => file.path)).toContain("results/all.sca");
  });

  it("passes arguments on as they were typed", async () => {
    const { exitCode } = await runall(
      "-c",
      "Quick",
      "-r",
      "$arrivalRate==0.3 && $serviceRate==2",
      "--",
      '--description=two words, "quoted"',
    );
    expect(exitCode).toBe(0);
    expect((await record("Quick", 2))?.arguments).toEqual([
      "-c",
      "Quick",
      "-r",
      "$arrivalRate==0.3 && $serviceRate==2",
      '--description=two words, "quoted"',
    ]);
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(2);
  });

  it("lists the runs with --dry-run and executes none", async () => {
    const { exitCode, stdout } = await runall("--dry-run", "-c", "Quick", "-r", "6..7");
    expect(stdout).toBe(
      "Quick #6: $arrivalRate=0.6, $serviceRate=2, $repetition=0\nQuick #7: $arrivalRate=0.6, $serviceRate=2, $repetition=1\n",
    );
    expect(exitCode).toBe(0);
    expect((await readdir(sample.study)).sort()).toEqual(["omnetpp.ini"]);
  });

  it("runs the working tree, and reports which files are not committed", async () => {
    const quick = "\n[Config Fresh]\nextends = Quick\ndescription = not committed\n";
    const ini = await readFile(path.join(sample.study, "omnetpp.ini"), "utf8");
    await sample.write({ "simulations/omnetpp.ini": ini + quick, "simulations/notes.txt": "" });
    const before = await sample.everything();
    const { exitCode, stderr } = await runall("--verbose", "-c", "Fresh", "-r", "0");
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(
      /^sent 2 changed files \(simulations\/notes.txt, simulations\/omnetpp.ini\): \d+ B$/m,
    );
    expect(await record("Fresh", 0)).toMatchObject({
      changedFiles: 2,
      commit: await sample.git("rev-parse", "HEAD"),
    });
    expect(await sample.everything()).toEqual(before);
  });

  it("runs another commit than the one that is checked out", async () => {
    await sample.git("tag", "before");
    await sample.commit({ "simulations/omnetpp.ini": "[General]\nnetwork = Nothing\n" });
    expect(await runall("--commit", "before", "-c", "Quick", "-r", "0")).toMatchObject({ exitCode: 0 });
    expect((await record("Quick", 0))?.commit).toBe(await sample.git("rev-parse", "before"));
  });

  it("uses the program that was built here, and builds nothing", async () => {
    await promisify(execFile)("opp_makemake", ["-f", "--deep", "-o", "mm1"], {
      cwd: path.join(sample.path, "src"),
      env: user.env,
    });
    await promisify(execFile)("make", ["MODE=release"], {
      cwd: path.join(sample.path, "src"),
      env: user.env,
    });
    const { exitCode, stderr } = await runall("--verbose", "../src/mm1", "-c", "Quick", "-r", "0");
    expect(stderr).toContain("using the binaries of this checkout");
    expect(exitCode).toBe(0);
  });

  it("cancels queued runs and stops running ones on Ctrl-C, and collects completed ones", async () => {
    await using slow = await newUser();
    await slow.run("swarm-tool", ["init", "--local", "--runners", "1"]);
    await using _ = await holdRuns(slow, 1);
    const { child, finished } = slow.start("runall-swarm", ["-c", "Load"], { cwd: sample.study });
    await printed(child, "[1/12]");
    child.kill("SIGINT");
    const { exitCode, stdout } = await finished;
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/^12 runs in .*cancelled/m);
    expect((await sample.results()).filter((file) => /^Load.*\.sca$/.test(file)).length).toBeGreaterThan(0);
    const { jobs } = (
      JSON.parse((await slow.run("swarm-tool", ["status", "--json"])).stdout) as [{ jobs: object }]
    )[0];
    expect(jobs).toEqual({ waiting: 0, running: 0, uncollected: 0 });
  });
});
