import { readFile } from "node:fs/promises";
import path from "node:path";
import { Queue, type Job } from "bullmq";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import type { Run } from "../../src/model/run.ts";
import { RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { makeForkingOmnetpp } from "../helpers/forking-omnetpp.ts";
import { describeWithService } from "../helpers/services.ts";
import { pidsOf, stateFolder } from "../helpers/swarm.ts";
import { newSample, newUser, STAND_IN, type Finished, type Sample, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "several runs in one process", () => {
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

  const runall = (place: Sample, ...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd: place.study });
  const resultsOf = (place: Sample): string => path.join(place.study, "results");
  const records = async (stdout: string): Promise<RunRecord[]> => {
    const id = /"campaign":"([a-z0-9]{8})"/.exec(stdout)?.[1];
    return await readRecords(resultsOf(sample), id!);
  };
  /** The processes that have executed runs, according to their result files. */
  const processes = async (): Promise<Set<string>> => {
    const scalars = (await sample.results()).filter((file) => file.endsWith(".sca"));
    const texts = await Promise.all(scalars.map((file) => sample.read(`results/${file}`)));
    return new Set(texts.map((text) => /^attr processid (\d+)$/m.exec(text)![1]!));
  };

  it("leave what each run leaves on its own, with a record and an output of its own", async () => {
    const { exitCode, stdout } = await runall(sample, "--json", "-b", "5", "-c", "Quick", "--repeat=8");
    expect(exitCode).toBe(0);
    const made = await records(stdout);
    expect(made.map((record) => record.runNumber)).toEqual(Array.from({ length: 32 }, (_, number) => number));
    for (const record of made) {
      expect(record).toMatchObject({ state: "done", simTime: "1000", exitCode: 0 });
      const output = await sample.read(record.outputFile!);
      expect(output.match(/run #\d+\.\.\.$/gm)).toEqual([`run #${record.runNumber}...`]);
    }
    expect((await processes()).size).toBeLessThan(32);

    await using alone = await newSample();
    await runall(alone, "-b", "1", "-c", "Quick", "--repeat=8");
    const { files, differences } = await compareResults(resultsOf(alone), resultsOf(sample));
    expect(differences).toEqual([]);
    expect(files).toBe(96);
  });

  it("end individually if one of them fails", async () => {
    const { stdout, exitCode } = await runall(sample, "--json", "-b", "6", "-c", "Broken", "--repeat=6");
    expect(exitCode).toBe(1);
    const states = (await records(stdout)).map((record) => record.state);
    expect(states).toEqual(
      Array.from({ length: 18 }, (_, run) => (run >= 6 && run < 12 ? "failed" : "done")),
    );
  });

  /** A config with four short runs and then four that do not end. */
  const writeUneven = async (): Promise<void> => {
    const ini = await sample.read("omnetpp.ini");
    const uneven = "[Config Uneven]\nsim-time-limit = ${limit=10s,1e9s}\nrepeat = 4\n";
    await sample.write({ "simulations/omnetpp.ini": `${ini}\n${uneven}` });
  };

  it("end individually if one of them takes too long", async () => {
    await writeUneven();
    const { stdout } = await runall(sample, "--json", "-b", "4", "--timeout", "8s", "-c", "Uneven");
    const ends = await records(stdout);
    expect(ends.map((record) => [record.iterationVariables["limit"], record.state])).toEqual(
      ends.map(({ iterationVariables: { limit } }) => [limit, limit === "10s" ? "done" : "timeout"]),
    );
    expect(ends).toHaveLength(8);
  });

  it("end together when their campaign is cancelled", async () => {
    await writeUneven();
    const options = { cwd: sample.study };
    const { child, finished } = user.start("runall-swarm", ["--json", "-b", "4", "-c", "Uneven"], options);
    let done = 0;
    child.stdout!.on(
      "data",
      (chunk: Buffer) => (done += chunk.toString().split('"state":"done"').length - 1),
    );
    await expect.poll(() => done).toBeGreaterThanOrEqual(2); // from now on they are executed together
    child.kill("SIGINT");
    const { stdout, exitCode } = await finished;
    expect(exitCode).toBe(130);
    const {
      done: whole,
      cancelled,
      ...others
    } = JSON.parse(/"states":({[^}]*})/.exec(stdout)![1]!) as Record<string, number>;
    expect(whole! + cancelled!).toBe(8);
    expect(cancelled).toBeGreaterThanOrEqual(4);
    expect(Object.values(others).every((count) => count === 0)).toBe(true);
    // A run that is executed alone when it is cancelled has a record, and perhaps results up to then.
    const alone = (await records(stdout)).filter(({ state }) => state === "cancelled").length;
    const scalars = (await sample.results()).filter((file) => file.endsWith(".sca"));
    expect(scalars.length).toBeGreaterThanOrEqual(whole!);
    expect(scalars.length).toBeLessThanOrEqual(whole! + alone);
  });

  it("are executed if another one is malformed, and the message names what is wrong", async () => {
    const { runner } = await pidsOf(user);
    process.kill(runner!, "SIGSTOP");
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const queue = new Queue(RUN_QUEUE, { connection });
    try {
      const args = ["--json", "-b", "5", "-c", "Quick", "--repeat=6"];
      const { child, finished } = user.start("runall-swarm", args, { cwd: sample.study });
      let told = "";
      child.stdout!.on("data", (chunk: Buffer) => (told += chunk.toString()));
      await expect.poll(() => told).toContain('"type":"queued"');
      const id = /"campaign":"([a-z0-9]{8})"/.exec(told)![1]!;
      const job = (await queue.getJob(`${id}-13`)) as Job;
      await job.updateData({ ...(job.data as object), run: { config: "Quick", runNumber: -13 } });
      process.kill(runner!, "SIGCONT");
      const ends = await records((await finished).stdout);
      expect(ends.map(({ runNumber, state }) => [runNumber, state])).toEqual(
        Array.from({ length: 24 }, (_, number) => [number, number === 13 ? "crashed" : "done"]),
      );
      expect(ends[13]!.reason).toMatch(/queued run.*run/);
    } finally {
      process.kill(runner!, "SIGCONT");
      await queue.close();
    }
  });

  it("lose no file if they write files of one name", async () => {
    const args = ["-c", "Quick", "--output-scalar-file=results/all.sca", "--vector-recording=false"];
    const { exitCode } = await runall(sample, "-b", "4", ...args);
    expect(exitCode).toBe(0);
    const scalars = (await sample.results()).filter((file) => file.endsWith(".sca"));
    expect(scalars).toHaveLength(8);
    const texts = await Promise.all(scalars.map((file) => sample.read(`results/${file}`)));
    expect(new Set(texts.map((text) => /^attr runnumber (\d+)$/m.exec(text)![1])).size).toBe(8);
  });

  it("have a batch size of at least one", async () => {
    const { exitCode, stderr } = await runall(sample, "-b", "0", "-c", "Quick");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("the batch size must be at least 1");
  });
});

describeWithService(["redis-server", "g++"], "runs in copies of one process", () => {
  let user: User;
  let study: Repository;

  beforeAll(async () => {
    user = await newUser();
    const bin = await makeForkingOmnetpp(path.join(user.directory, "omnetpp"));
    const PATH = [bin, user.env["PATH"]!].join(path.delimiter);
    Object.assign(user.env, { PATH, FORKING_OTHERWISE: path.join(STAND_IN, "opp_run") });
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    const limits = "network = Net\nsim-time-limit = ${limit=1s,2s,3s,4s}\n";
    study = await makeRepository({
      "omnetpp.ini": `[Config Quick]\n${limits}[Config Flood]\n${limits}`,
      "package.ned": "network Net\n{\n}\n",
    });
    return () => study[Symbol.asyncDispose]();
  });

  it("are executed without being asked for, each with a result, an output and a process of its own", async () => {
    const args = ["--json", "-c", "Quick", "--repeat=10"];
    const { exitCode, stdout } = await user.run("runall-swarm", args, { cwd: study.path });
    expect(exitCode).toBe(0);
    const id = /"campaign":"([a-z0-9]{8})"/.exec(stdout)![1]!;
    const made = await readRecords(path.join(study.path, "results"), id);
    expect(made).toHaveLength(40);
    const processes = new Set<string>();
    for (const { runNumber, state, outputFile } of made) {
      expect(state).toBe("done");
      const text = await readFile(path.join(study.path, `results/Quick-${runNumber}.sca`), "utf8");
      expect(text).toContain("scalar Net executed 1\n");
      processes.add(/processid (\d+)/.exec(text)![1]!);
      expect((await readFile(path.join(study.path, outputFile!), "utf8")).match(/run #\d+\.\.\.$/gm)).toEqual(
        [`run #${runNumber}...`],
      );
    }
    expect(processes.size).toBe(40);
    const batches = stdout.split("\n").filter((line) => line.startsWith('{"type":"batch"'));
    const together = batches.flatMap((line) => (JSON.parse(line) as { others: Run[] }).others);
    expect(together.length).toBeGreaterThan(0);
    for (const { runNumber } of together) expect(made[runNumber]!.peakMemoryBytes).toBeGreaterThan(0);
  });

  it("are executed one by one if one of them prints for ever", async () => {
    const args = ["--json", "-c", "Flood", "--repeat=3", "--timeout", "4s"];
    const { stdout } = await user.run("runall-swarm", args, { cwd: study.path });
    const id = /"campaign":"([a-z0-9]{8})"/.exec(stdout)![1]!;
    const made = await readRecords(path.join(study.path, "results"), id);
    expect(made.map(({ state }) => state)).toEqual(
      Array.from({ length: 12 }, (_, run) => (run === 4 ? "timeout" : "done")),
    );
  });
});
