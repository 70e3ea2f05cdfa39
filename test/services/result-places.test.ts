import { access, chmod, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { mustRun } from "../helpers/swarm.ts";
import { newSample, newUser, type Sample, type User } from "../helpers/tool.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const NOTHING_LEFT = /^(\d+) runs in .*: \1 done, \1 of them earlier/m;

describeWithService("redis-server", "results of a study", () => {
  let user: User;
  let sample: Sample;
  beforeAll(async () => {
    user = await newUser();
    await mustRun(user, ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const runall = (...args: string[]) => user.run("runall-swarm", args, { cwd: sample.study });
  const addConfigs = async (text: string): Promise<void> => {
    const ini = await sample.read("omnetpp.ini");
    await sample.commit({ "simulations/omnetpp.ini": `${ini}\n${text}` });
  };
  /** A program with an action before it simulates. */
  const addProgram = async (script: string): Promise<void> => {
    const queries = 'case "$*" in *"-q "*|*"-e "*|-v) exec opp_run "$@" ;; esac';
    await sample.commit({
      "simulations/sim": `#!/bin/sh\n${queries}\n${script}\nexec ../src/mm1 -n ../src:. "$@"\n`,
    });
    await chmod(path.join(sample.study, "sim"), 0o755);
    await sample.commit({});
  };

  it("are not sources: neither the same command nor another config runs again because of them", async () => {
    await addConfigs("[Config Own]\nextends = Quick\noutput-scalar-file = ${configname}/s${runnumber}.sca\n");
    await addProgram('echo "$*" > log.txt; mkdir -p plots; echo x > plots/data.csv');
    const own = ["./sim", "-c", "Own", "-r", "0..1"];
    const quick = ["./sim", "-c", "Quick", "-r", "0..1"];
    expect(await runall(...own)).toMatchObject({ exitCode: 0 });
    expect((await readdir(path.join(sample.study, "Own"))).sort()).toContain("s0.sca");
    expect(await sample.read("plots/data.csv")).toBe("x\n");
    expect(await runall(...quick)).toMatchObject({ exitCode: 0 });
    for (const command of [own, quick, own]) {
      const { stdout, stderr } = await runall(...command);
      expect(stdout).toMatch(NOTHING_LEFT);
      expect(stderr).not.toContain("sent");
    }
    await writeFile(path.join(sample.study, "log.txt"), "now it is mine, and may be an input");
    expect((await runall(...own)).stdout).not.toMatch(NOTHING_LEFT);
    expect(await sample.read("log.txt")).toBe("now it is mine, and may be an input");
  });

  it("follow the user's own link to another disk, also if git tracks the link", async () => {
    await using disk = await temporaryDirectory();
    await symlink(disk.path, path.join(sample.study, "results"));
    await sample.git("add", "--force", "--all");
    await sample.commit({});
    const { exitCode, stdout } = await runall("-c", "Quick", "-r", "0");
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("are in results") as string,
    });
    expect((await readdir(disk.path)).filter((name) => name.endsWith(".sca"))).toHaveLength(1);
    expect((await runall("-c", "Quick", "-r", "0")).stdout).toMatch(/1 done, 1 of them earlier/);
  });

  it("outside of the checkout are in the same place as after a local run", async () => {
    await using place = await temporaryDirectory();
    const absolute = path.join(place.path, "absolute");
    await addConfigs(`[Config Away]\nextends = Quick\nresult-dir = "${absolute}/\${repetition}"\n`);
    const relative = path.relative(sample.study, path.join(place.path, "relative"));
    expect(await runall("-c", "Quick", "-r", "0", `--result-dir=${relative}`)).toMatchObject({ exitCode: 0 });
    expect(await runall("-c", "Away", "-r", "0..1")).toMatchObject({ exitCode: 0 });
    const scalars = async (folder: string): Promise<string[]> =>
      (await readdir(path.join(place.path, folder))).filter((name) => name.endsWith(".sca"));
    expect(await scalars("relative")).toHaveLength(1);
    expect([...(await scalars("absolute/0")), ...(await scalars("absolute/1"))]).toHaveLength(2);
    const [name] = await scalars("absolute/0");
    const text = await readFile(path.join(absolute, "0", name!), "utf8");
    expect(text).toContain(`attr resultdir ${path.relative(sample.study, path.join(absolute, "0"))}\n`);
    await expect(access(path.join(sample.study, "results"))).rejects.toThrow();
  });

  it("are in the folder of the ini file, and printed output is in the configured place", async () => {
    await mkdir(path.join(sample.study, "sub"));
    await rename(path.join(sample.study, "omnetpp.ini"), path.join(sample.study, "sub/x.ini"));
    const output = ["--cmdenv-redirect-output=true", "--cmdenv-output-file=logs/${runnumber}.log"];
    const { exitCode, stdout } = await runall("-f", "sub/x.ini", "-c", "Quick", "-r", "0", ...output);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain("Results");
    expect(stdout).toContain("are in sub/results");
    const names = await readdir(path.join(sample.study, "sub/results"));
    expect(names.filter((name) => name.endsWith(".sca"))).toHaveLength(1);
    expect(names.filter((name) => name.endsWith(".out"))).toEqual([]);
    expect(await sample.read("logs/0.log")).toContain("Calling finish() at end of Run #0");
  });

  it("are refused, before anything runs, if their place cannot be right", async () => {
    await addConfigs(
      "[Config All]\nextends = Quick\noutput-scalar-file = results/all.sca\noutput-scalar-file-append = true\n",
    );
    for (const [args, message] of [
      [["-c", "All"], "several runs append to"],
      [["-c", "Quick", "--result-dir=../../.."], "contains the project itself"],
      [["-c", "Quick", "--result-dir=../.git/x"], "it is inside .git"],
    ] as const) {
      const { exitCode, stderr } = await runall(...args);
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(message) as string,
      });
    }
    await expect(access(path.join(sample.study, "results"))).rejects.toThrow();
  });

  it("of a run that writes to a forbidden place are kept separate, and all others are collected", async () => {
    await addProgram(
      'case "$*" in *"-r 1"*) mkdir -p ../.git/hooks ../../far; echo x > ../.git/hooks/post-commit; echo x > ../../far/y; mkfifo results-fifo ;; esac',
    );
    const { exitCode, stdout, stderr } = await runall("./sim", "-c", "Quick", "-r", "0..2");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/3 runs in .*: 2 done, 1 failed/);
    expect(`${stdout}${stderr}`).toContain("(inside .git)");
    expect(stderr).toContain("results-fifo (FIFO)");
    await expect(access(path.join(sample.path, ".git/hooks/post-commit"))).rejects.toThrow();
    await expect(access(path.join(sample.path, "../far"))).rejects.toThrow();
    expect(
      (await readdir(path.join(sample.study, "results/failed"))).some((name) => name.endsWith(".sca")),
    ).toBe(true);
  });
});
