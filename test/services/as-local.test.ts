import { execFile } from "node:child_process";
import { cp, mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compareResults } from "../real-omnetpp/compare-results.js";
import { makeRepository } from "../helpers/git.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";
import { newSample, newUser, type Sample, type User } from "../helpers/tool.ts";

/** Ini files in all places from which a study may read them. */
const FILES = {
  "common/base.ini": "[General]\nnetwork = mm1.Mm1\nsim-time-limit = 200s\ninclude rates.ini\n",
  "common/rates.ini": "*.source.arrivalRate = 0.5\n*.queue.serviceRate = 1\n",
  "simulations/included.ini": "include ../common/base.ini\n[Config Two]\nrepeat = 2\n",
  "simulations/more.ini": "[Config Two]\nrepeat = 2\n*.queue.serviceRate = ${s=1, 2}\n",
  "other/deep/study.ini":
    "[General]\nresult-dir = ../made\ninclude ../../common/base.ini\n[Config Two]\nrepeat = 2\n",
  "other/deep/empty.txt": "a folder that is a study by -f alone\n",
};

interface Case {
  /** Relative to the top of the sample. */
  cwd: string;
  args: string[];
  results?: string;
}

const CASES: Record<string, Case> = {
  "ini files that include others from outside of the study": {
    cwd: "simulations",
    args: ["-f", "included.ini", "-c", "Two"],
  },
  "several ini files, in their order": {
    cwd: "simulations",
    args: ["-f", "../common/base.ini", "-f", "more.ini", "-c", "Two", "-r", "0..2"],
    results: "common/results", // names are relative to the folder of the first ini file
  },
  "ini files that are named without -f": {
    cwd: "simulations",
    args: ["../common/base.ini", "more.ini", "-c", "Two", "-r", "1"],
    results: "common/results",
  },
  "an ini file of another folder": {
    cwd: "simulations",
    args: ["-f", "../other/deep/study.ini", "-c", "Two"],
    results: "other/made",
  },
  "a folder below the one with the ini file": {
    cwd: "other/deep",
    args: ["-f", "../../simulations/omnetpp.ini", "-c", "Quick", "-r", "0,5", "-n", "../../src"],
    results: "simulations/results",
  },
  "a result directory that is named on the command line": {
    cwd: "simulations",
    args: ["-c", "Quick", "-r", "0", "--result-dir=../out/of/study"],
    results: "out/of/study",
  },
};

describeWithService("redis-server", "the same command leaves the same results as a local run", () => {
  let user: User;
  let sample: Sample;
  let local: Sample;
  let place: TemporaryDirectory;

  beforeAll(async () => {
    [user, sample, local, place] = await Promise.all([
      newUser(),
      newSample(),
      newSample(),
      temporaryDirectory(),
    ]);
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
    for (const each of [sample, local]) await each.commit(FILES);
    await local.write({ "src/libmm1.so": "" });
  });
  afterAll(async () => {
    for (const each of [user, sample, local, place]) await each[Symbol.asyncDispose]();
  });

  /** Executes a case both ways, and compares the results. */
  const expectSame = async ({ cwd, args, results }: Case, top = sample.path): Promise<void> => {
    const [here, there] = [path.join(local.path, cwd), path.join(top, cwd)];
    const folder = results ?? path.join(cwd, "results");
    for (const side of [local.path, top]) await rm(path.join(side, folder), { recursive: true, force: true });
    const up = path.relative(here, path.join(local.path, "src"));
    const ned = args.includes("-n") ? [] : ["-n", `${up}:.`];
    const base = ["-u", "Cmdenv", "-s", "-l", `${up}/mm1`, ...ned];
    await promisify(execFile)("opp_run", [...base, ...args], { cwd: here, env: user.env });
    const { exitCode, stderr } = await user.run("runall-swarm", args, { cwd: there });
    expect(exitCode, stderr).toBe(0);
    const { files, differences } = await compareResults(
      path.join(local.path, folder),
      path.join(top, folder),
    );
    expect(differences).toEqual([]);
    expect(files).toBeGreaterThan(2);
  };

  it.each(Object.entries(CASES))("%s", (_, how) => expectSame(how));

  const quick: Case = { cwd: "simulations", args: ["-c", "Quick", "-r", "0,5"] };

  it("in a worktree, on another branch", async () => {
    const worktree = path.join(place.path, "mm1-other");
    await sample.git("worktree", "add", "--quiet", "-b", "other", worktree);
    await expectSame(quick, worktree);
  });

  it("in a submodule", async () => {
    await using outer = await makeRepository({ "README.md": "a paper\n" });
    await outer.git(
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      sample.path,
      "lib/mm1",
    );
    await outer.commit();
    await expectSame(quick, path.join(outer.path, "lib/mm1"));
  });

  it("in a folder that is reached through a symbolic link", async () => {
    const link = path.join(place.path, "link");
    await symlink(sample.path, link);
    await expectSame(quick, link);
  });

  it("in a checkout whose folder name contains spaces and quotes", async () => {
    const top = path.join(place.path, 'it\'s a "study"');
    await mkdir(top);
    await cp(sample.path, top, { recursive: true, filter: (file) => !file.includes("results") });
    await expectSame(quick, top);
  });

  it("with -C, from another folder", async () => {
    await rm(path.join(sample.study, "results"), { recursive: true, force: true });
    const { exitCode } = await user.run("runall-swarm", ["-C", sample.study, "-c", "Quick", "-r", "0"]);
    expect(exitCode).toBe(0);
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(1);
  });
});
