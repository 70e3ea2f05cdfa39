import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import {
  NO_JOBS,
  type Researcher,
  cacheFolder,
  eventually,
  filesBelow,
  holdRuns,
  isAlive,
  jobsOf,
  kill,
  listen,
  mustRun,
  onlyCampaign,
  pidsOf,
  processesOf,
  queued,
  readState,
  researcher,
  simulationsOf,
  startRunner,
  stateFolder,
  statusOf,
  stopMending,
} from "../helpers/swarm.ts";
import { RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { describeWithService } from "../helpers/services.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "the swarm on this machine", () => {
  /** All results of `Quick` exist, once and complete, and nothing is left in the swarm. */
  async function expectWhole(user: Researcher, finished: Finished): Promise<void> {
    expect(finished).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/8 runs in .*: 8 done\./) as string,
    });
    const { study } = user.sample;
    const results = path.join(study, "results");
    const scalars = (await readdir(results)).filter((file) => file.endsWith(".sca"));
    expect(scalars).toHaveLength(8);
    for (const file of scalars)
      expect(await readFile(path.join(results, file), "utf8")).toMatch(/^scalar .*waitingTime:mean /m);
    const records = await readRecords(results, await onlyCampaign(user));
    expect(records.map(({ runNumber, state }) => `${runNumber} ${state}`)).toEqual(
      Array.from({ length: 8 }, (_, number) => `${number} done`),
    );
    for (const { path: file, sizeBytes } of records.flatMap((record) => record.files))
      expect((await stat(path.join(study, file))).size).toBe(sizeBytes);
    expect((await readdir(results)).sort()).toEqual(
      [".swarm", ...records.flatMap(({ files }) => files.map((file) => path.basename(file.path)))].sort(),
    );
    expect(await jobsOf(user)).toEqual(NO_JOBS);
    expect(await filesBelow(path.join(stateFolder(user), "results"))).toEqual([]);
    expect(simulationsOf(user)).toEqual([]);
  }

  it.concurrent("is created by init, which may be repeated, and belongs only to the user", async () => {
    await using user = await newUser();
    const { stdout } = await mustRun(user, ["init", "--local", "--runners", "2"]);
    expect(stdout).toContain("the swarm local is running on this machine with 2 runners");
    const pids = await pidsOf(user);
    await mustRun(user, ["init", "--local", "--runners", "2"]);
    expect(await pidsOf(user)).toEqual(pids);
    await mustRun(user, ["init", "--local"]);
    expect(await pidsOf(user)).toEqual(pids);
    await mustRun(user, ["init", "--local", "--runners", "3"]);
    const { runner, ...others } = await pidsOf(user);
    expect({ ...others, runner: pids["runner"] }).toEqual(pids);
    expect(runner).not.toBe(pids["runner"]);

    const status = await statusOf(user);
    expect(status).toMatchObject({
      name: "local",
      target: "local",
      state: "running",
      runners: 3,
      jobs: NO_JOBS,
    });
    expect(status.directories).toEqual([stateFolder(user), cacheFolder(user)]);
    expect(status.processes.map(({ role, alive }) => [role, alive])).toEqual([
      ["redis", true],
      ["builder", true],
      ["dashboard", true],
      ["runner", true],
    ]);
    for (const { log } of status.processes) expect((await stat(log)).mode & 0o777).toBe(0o600);
    const text = (await mustRun(user, ["status"])).stdout;
    expect(text).toContain("local (local): running, 3 runners\n");
    for (const { role, pid, log } of status.processes)
      expect(text).toMatch(new RegExp(`^ +${role} +pid ${pid} +${log}$`, "m"));
    expect(text).toContain("queue: 0 waiting, 0 running, 0 to collect");
    expect(text).toContain(stateFolder(user));

    const { socketDirectory } = await readState(user);
    for (const directory of [stateFolder(user), socketDirectory, cacheFolder(user)])
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(stateFolder(user), "swarm.json"))).mode & 0o777).toBe(0o600);
    const redis = new Redis(path.join(socketDirectory, "redis.sock"));
    expect(await redis.config("GET", "port")).toEqual(["port", "0"]);
    expect(await redis.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
    redis.disconnect();
  });

  it.concurrent("is halted and resumed during a campaign, which notices and loses nothing", async () => {
    await using user = await researcher(0);
    const setDuration = await durationFile(user);
    await setDuration(8000); // long enough for all the commands below on a busy machine
    const client = user.startRunall("-c", "Quick");
    const saw = listen(client);
    await saw("[1/8]");
    const refused = await user.run("swarm-tool", ["halt"]);
    expect(refused.stderr).toMatch(
      /(1 run or build|2 runs or builds) of the swarm local (is|are) running[^]*hint: add --yes/,
    );
    expect(refused.exitCode).toBe(2);
    expect((await statusOf(user)).state).toBe("running");

    await mustRun(user, ["halt", "--force"]);
    expect(processesOf(user)).toHaveLength(1); // the client
    expect(await statusOf(user)).toMatchObject({ state: "halted", processes: [], jobs: { running: 0 } });
    await saw("warning: the swarm local is halted (hint: resume it with: swarm-tool resume local)");
    expect((await mustRun(user, ["halt"])).stdout).toContain("is already halted");
    const other = await user.runall("list");
    expect(other.stderr).toMatch(/the swarm local is halted\nhint: resume it with: swarm-tool resume local/);
    expect(other.exitCode).toBe(2);

    await setDuration(1);
    await mustRun(user, ["resume"]);
    const finished = await client.finished;
    await expectWhole(user, finished);
    expect(finished.stderr.match(/the swarm local is halted/g)).toHaveLength(1);
    expect(finished.stderr).not.toContain("started again");
  });

  it.concurrent("leaves nothing behind when it is removed, also by commands that were killed", async () => {
    await using user = await newUser();
    await using sample = await newSample();
    user.env["TMPDIR"] = path.join(user.directory, "tmp");
    await mkdir(user.env["TMPDIR"]);
    // What is known of projects and campaigns does not belong to the swarm.
    const isOthers = (file: string): boolean =>
      /^(?:cache\/inet-swarm\/(?:scans|work-trees)|state\/inet-swarm\/campaigns)(?:\/[^/.]+\.json)?$/.test(
        file,
      );
    const listing = async (): Promise<string[]> =>
      (await readdir(user.directory, { recursive: true })).filter((file) => !isOthers(file)).sort();
    await mustRun(user, ["init", "--local"]);
    await mustRun(user, ["remove", "--force"]);
    const before = await listing();
    await mustRun(user, ["init", "--local"]);
    const args = ["-c", "Quick", "-r", "0"];
    const killed = user.start("runall-swarm", ["--commit", "HEAD", ...args], { cwd: sample.study });
    await eventually(async () => expect(await readdir(user.env["TMPDIR"]!)).not.toEqual([]));
    killed.child.kill("SIGKILL");
    await killed.finished;
    expect(
      await user.run("runall-swarm", ["--commit", "HEAD", ...args], { cwd: sample.study }),
    ).toMatchObject({
      exitCode: 0,
    });
    await mustRun(user, ["remove", "--force"]);
    expect(await listing()).toEqual(before);
  });

  it("requires confirmation to be removed unless it is empty, also when it is halted or broken", async () => {
    await using user = await researcher(1);
    await queued(user, "-c", "Quick");
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ uncollected: 8 }));
    const remove = (...args: string[]): Promise<Finished> => user.run("swarm-tool", ["remove", ...args]);
    const expectRefusal = async (reason: RegExp): Promise<void> => {
      const { stderr, exitCode } = await remove();
      expect(stderr).toMatch(reason);
      expect(stderr).toContain("hint: add --yes");
      expect(exitCode).toBe(2);
      expect(await filesBelow(path.join(stateFolder(user), "results"))).not.toEqual([]);
    };
    await expectRefusal(/8 runs of the swarm local are queued, running or not yet collected/);
    await mustRun(user, ["halt"]);
    expect((await mustRun(user, ["status"])).stdout).toContain("8 to collect");
    await expectRefusal(/8 runs of the swarm local are queued, running or not yet collected/);
    await mustRun(user, ["resume"]);
    {
      using _ = await stopMending(user);
      await kill((await pidsOf(user))["redis"]!);
      await expectRefusal(/queue of the swarm local is not responding/);
    }

    expect((await remove("--force")).exitCode).toBe(0);
    expect(processesOf(user)).toEqual([]);
    // the client's notes on its campaigns stay: they contain where results belong, whichever swarm has them;
    // so does its cache of the checkout's files
    const isClients = (name: string): boolean =>
      /^[a-z][a-z0-9]{7}\.json$/.test(name) || /^[0-9a-f]{32}\.json$/.test(name);
    expect((await filesBelow(user.directory)).filter((name) => !isClients(name))).toEqual([]);
    expect((await user.run("swarm-tool", ["status"])).stdout).toContain("no swarm exists");
  });

  it.concurrent("shows a process that has died, which resume starts again", async () => {
    await using user = await researcher(1, 1);
    for (const role of ["builder", "runner", "redis", "dashboard"]) {
      const before = await pidsOf(user);
      using _ = await stopMending(user);
      await kill(before[role]!);
      const { stdout, exitCode } = await user.run("swarm-tool", ["status"]);
      expect(stdout).toContain("local (local): broken");
      expect(stdout).toMatch(new RegExp(`^ +${role} +not running`, "m"));
      expect(stdout).toContain("swarm-tool resume local");
      expect(exitCode).toBe(1);
      await mustRun(user, ["resume"]);
      const after = await pidsOf(user);
      expect({ ...after, [role]: 0 }).toEqual({ ...before, [role]: 0 });
      expect(after[role]).not.toBe(before[role]);
      expect(await statusOf(user)).toMatchObject({ state: "running", jobs: NO_JOBS });
    }
  });

  it.concurrent("reports that its queue is not responding, without waiting forever", async () => {
    await using user = await researcher(1, 1);
    const { redis } = await pidsOf(user);
    process.kill(redis!, "SIGSTOP");
    try {
      const { stdout, exitCode } = await user.run("swarm-tool", ["status"]);
      expect(stdout).toContain("local (local): broken");
      expect(stdout).toContain("queue: not responding");
      expect(exitCode).toBe(1);
      expect(await user.run("swarm-tool", ["remove"])).toMatchObject({ exitCode: 2 });
    } finally {
      process.kill(redis!, "SIGCONT");
    }
    expect((await statusOf(user)).state).toBe("running");
  });

  it.concurrent("executes the runs of a killed runner again, after stopping its simulations", async () => {
    await using user = await researcher(0);
    const setDuration = await durationFile(user);
    await setDuration(60_000);
    const id = await queued(user, "-c", "Quick");
    using _ = await stopMending(user);
    await eventually(async () => expect(await simulationPids(user)).toHaveLength(2));
    const orphans = await simulationPids(user);
    await kill((await pidsOf(user))["runner"]!);
    await passSilence(user);
    expect(orphans.map(isAlive)).toEqual([true, true]);

    await setDuration(50);
    const second = startRunner(user, "runner", "--concurrency", "2");
    const ended = once(second, "exit");
    try {
      await eventually(() => expect(orphans.map(isAlive)).toEqual([false, false]));
      await expectWhole(user, await user.runall("attach", id));
    } finally {
      second.kill();
      await ended;
    }
  });

  it.concurrent("gives up a run whose workers have been lost too often, which can be retried", async () => {
    await using user = await researcher(1);
    const id = await queued(user, "--retries", "1", "-c", "Endless");
    using _ = await stopMending(user);
    const vanish = async (runner: number, orphan?: number): Promise<number> => {
      let pid: number | undefined;
      await eventually(async () => {
        [pid] = await simulationPids(user);
        expect(pid).toBeDefined();
        expect(pid).not.toBe(orphan);
      });
      await kill(runner);
      await passSilence(user);
      return pid!;
    };
    const orphan = await vanish((await pidsOf(user))["runner"]!);
    await vanish(startRunner(user, "runner").pid!, orphan);
    const last = startRunner(user, "runner");
    const ended = once(last, "exit");
    const { stdout, exitCode } = await user.runall("attach", id);
    expect(stdout).toMatch(/^#0 +lost/m);
    expect(stdout).toContain("its worker was lost 2 times");
    expect(stdout).toMatch(/^1 run in .*: 1 lost\./m);
    expect(exitCode).toBe(1);
    const again = user.startRunall("retry", id);
    await eventually(async () => expect(await simulationPids(user)).toHaveLength(1));
    again.child.kill("SIGINT");
    expect((await again.finished).stdout).toMatch(/1 cancelled\./);
    last.kill();
    await ended;
  });

  it.concurrent("leaves no simulation of a killed runner when it is halted", async () => {
    await using user = await researcher(1);
    await queued(user, "-c", "Endless");
    await eventually(async () => expect(await simulationPids(user)).toHaveLength(1));
    {
      using _ = await stopMending(user);
      await kill((await pidsOf(user))["runner"]!);
      await eventually(() => expect(simulationsOf(user)).toHaveLength(1)); // it may have just started
    }
    await mustRun(user, ["halt", "--force"]);
    expect(processesOf(user)).toEqual([]);
  });

  it.concurrent("continues after Redis was killed during a campaign", async () => {
    await using user = await researcher(0);
    await using held = await holdRuns(user, 3);
    const client = user.startRunall("-c", "Quick");
    const saw = listen(client);
    await saw("[2/8]");
    await kill((await pidsOf(user))["redis"]!);
    await saw("the swarm is not responding");
    await mustRun(user, ["resume"]);
    await held.release();
    await expectWhole(user, await client.finished);
  });

  it.concurrent("continues when its client is killed", async () => {
    await using user = await researcher(0);
    await using held = await holdRuns(user, 2);
    const client = user.startRunall("-c", "Quick");
    await listen(client)("[1/8]");
    client.child.kill("SIGKILL");
    await client.finished;
    await held.release();
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ waiting: 0, running: 0 }));
    const { uncollected } = await jobsOf(user);
    expect(uncollected).toBeGreaterThan(0);
    const { stderr, exitCode } = await user.run("swarm-tool", ["remove"]);
    expect(stderr).toContain(`${uncollected} runs of the swarm local are queued, running or not yet`);
    expect(exitCode).toBe(2);
    await expectWhole(user, await user.runall("attach", await onlyCampaign(user)));
  });

  it.concurrent("is left immediately on a second Ctrl-C", async () => {
    await using user = await researcher(1);
    const client = user.startRunall("-c", "Endless");
    const saw = listen(client);
    await eventually(async () => expect(await simulationPids(user)).toHaveLength(1));
    const { redis } = await pidsOf(user);
    process.kill(redis!, "SIGSTOP"); // so that the first one takes longer
    try {
      client.child.kill("SIGINT");
      await saw("Press Ctrl-C again to exit immediately");
      const pressedAt = performance.now();
      client.child.kill("SIGINT");
      await client.finished;
      expect(performance.now() - pressedAt).toBeLessThan(20_000); // on a busy machine; with Redis it would never end
      expect(client.child.signalCode).toBe("SIGINT");
    } finally {
      process.kill(redis!, "SIGCONT");
    }
  });

  it.concurrent("halts itself when it is idle, and is resumed without confirmation", async () => {
    await using user = await researcher(1, 1);
    const watch = startRunner(user, "builder", "--idle-halts", "local", "--idle-minutes", "0.01");
    const ended = once(watch, "exit");
    await eventually(async () =>
      expect(await readState(user)).toMatchObject({ state: "halted", haltedBy: "idleness" }),
    );
    expect(await ended).toEqual([0, null]);
    expect(processesOf(user)).toEqual([]);
    const { stderr, exitCode } = await user.runall("-c", "Quick", "-r", "0");
    expect(stderr).toContain("resuming the swarm local\n");
    expect(exitCode).toBe(0);
    expect(await readState(user)).not.toHaveProperty("haltedBy");
  });

  it.concurrent("restarts its processes that have died while no client runs", async () => {
    await using user = await researcher(1, 1);
    const { runner, redis } = await pidsOf(user);
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const queue = async (work: (queue: Queue) => Promise<unknown>): Promise<void> => {
      const opened = new Queue(RUN_QUEUE, { connection });
      await work(opened);
      await opened.close();
    };
    // so that it is not idle before it has been checked
    await queue((runs) => runs.add("waits", {}, { jobId: "waits-0", delay: 3_600_000 }));
    await kill(runner!);
    await kill(redis!);
    const watch = startRunner(user, "builder", "--idle-halts", "local", "--idle-minutes", "0.02");
    const ended = once(watch, "exit");
    await eventually(async () => expect((await statusOf(user)).state).toBe("running"));
    expect(await pidsOf(user)).not.toMatchObject({ runner });
    await queue((runs) => runs.remove("waits-0"));
    await eventually(async () =>
      expect(await readState(user)).toMatchObject({ state: "halted", haltedBy: "idleness" }),
    );
    expect(await ended).toEqual([0, null]);
  });

  it.concurrent("ends its processes when its folder was deleted", async () => {
    await using user = await researcher(1, 1);
    const redis = ["--redis-data", path.join(stateFolder(user), "redis")];
    const watch = startRunner(user, "builder", "--idle-halts", "local", "--idle-minutes", "0.2", ...redis);
    const ended = once(watch, "exit");
    await rm(stateFolder(user), { recursive: true });
    expect(await ended).toEqual([0, null]);
    expect(processesOf(user)).toEqual([]);
  });

  it.concurrent("executes the runs of two studies concurrently", async () => {
    await using user = await researcher(50);
    await using other = await newSample();
    const [here, there] = await Promise.all([
      user.runall("-c", "Quick"),
      user.run("runall-swarm", ["-c", "Quick", "-r", "0..3", "--repeat=4"], { cwd: other.study }),
    ]);
    expect(here).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("8 done") as string });
    expect(there).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("4 done") as string });
    const inis = async (each: Sample): Promise<string[]> =>
      (await each.results()).filter((file) => file.endsWith(".sca"));
    expect(await inis(user.sample)).toHaveLength(8);
    expect(await inis(other)).toEqual(
      [0, 1, 2, 3].map((n) => `Quick-arrivalRate=0.3,serviceRate=1-#${n}.sca`),
    );
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });
});

/** Simulates a long silence of whoever has taken a run: the next runner hands the run to others. */
async function passSilence(user: User): Promise<void> {
  const redis = new Redis(path.join(stateFolder(user), "redis.sock"));
  const runs = await redis.lrange("bull:run:active", 0, -1);
  await redis.sadd("bull:run:stalled", ...runs);
  await redis.del("bull:run:stalled-check", ...runs.map((id) => `bull:run:${id}:lock`));
  redis.disconnect();
}

/**
 * Makes the project itself determine how long its runs last, by a file that is read when a worker starts.
 * @returns sets that duration in ms.
 */
async function durationFile({ directory, sample }: Researcher): Promise<(runMs: number) => Promise<void>> {
  const file = path.join(directory, "duration");
  await sample.commit({ setenv: `export STAND_IN_RUN_MS=$(cat ${file})\n` });
  return (runMs) => writeFile(file, String(runMs));
}

/** Pids of the simulations that the runner has recorded for its successor. */
async function simulationPids(user: User): Promise<number[]> {
  const slots = path.join(cacheFolder(user), "slots");
  const notes = (await readdir(slots)).map((slot) =>
    readFile(path.join(slots, slot, "simulation.json"), "utf8").then(
      (text) => [(JSON.parse(text) as { pid: number }).pid],
      () => [],
    ),
  );
  return (await Promise.all(notes)).flat().filter(isAlive);
}

describeWithService("redis-server", "several swarms on this machine", () => {
  let user: User;
  let sample: Sample;
  beforeAll(async () => {
    [user, sample] = await Promise.all([newUser(), newSample()]);
  });
  afterAll(async () => {
    await sample[Symbol.asyncDispose]();
    await user[Symbol.asyncDispose]();
  });
  const runall = (args: readonly string[], env = {}): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd: sample.study, env });

  it("begin with one that is created when there is none, and reported", async () => {
    const { stderr, exitCode } = await runall(["-c", "Quick", "-r", "0"]);
    expect(stderr).toMatch(
      /no swarm exists yet: creating one on this machine with \d+ runners?; it shuts down/,
    );
    expect(exitCode).toBe(0);
    expect(await statusOf(user)).toMatchObject({ name: "local", state: "running" });
  });

  it("are distinguished by name", async () => {
    await mustRun(user, ["init", "--local", "--runners", "1", "second"]);
    const listed = async (name: string): Promise<number> =>
      (JSON.parse((await runall(["list", "--json", "--swarm", name])).stdout) as unknown[]).length;
    const ambiguous = await runall(["-c", "Quick", "-r", "0"]);
    expect(ambiguous.stderr).toContain("there are several swarms: local (running), second (running)");
    expect(ambiguous.stderr).toContain("--swarm NAME or SWARM=NAME");
    expect(ambiguous.exitCode).toBe(2);
    expect(await user.run("swarm-tool", ["halt"])).toMatchObject({ exitCode: 2 });
    expect((await mustRun(user, ["status"])).stdout).toMatch(/^local [^]*^second /m);

    const before = await listed("local");
    expect((await runall(["--swarm", "second", "-c", "Quick", "-r", "0", "--rerun"])).exitCode).toBe(0);
    expect((await runall(["-c", "Quick", "-r", "1"], { SWARM: "second" })).exitCode).toBe(0);
    expect([await listed("local"), await listed("second")]).toEqual([before, 2]);
    await mustRun(user, ["halt", "local"]);
    expect((await runall(["-c", "Quick", "-r", "2"])).exitCode).toBe(0); // the only running one
    expect(await listed("second")).toBe(3);
  });

  it("belong to one user each", async () => {
    await using other = await newUser();
    expect((await other.run("swarm-tool", ["status"])).stdout).toContain("no swarm exists");
    await mustRun(other, ["init", "--local", "--runners", "1", "second"]);
    const [mine, theirs] = [await pidsOf(user, "second"), await pidsOf(other, "second")];
    expect(Object.values(mine).filter((pid) => Object.values(theirs).includes(pid))).toEqual([]);
    await mustRun(other, ["remove", "second"]);
    expect((await statusOf(user, "second")).state).toBe("running");
    expect(processesOf(other)).toEqual([]);
  });
});
