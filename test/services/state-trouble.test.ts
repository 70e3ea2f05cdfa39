import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  isAlive,
  mustRun,
  pidsOf,
  processesOf,
  queued,
  readState,
  researcher,
  stateFolder,
  statusOf,
  type Researcher,
} from "../helpers/swarm.ts";
import { removeInUse } from "../helpers/temporary.ts";

describeWithService("redis-server", "the state file of a swarm on this machine", () => {
  /** A swarm with all its processes busy: one that has just been started reads the state file. */
  async function started(runMs: number, runners: number): Promise<Researcher> {
    const user = await researcher(runMs, runners);
    await eventually(() => readFile(path.join(stateFolder(user), "dashboard.json")));
    return user;
  }

  const files = (user: Researcher): string[] =>
    ["swarm.json", "swarm.backup.json"].map((name) => path.join(stateFolder(user), name));

  it.concurrent.each<[string, (file: string) => Promise<void>]>([
    ["empty", (file) => writeFile(file, "")],
    ["cut off", async (file) => writeFile(file, (await readFile(file, "utf8")).slice(0, -300))],
    ["of an older format", (file) => writeFile(file, '{"format": 0, "target": "local", "runners": 2}')],
  ])("is written again from the running processes if it is %s, with its backup", async (_, spoil) => {
    await using user = await started(1, 2);
    const pids = await pidsOf(user);
    for (const file of files(user)) await spoil(file);
    const shown = await user.run("swarm-tool", ["status"]);
    expect(shown.stderr).toContain("swarm-tool resume local");
    expect(shown.stderr).not.toMatch(/remove the file|this is a bug/);
    expect(shown.exitCode).toBe(2);
    const campaign = await user.runall("-c", "Quick", "-r", "0");
    expect(campaign.stderr).toContain("swarm-tool resume local");
    expect(campaign.exitCode).toBe(2);
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume"]);
    expect(stderr).toContain("was damaged (kept as ");
    expect(stderr).toContain(`recreated it from the running processes: redis (process ${pids["redis"]})`);
    expect(exitCode).toBe(0);
    expect(await pidsOf(user)).toEqual(pids);
    expect((await readState(user)).runners).toBe(2);
    expect((await user.runall("-c", "Quick", "-r", "0")).exitCode).toBe(0);
  });

  it.concurrent("is restored from its backup silently if only one of them is damaged", async () => {
    await using user = await started(1, 1);
    const pids = await pidsOf(user);
    await writeFile(files(user)[0]!, "{");
    expect((await statusOf(user)).state).toBe("running");
    expect((await user.runall("-c", "Quick", "-r", "0")).exitCode).toBe(0);
    expect(await pidsOfBackup(user)).toEqual(pids);
  });

  it.concurrent("may be a FIFO, which is not opened", async () => {
    await using user = await started(1, 1);
    const pids = await pidsOf(user);
    await rm(files(user)[0]!);
    execFileSync("mkfifo", [files(user)[0]!]);
    expect((await statusOf(user)).state).toBe("running"); // from the backup
    await mustRun(user, ["resume"]);
    expect(await pidsOf(user)).toEqual(pids);
  });

  it.concurrent("may be missing: running processes are found, shown, and recorded again", async () => {
    await using user = await started(1, 1);
    const pids = await pidsOf(user);
    for (const file of files(user)) await rm(file);
    const { stderr, exitCode } = await user.run("swarm-tool", ["status"]);
    expect(stderr).toContain("local (local): its state file is missing, but its processes are running: ");
    for (const [role, pid] of Object.entries(pids)) expect(stderr).toContain(`${role} (process ${pid})`);
    expect(exitCode).toBe(2);
    await mustRunNoting(user, ["resume", "local"]);
    expect(await pidsOf(user)).toEqual(pids);
    expect((await statusOf(user)).state).toBe("running");
  });

  it.concurrent("may be missing when the swarm is removed, or used", async () => {
    await using user = await started(1, 1);
    const pids = await pidsOf(user);
    for (const file of files(user)) await rm(file);
    expect((await user.runall("-c", "Quick", "-r", "0")).exitCode).toBe(0);
    expect(await pidsOf(user)).toMatchObject({ redis: pids["redis"] });
    for (const file of files(user)) await rm(file);
    await mustRunNoting(user, ["remove", "local", "--force"]);
    expect(processesOf(user)).toEqual([]);
    for (const pid of Object.values(pids)) expect(isAlive(pid)).toBe(false);
  });

  it.concurrent("may be deleted with the whole folder, and no unknown process keeps running", async () => {
    await using user = await started(1, 1);
    const pids = await pidsOf(user);
    await removeInUse(stateFolder(user));
    const { stderr } = await user.run("swarm-tool", ["remove", "local", "--force"]);
    expect(stderr).toContain("was missing while its processes were running");
    expect(processesOf(user)).toEqual([]);
    for (const pid of Object.values(pids)) expect(isAlive(pid)).toBe(false);
  });

  it.concurrent(
    "of a newer version is not changed, and does not prevent the use of other swarms",
    async () => {
      await using user = await started(1, 1);
      await mustRun(user, ["init", "--local", "--runners", "1", "second"]);
      const file = path.join(stateFolder(user, "second"), "swarm.json");
      const newer = JSON.stringify({ ...(await readState(user, "second")), format: 2 });
      const before = await readFile(file, "utf8");
      await writeFile(file, newer);
      for (const args of [
        ["resume", "second"],
        ["remove", "second", "--force"],
        ["init", "--local", "second"],
      ]) {
        const { stderr, exitCode } = await user.run("swarm-tool", args);
        expect(stderr).toContain("was written by a newer version of inet-swarm (format 2, here 1)");
        expect(stderr).toContain("use that version for the swarm second");
        expect(exitCode).toBe(2);
      }
      expect(await readFile(file, "utf8")).toBe(newer);
      const campaign = await user.runall("-c", "Quick", "-r", "0");
      expect(campaign).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining("newer version") as string,
      });
      expect((await user.run("swarm-tool", ["__complete", "halt", ""])).stdout).toContain("local\t");
      await writeFile(file, before);
    },
  );

  it.concurrent("of the previous version is used unchanged, by running processes", async () => {
    await using user = await started(300, 1);
    const id = await queued(user, "-c", "Quick", "-r", "0..2");
    const pids = await pidsOf(user);
    const { host: _, ...state } = await readState(user);
    const processes = state.processes.map(({ host: _host, ...process }) => process);
    await rm(files(user)[1]!);
    await writeFile(files(user)[0]!, JSON.stringify({ ...state, processes }, undefined, 2));
    expect((await statusOf(user)).state).toBe("running");
    const { stdout, exitCode } = await user.runall("attach", id);
    expect(stdout).toMatch(/3 done\./);
    expect(exitCode).toBe(0);
    expect(await pidsOf(user)).toEqual(pids);
    await mustRun(user, ["halt"]);
    await mustRun(user, ["resume"]);
    expect(await readState(user)).toHaveProperty("host");
  });

  it.concurrent(
    "of the previous version is left alone while another machine writes to its queue",
    async () => {
      await using user = await started(1, 1);
      const pids = await pidsOf(user);
      await mustRun(user, ["halt"]);
      const { host: _, ...state } = await readState(user);
      const processes = Object.entries(pids).map(([role, pid]) => ({
        role,
        pid,
        startTime: "1",
        log: "/dev/null",
      }));
      const before = JSON.stringify({ ...state, state: "running", processes });
      await writeFile(files(user)[0]!, before);
      const { stderr, exitCode } = await user.runall("-c", "Quick", "-r", "0");
      expect(stderr).toContain("the swarm local probably runs on another machine: its queue was written to");
      expect(exitCode).toBe(2);
      expect(processesOf(user)).toEqual([]);
      const data = path.join(stateFolder(user), "redis/appendonlydir");
      for (const name of await readdir(data)) await utimes(path.join(data, name), new Date(0), new Date(0));
      expect((await user.runall("-c", "Quick", "-r", "0")).exitCode).toBe(0);
    },
  );

  it.concurrent("that cannot be read is reported, with the file and the reason", async () => {
    await using user = await started(1, 1);
    const [file] = files(user);
    const before = await readFile(file!, "utf8");
    await rm(file!);
    await mkdir(file!);
    await rm(files(user)[1]!);
    const { stderr, exitCode } = await user.run("swarm-tool", ["resume", "local"]);
    expect(stderr).toContain(`${file} is not a regular file`);
    expect(exitCode).toBe(2);
    await rm(file!, { recursive: true });
    await writeFile(file!, before);
    expect((await statusOf(user)).state).toBe("running");
  });

  async function mustRunNoting(user: Researcher, args: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await user.run("swarm-tool", args);
    expect(stderr).toContain(
      "the state file of the swarm local was missing while its processes were running; recreated it",
    );
    expect(exitCode).toBe(0);
  }

  async function pidsOfBackup(user: Researcher): Promise<Record<string, number>> {
    const { processes } = JSON.parse(await readFile(files(user)[1]!, "utf8")) as {
      processes: { role: string; pid: number }[];
    };
    return Object.fromEntries(processes.map(({ role, pid }) => [role, pid]));
  }
});
