import { createHash } from "node:crypto";
import { chmod, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { MongoClient, type Binary, type Db } from "mongodb";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CAN_BE_FULL, describeWithMongo, startMongo, type MongoServer } from "../helpers/mongo.ts";
import { eventually, holdRuns, jobsOf, listen, mustRun, stateFolder } from "../helpers/swarm.ts";
import { lookingProgram } from "../helpers/looking-program.ts";
import { compareResults } from "../real-omnetpp/compare-results.js";
import type { RunRecord } from "../../src/model/result.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

describeWithMongo("a swarm that stores its results in MongoDB", () => {
  let mongo: MongoServer;
  let user: User;
  let sample: Sample;

  beforeEach(async () => {
    [mongo, user, sample] = await Promise.all([startMongo(), newUser(), newSample()]);
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
    await sample[Symbol.asyncDispose]();
    await mongo[Symbol.asyncDispose]();
  });

  const init = async (): Promise<void> => {
    const env = { MONGO_URL: mongo.url };
    const args = ["init", "--local", "--mongo", "--runners", "2"];
    expect(await user.run("swarm-tool", args, { env })).toMatchObject({ exitCode: 0, stderr: "" });
  };
  const records = async (): Promise<RunRecord[]> => {
    const names = (await sample.results()).filter((file) => /^\.swarm\/.*json$/.test(file));
    const texts = await Promise.all(names.map((name) => sample.read(path.join("results", name))));
    return texts.map((text) => JSON.parse(text) as RunRecord);
  };

  /** Names and number of the documents that the database still contains. */
  const leftInMongo = (): Promise<string[]> =>
    inMongo(async (db) => {
      const names = (await db.listCollections().toArray()).map(({ name }) => name).sort();
      const counts = await Promise.all(names.map((name) => db.collection(name).countDocuments()));
      return names.flatMap((name, index) => (counts[index]! > 0 ? [`${name}: ${counts[index]!}`] : []));
    });
  const inMongo = async <T>(work: (db: Db) => Promise<T>): Promise<T> => {
    const client = new MongoClient(mongo.url);
    try {
      return await work(client.db());
    } finally {
      await client.close();
    }
  };

  it("returns the same files as one with a directory, and leaves none behind", async () => {
    await init();
    const finished = await runQuick(user, sample);
    expect(finished.exitCode).toBe(0);
    expect(finished.stderr).not.toContain("warning");
    expect(await leftInMongo()).toEqual(BUILD_ALONE);
    expect(await readdir(stateFolder(user))).not.toContain("results");
    expect((await stat(path.join(stateFolder(user), "swarm.json"))).mode & 0o777).toBe(0o600);
    for (const file of (await records()).flatMap(({ files }) => files)) {
      const hash = await sha256(path.join(sample.study, file.path));
      expect([file.path, hash]).toEqual([file.path, file.sha256]);
    }

    await using other = await newUser();
    await using reference = await newSample();
    await mustRun(other, ["init", "--local", "--runners", "2"]);
    expect(await runQuick(other, reference)).toMatchObject({ exitCode: 0 });
    expect(await resultsOf(sample)).toEqual(await resultsOf(reference));
    const folders = [reference, sample].map(({ study }) => path.join(study, "results")) as [string, string];
    expect(await compareResults(...folders)).toMatchObject({ differences: [] });
  });

  it("hides its URL from runs: in the environment, in parent processes, and on command lines", async () => {
    await init();
    await sample.write({ "simulations/sim.sh": lookingProgram() });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    const args = ["./sim.sh", "-c", "Quick", "-r", "0"];
    const env = { MONGO_URL: mongo.url, FIRST_TOKEN: "secret" };
    const finished = await user.run("runall-swarm", args, { cwd: sample.study, env });
    expect(finished).toMatchObject({ exitCode: 0 });
    const printed = await readFile(path.join(sample.study, (await records())[0]!.outputFile!), "utf8");
    expect(printed).toContain("looked at: swarm-worker.js runner --redis");
    expect(printed.slice(0, printed.indexOf("looked at all"))).not.toContain(mongo.url);
    expect(printed).not.toMatch(/(?:MONGO_URL|TOKEN)/);
  });

  it("waits while MongoDB is not running, reports it, and executes no run twice", async () => {
    await init();
    await using held = await holdRuns(user, 1);
    const campaign = user.start("runall-swarm", ["-c", "Quick"], { cwd: sample.study });
    const told = listen(campaign);
    await eventually(async () => expect(await records()).not.toEqual([]));
    await mongo.kill();
    await held.release();
    await told("is not responding");
    await mongo.start();
    const { exitCode, stdout } = await campaign.finished;
    expect([stdout, exitCode]).toEqual([expect.stringContaining("8 done"), 0]);
    expect((await records()).map(({ state }) => state)).toEqual(Array(8).fill("done"));
    expect(await leftInMongo()).toEqual(BUILD_ALONE);
  });

  it.runIf(CAN_BE_FULL)(
    "keeps results for which MongoDB has no free space, and continues when it has",
    async () => {
      await init();
      await mongo.kill();
      await mongo.start({ maxBytes: 128 * 1024 });
      const { stdout } = await user.run("runall-swarm", ["--detach", "-c", "Quick"], { cwd: sample.study });
      const id = /attach (\S+)/.exec(stdout)![1]!;
      const log = path.join(stateFolder(user), "logs", "runner.log");
      await eventually(async () => expect(await readFile(log, "utf8")).toContain("refuses results"));
      await mongo.kill();
      await mongo.start();
      const attached = await user.run("runall-swarm", ["attach", id], { cwd: sample.study });
      expect(attached.exitCode).toBe(0);
      expect((await records()).map(({ state }) => state)).toEqual(Array(8).fill("done"));
    },
  );

  it("executes a run again whose result is damaged in the database", async () => {
    await init();
    const { stdout } = await user.run("runall-swarm", ["--detach", "-c", "Quick"], { cwd: sample.study });
    const id = /attach (\S+)/.exec(stdout)![1]!;
    await eventually(async () => expect((await jobsOf(user)).uncollected).toBe(8));
    await inMongo(async (db) => {
      const files = db.collection("results.files");
      const [first, second] = await files.find().sort({ filename: 1 }).limit(2).toArray();
      const chunks = db.collection("results.chunks");
      await chunks.deleteMany({ files_id: first!._id });
      const { data } = (await chunks.findOne({ files_id: second!._id })) as unknown as { data: Binary };
      data.buffer[Math.floor(data.length() / 2)]! ^= 1;
      await chunks.updateOne({ files_id: second!._id }, { $set: { data } });
    });
    const attached = await user.run("runall-swarm", ["attach", id], { cwd: sample.study });
    expect(attached.exitCode).toBe(0);
    expect(attached.stdout + attached.stderr).toMatch(/ is retried: .*: it is truncated/);
    expect((await records()).map(({ state }) => state)).toEqual(Array(8).fill("done"));
  });
});

/** What remains in the database when all results have been collected. */
const BUILD_ALONE = [expect.stringMatching(/^builds\.chunks/), "builds.files: 1"];

function runQuick(user: User, sample: Sample): Promise<Finished> {
  return user.run("runall-swarm", ["-c", "Quick"], { cwd: sample.study });
}

/** The names of its results; those of an index name the campaign, which is different in each swarm. */
async function resultsOf(sample: Sample): Promise<string[]> {
  const names = await sample.results();
  return names.map((name) => name.replace(/^(\.swarm\/index\/)[a-z0-9]+/, "$1CAMPAIGN"));
}

async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
