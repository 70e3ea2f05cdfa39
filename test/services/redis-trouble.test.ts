import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  filesBelow,
  holdRuns,
  isAlive,
  jobsOf,
  kill,
  mustRun,
  NO_JOBS,
  pidsOf,
  processesOf,
  queued,
  readState,
  researcher,
  stateFolder,
  statusOf,
  stopMending,
} from "../helpers/swarm.ts";
import { openQueueClient } from "../../src/queue/client.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { newUser, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "the queue's Redis of a swarm on this machine", () => {
  const appendOnly = (user: User): string => path.join(stateFolder(user), "redis/appendonlydir");

  /** Changes the queue's append-only file while its Redis does not run. */
  async function damage(user: User, change: (content: Buffer) => Buffer): Promise<void> {
    const names = await readdir(appendOnly(user));
    const file = path.join(
      appendOnly(user),
      names.find((name) => name.endsWith(".incr.aof"))!,
    );
    await writeFile(file, change(await readFile(file)));
  }

  it.concurrent("is repaired if its append-only file is damaged, and lost data is reported", async () => {
    await using user = await researcher(1, 1);
    await user.runall("-c", "Quick", "-r", "0");
    await mustRun(user, ["halt"]);
    await damage(user, (content) => {
      const at = content.indexOf("*4\r\n", content.length / 2);
      content.write("garbage", at);
      return content;
    });
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toMatch(
      /the queue's append-only file was damaged and has been repaired: the last \d+ of \d+ bytes in it are lost; they concern \d+ runs? of \S+; if runs are missing in a campaign, run its command again/,
    );
    expect(exitCode).toBe(0);
    expect((await statusOf(user)).state).toBe("running");
    const kept = (await readdir(stateFolder(user))).filter((name) => name.startsWith("redis.d"));
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatch(/^redis\.damaged-/);
    expect((await user.runall("-c", "Quick", "-r", "0..1")).exitCode).toBe(0);
    await mustRun(user, ["remove", "--force"]);
    expect(processesOf(user)).toEqual([]);
  });

  it.concurrent("keeps no job that it has brought back after the run was collected", async () => {
    await using user = await researcher(1, 8); // one more than held runs
    await using held = await holdRuns(user, 1);
    const campaign = user.startRunall("-c", "Quick");
    const record = path.join(user.sample.study, "results/.swarm/Quick-0.json");
    await eventually(async () => {
      await stat(record);
      expect(await jobsOf(user)).toMatchObject({ uncollected: 0 });
    });
    {
      // as if Redis had been killed and lacked the last second
      await using queue = await openQueueClient(socketConnection(path.join(stateFolder(user), "redis.sock")));
      const [known] = await queue.campaigns();
      const { open } = await queue.find(known!.id);
      await queue.add(known!, [{ ...open[0]!, runNumber: 0, repetition: 0 }]);
    }
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ uncollected: 1 }));
    await held.release();
    expect(await campaign.finished).toMatchObject({ exitCode: 0 });
    expect(await jobsOf(user)).toEqual(NO_JOBS);
    expect(await filesBelow(path.join(stateFolder(user), "results"))).toEqual([]);
  });

  it.concurrent("reports what is missing after a power failure, and has nothing to repair", async () => {
    await using user = await researcher(1, 1);
    await mustRun(user, ["halt"]);
    await damage(user, (content) => Buffer.concat([content, Buffer.from("*3\r\n$3\r\nSET\r\n$1\r\na")]));
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toContain("was incomplete and is lost: at most the last second before");
    expect(exitCode).toBe(0);
  });

  it.concurrent(
    "is left unchanged if it cannot be repaired, with a message that says what to do",
    async () => {
      await using user = await researcher(1, 1);
      await mustRun(user, ["halt"]);
      const names = await readdir(appendOnly(user));
      const base = path.join(
        appendOnly(user),
        names.find((name) => name.includes(".base."))!,
      );
      await writeFile(base, "garbage");
      const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
      expect(stderr).toContain("is damaged and cannot be repaired");
      expect(stderr).toContain("start with an empty queue");
      expect(exitCode).toBe(2);
      expect(await readFile(base, "utf8")).toBe("garbage");
      const data = path.join(stateFolder(user), "redis");
      expect(await readdir(stateFolder(user))).not.toContain("redis.repaired");
      await rm(data, { recursive: true });
      await mustRun(user, ["resume"]);
      expect((await statusOf(user)).state).toBe("running");
    },
  );

  it.concurrent("completes a repair that was interrupted", async () => {
    await using user = await researcher(1, 1);
    await user.runall("-c", "Quick", "-r", "0");
    await mustRun(user, ["halt"]);
    const data = path.join(stateFolder(user), "redis");
    await rename(data, `${data}.repaired`);
    await mustRun(user, ["resume"]);
    expect(JSON.parse((await user.runall("list", "--json")).stdout)).toHaveLength(1);
  });

  it.concurrent("is started again if somebody has removed its socket", async () => {
    await using user = await researcher(1, 1);
    using _ = await stopMending(user);
    const { redis } = await pidsOf(user);
    await rm(path.join(stateFolder(user), "redis.sock"));
    expect((await statusOf(user)).state).toBe("broken");
    await mustRun(user, ["resume"]);
    expect(isAlive(redis!)).toBe(false);
    expect((await statusOf(user)).state).toBe("running");
  });

  it.concurrent("is the only process that writes to its data", async () => {
    await using user = await researcher(1, 1);
    const { builder, redis } = await pidsOf(user);
    await kill(builder!); // it checks each minute whether its Redis has died
    await kill(redis!);
    const data = path.join(stateFolder(user), "redis");
    const socket = path.join(stateFolder(user), "redis.sock");
    const args = ["--port", "0", "--unixsocket", socket, "--dir", data, "--appendonly", "yes", "--save", ""];
    const other = user.adopt(spawn("redis-server", args, { stdio: "ignore", env: user.env }));
    const exited = once(other, "exit");
    // a Redis is recognized by its title, which it has once it listens; the socket's file may belong to the previous one
    await eventually(async () =>
      expect(await readFile(`/proc/${other.pid}/cmdline`, "utf8")).toContain(`unixsocket:${socket}`),
    );
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toContain(`stopped an unknown Redis that used the same data: process ${other.pid}`);
    expect(exitCode).toBe(0);
    await exited;
    expect((await statusOf(user)).state).toBe("running");
  });

  it.concurrent("is refused if another one answers at its socket", async () => {
    await using user = await researcher(1, 1);
    const socket = path.join(stateFolder(user), "redis.sock");
    await rm(socket);
    const args = ["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--dir", user.directory];
    const other = user.adopt(spawn("redis-server", [...args, "--save", ""], { stdio: "ignore" }));
    const exited = once(other, "exit");
    await eventually(async () => expect((await stat(socket)).isSocket()).toBe(true));
    const { stderr, exitCode } = await user.runall("-c", "Quick", "-r", "0");
    expect(stderr).toMatch(/another Redis \(process \d+\) listens at|is not this swarm's: its data is in/);
    expect(exitCode).toBe(2);
    other.kill();
    await exited;
  });

  it.concurrent("is not contacted when others can reach its socket", async () => {
    await using user = await researcher(1, 1);
    await chmod(stateFolder(user), 0o755);
    const { stderr, exitCode } = await user.runall("-c", "Quick", "-r", "0");
    expect(stderr).toContain(`${stateFolder(user)} belongs to another user or is accessible to others`);
    expect(stderr).toContain("chmod 700");
    expect(exitCode).toBe(2);
    await chmod(stateFolder(user), 0o700);
    expect((await user.runall("-c", "Quick", "-r", "0")).exitCode).toBe(0);
  });

  it.concurrent(
    "can be reached if the paths of the state and of TMPDIR are too long for a socket",
    async () => {
      await using user = await newUser();
      const long = path.join(user.directory, "x".repeat(120));
      const temporary = path.join(long, "tmp");
      await mkdir(temporary, { recursive: true });
      Object.assign(user.env, { XDG_STATE_HOME: path.join(long, "state"), TMPDIR: temporary });
      await mustRun(user, ["init", "--local", "--runners", "1"]);
      expect((await statusOf(user)).state).toBe("running");
      const { socketDirectory } = await readState(user);
      expect(socketDirectory).toMatch(/^\/(tmp|var\/tmp|run\/user\/\d+)\/inet-swarm-\d+-[0-9a-f]{12}$/);
      expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700);
      const redis = new Redis(path.join(socketDirectory, "redis.sock"));
      expect(await redis.ping()).toBe("PONG");
      redis.disconnect();
      await mustRun(user, ["remove", "--force"]);
      await expect(stat(socketDirectory)).rejects.toThrow("ENOENT");
    },
  );

  it.concurrent("may be Valkey", async () => {
    await using user = await newUser();
    const programs = path.join(user.directory, "programs");
    await mkdir(programs);
    // Valkey's programs accept the same options; PATH contains nothing of Redis.
    await symlink(findProgram("redis-server")!, path.join(programs, "valkey-server"));
    const checker = `#!/bin/sh\nexec ${findProgram("redis-check-aof")!} "$@"\n`; // it checks its own name
    await writeFile(path.join(programs, "valkey-check-aof"), checker, { mode: 0o755 });
    for (const program of ["node", "git", "sh", "bash", "env", "uname"])
      if (findProgram(program) !== undefined)
        await symlink(findProgram(program)!, path.join(programs, program));
    const doctor = async (): Promise<string> =>
      (await user.run("swarm-tool", ["doctor"], { env: { PATH: user.env["PATH"]!, AWS_REGION: "" } })).stdout;
    user.env["PATH"] = programs;
    expect(await doctor()).toMatch(/^ +ok +\S*valkey-server( [\d.]+)?$/m);
    await mustRun(user, ["init", "--local", "--runners", "1"]);
    const { redis } = await pidsOf(user);
    expect(await readFile(`/proc/${redis}/cmdline`, "utf8")).toMatch(/valkey-server .*unixsocket/);
    expect((await statusOf(user)).state).toBe("running");
    await mustRun(user, ["halt"]);
    await damage(user, (content) => Buffer.concat([content, Buffer.from("garbage\r\n*1\r\n")]));
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toContain("has been repaired");
    expect(exitCode).toBe(0);
    await mustRun(user, ["remove", "--force"]);
    await rm(path.join(programs, "valkey-server"));
    const refused = await user.run("swarm-tool", ["init", "--local"]);
    expect(refused.stderr).toContain("install one: apt-get install redis-server, dnf install valkey");
    expect(refused.stderr).toContain("without root: swarm-tool init --local --yes installs Valkey");
    expect(refused.exitCode).toBe(2);
    // The offer is accepted in advance, but a pip that has no network cannot install it.
    await writeFile(path.join(programs, "python3"), "#!/bin/sh\necho no network\nexit 1\n", { mode: 0o755 });
    const failed = await user.run("swarm-tool", ["init", "--local", "--yes"]);
    expect(failed.stderr).toMatch(/installing Valkey .*BSD[^]*cannot install Valkey: no network\nhint: /);
    expect(failed.exitCode).toBe(2);
    expect((await user.run("swarm-tool", ["init", "--local"])).stderr).toContain("command not found");
  });

  it.concurrent("is the program that REDIS_SERVER names, whatever its name", async () => {
    await using user = await newUser();
    const server = path.join(user.directory, "queue");
    await symlink(findProgram("redis-server")!, server);
    user.env["REDIS_SERVER"] = server;
    await mustRun(user, ["init", "--local", "--runners", "1"]);
    const { redis } = await pidsOf(user);
    expect(await readFile(`/proc/${redis}/cmdline`, "utf8")).toMatch(/^\S*queue .*unixsocket/);
    expect(processesOf(user).some((line) => line.includes("unixsocket"))).toBe(true);
    await rm(path.join(stateFolder(user), "swarm.json"));
    await rm(path.join(stateFolder(user), "swarm.backup.json"), { force: true });
    const resumed = await user.run("swarm-tool", ["resume", "local"]);
    expect(resumed.stderr).toContain(`recreated it from the running processes: redis (process ${redis})`);
    expect((await pidsOf(user))["redis"]).toBe(redis);
    user.env["REDIS_SERVER"] = path.join(user.directory, "nothing");
    await mustRun(user, ["halt"]);
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toMatch(/REDIS_SERVER=\S+nothing: not an executable program\nhint: /);
    expect(exitCode).toBe(2);
  });

  it.concurrent("continues with its jobs after a repair during a campaign", async () => {
    await using user = await researcher(50, 1);
    const id = await queued(user, "-c", "Quick");
    await mustRun(user, ["halt", "--force"]);
    await damage(user, (content) => Buffer.concat([content, Buffer.from("garbage\r\n")]));
    const done = await user.runall("attach", id); // resumes the swarm
    expect(done.stderr).toContain("has been repaired");
    expect(done.stdout).toMatch(/8 runs in .*: 8 done\./);
  });
});
