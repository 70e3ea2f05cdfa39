import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { jobsOf, NO_JOBS } from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

/** Answers queries like the simulator, then executes a line instead of simulating. */
const program = (line: string): string =>
  `#!/bin/sh\ncase " $* " in *" -q "*|*' -v '*) exec opp_run "$@";; esac\n${line}\n`;

describeWithService("redis-server", "a message gives helpful details", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const runall = (args: readonly string[], folder = "simulations"): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd: path.join(sample.path, folder) });
  const expectAdvice = async (finished: Finished, message: string | RegExp): Promise<void> => {
    expect(finished.stderr).toMatch(message);
    expect(finished.stderr).not.toMatch(/^ {4}at /m);
    expect(finished.exitCode).toBe(2);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  };

  it("without omnetpp.ini: the ini files below, the command to type, and no more than a few", async () => {
    const there = (await sample.git("ls-files", "*.ini")).split("\n");
    expect(there).toContain("simulations/omnetpp.ini");
    await expectAdvice(
      await runall(["-c", "Quick"], ""),
      `no omnetpp.ini in ${sample.path}\nhint: found simulations/omnetpp.ini; run: runall-swarm -C simulations -c CONFIG\n`,
    );
    const more = Array.from(
      { length: 10 },
      (_, at) => [`studies/s${at}/fast run.ini`, "[General]\n"] as const,
    );
    await sample.commit(Object.fromEntries(more));
    await expectAdvice(
      await runall([], "studies"),
      /hint: found s0\/fast run\.ini, s1\/[^;]*, s7\/fast run\.ini, and 2 more; run: runall-swarm -C s0 -f 'fast run\.ini' -c CONFIG\n/,
    );
  });

  it("when the output goes to a full disk, and the command keeps running", async () => {
    const full = openSync("/dev/full", "w");
    const args = [path.resolve("bin/runall-swarm.js"), "-c", "Quick"];
    const child = spawn(process.execPath, args, {
      cwd: sample.study,
      env: user.env,
      stdio: ["ignore", full, "pipe"],
    });
    const [stderr] = await Promise.all([text(child.stderr!), once(child, "close")]);
    closeSync(full);
    expect(stderr).toContain(
      "cannot write the whole output: ENOSPC: no space left on device, write\nhint: the command itself has completed",
    );
    expect(child.exitCode).toBe(2);
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
  });

  it("when an ini file is misspelled, or in a folder above", async () => {
    await sample.commit({ "simulations/load.ini": "", "simulations/sub/README": "" });
    await expectAdvice(
      await runall(["-f", "laod.ini"]),
      `no laod.ini in ${sample.study}\nhint: found load.ini, omnetpp.ini; run: runall-swarm -f load.ini -c CONFIG\n`,
    );
    await expectAdvice(
      await runall([], "simulations/sub"),
      "hint: found ../omnetpp.ini, ../load.ini; run: runall-swarm -C .. -c CONFIG\n",
    );
    await expectAdvice(await runall([], "src"), "change to a folder that contains an omnetpp.ini");
  });

  it("when the config is misspelled, is the only one, or is not named", async () => {
    await expectAdvice(
      await runall(["-c", "Qiuck"]),
      "hint: did you mean Quick? configs here: Quick, General, ",
    );
    await expectAdvice(await runall(["-c", "Nothing"]), "hint: configs here: General, ");
    await sample.write({ "simulations/one.ini": "[General]\nnetwork = mm1.Mm1\n" });
    await expectAdvice(
      await runall(["-f", "one.ini", "-c", "Qick"]),
      "hint: the ini file has only General: remove the option -c\n",
    );
    const many = Array.from({ length: 30 }, (_, at) => `[Config C${at}]\nnetwork = mm1.Mm1\n`);
    await sample.write({ "simulations/many.ini": `[General]\nsim-time-limit = 1s\n${many.join("")}` });
    await expectAdvice(
      await runall(["-f", "many.ini"]),
      /no config given, and General has no network\nhint: name a config with -c: C0, C1, [^\n]*, C19, and 10 more\n/,
    );
  });

  it("when only the other mode of a library is built, or was built with another OMNeT++", async () => {
    await using elsewhere = await temporaryDirectory();
    const library = path.join(elsewhere.path, "mine");
    await writeFile(`${path.dirname(library)}/libmine_dbg.so`, "");
    await expectAdvice(
      await runall(["-c", "Quick", "-l", library]),
      `the library ${library} does not exist\nhint: libmine_dbg.so exists there, which is a debug build; build it with make MODE=release, or use opp_run_dbg\n`,
    );
    await sample.write({ "src/mm1_dbg": "" });
    const first = await runall(["-c", "Quick", "-r", "0"]);
    expect(first.stderr).toContain("(src/mm1 is not built; mm1_dbg exists there, which is a debug build)");
    execFileSync(
      "cc",
      ["-shared", "-o", "src/mm1", "-Wl,-rpath,/nowhere/omnetpp-5.7/lib", "-x", "c", "/dev/null"],
      { cwd: sample.path },
    );
    const second = await runall(["-c", "Quick", "-r", "1"]);
    expect(second.exitCode, second.stderr).toBe(0);
    expect(second.stdout).toContain("1 done");
    expect(second.stderr).not.toContain("using the binaries of this checkout");
  });

  it("when links lead out of the checkout: one line, however many there are", async () => {
    await mkdir(path.join(sample.path, "links"));
    for (let at = 0; at < 54; at++) await symlink("/nowhere", path.join(sample.path, `links/l${at}`));
    const { stderr, exitCode } = await runall(["-c", "Quick", "-r", "0"]);
    expect(exitCode).toBe(0);
    expect(stderr.match(/warning:.*/g)).toEqual([
      "warning: 54 links lead out of the checkout: links/l0, links/l1, links/l10, …",
    ]);
  });

  it("when runs write the same file: a few lines, and the number of the others", async () => {
    await sample.commit({ "simulations/sim.sh": program('echo "$*" >shared.txt; exec ../src/mm1 "$@"') });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    const { stderr } = await runall(["./sim.sh", "-c", "Quick"]);
    const shown = stderr.match(/^warning: shared\.txt is also written by Quick #\d/gm)!;
    const more = [
      ...stderr.matchAll(
        /^warning: (\d+) more \(shown with --verbose\) such as: shared\.txt is also written by Quick #\d/gm,
      ),
    ];
    expect(shown.length).toBeLessThanOrEqual(6); // the earlier or the later one may be renamed
    expect(more.reduce((sum, match) => sum + Number(match[1]), shown.length)).toBe(7);
  });

  it("when a run cannot open what git ignores: the file, and the entry that sends it", async () => {
    await sample.commit({
      ".gitignore": "*.csv\nresults/\n",
      "simulations/sim.sh": program('cat data/trace.csv >/dev/null || exit 1; exec ../src/mm1 "$@"'),
      "simulations/other.sh": program("echo \"<!> Error: Cannot open file 'my map.csv' here\"; exit 1"),
    });
    for (const name of ["sim.sh", "other.sh"]) await chmod(path.join(sample.study, name), 0o755);
    await sample.write({ "simulations/data/trace.csv": "1\n", "simulations/my map.csv": "1\n" });
    const first = await runall(["./sim.sh", "-c", "Quick", "-r", "0,1"]);
    const hint = (file: string): string =>
      `hint: ${file} exists here, but was not sent to the swarm, because git ignores it; if runs read it, add to ../swarm.json: "ship": ["simulations/${file}"]\n`;
    expect(first.stdout).toContain(hint("data/trace.csv"));
    expect(first.stdout.match(/hint:/g)).toHaveLength(1);
    const second = await runall(["./other.sh", "-c", "Quick", "-r", "0"]);
    expect(second.stdout).toContain(hint("my map.csv"));
    const id = /logs (\w+) 0/.exec(first.stdout)![1]!;
    const third = await user.run("runall-swarm", ["logs", id], { cwd: sample.study });
    expect(third.stdout).toContain("hint: data/trace.csv exists here");
    await sample.write({ "swarm.json": JSON.stringify({ ship: ["simulations/data/trace.csv"] }) });
    const sent = await runall(["./sim.sh", "-c", "Quick", "-r", "0,1"]);
    expect(sent.stdout).not.toContain("hint:");
    expect(sent.exitCode, sent.stderr + sent.stdout).toBe(0);
  });

  it("but not about files that were sent, results and folders", async () => {
    await sample.commit({
      ".gitignore": "results/\n",
      "simulations/in.csv": "1\n",
      "simulations/sim.sh": program(
        'echo "<!> Error: bad value in in.csv of data/, see results/old.sca"; exit 1',
      ),
    });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    await sample.write({ "simulations/results/old.sca": "", "simulations/data/x": "" });
    const { stdout, exitCode } = await runall(["./sim.sh", "-c", "Quick", "-r", "0"]);
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain("hint:");
  });
});
