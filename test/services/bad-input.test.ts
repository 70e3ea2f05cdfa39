import { readdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newSample, newUser, STAND_IN, type Finished, type Sample, type User } from "../helpers/tool.ts";

/** The output for a user error: one sentence, perhaps a hint, never a stack trace. */
function expectAdvice({ exitCode, stderr }: Finished, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(exitCode).toBe(2);
}

describeWithService("redis-server", "runall-swarm reports what to change", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    sample = await newSample();
    await user.run("swarm-tool", ["init", "--local", "--runners", "1"]);
  });
  afterAll(async () => {
    await sample[Symbol.asyncDispose]();
    await user[Symbol.asyncDispose]();
  });
  const runall = (args: readonly string[], cwd = sample.study, env = {}): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd, env });

  it("outside of a git checkout", async () => {
    await using directory = await temporaryDirectory();
    await writeFile(path.join(directory.path, "omnetpp.ini"), "[General]\n");
    expectAdvice(await runall([], directory.path), `${directory.path} is not in a git checkout`);
  });

  it("without omnetpp.ini, or without the named ini file", async () => {
    expectAdvice(await runall([], sample.path), `no omnetpp.ini in ${sample.path}`);
    expectAdvice(await runall(["-f", "other.ini"]), `no other.ini in ${sample.study}`);
    expectAdvice(await runall(["-C", "/nowhere"]), "no such folder: /nowhere");
  });

  it.each([
    [
      ["-c", "Nosuch"],
      /<!> Error: No such config: Nosuch\nhint: configs here: General, Load, Quick, Broken, Endless/,
    ],
    [
      ["-c", "Quick", "-r", "$nosuch==1"],
      "<!> Error: Cannot evaluate run filter: Unknown variable \\$nosuch",
    ],
    [["-c", "Quick", "-r", "99"], "<!> Error: Run number 99 in run list '99' is out of range 0..7"],
    [["-c", "Quick", "-r", "$arrivalRate>5"], "no run of Quick matches -r '\\$arrivalRate>5'"],
    [["-c", "Quick", "-l", "nosuch"], "<!> Error: Cannot load library 'libnosuch.so'"],
    [["-c", "Quick", "--commit", "nosuch"], "no commit nosuch"],
    [["-c"], "the option -c needs a value"],
    [["-c", "Quick", "-u", "Qtenv"], "-u Qtenv: runs on a swarm use Cmdenv only"],
    [["-q", "runs"], "-q only queries the simulator"],
    [["--swarm"], "argument missing"],
    [["-c", "Quick", "--swarm", "nosuch"], /no swarm named nosuch\nhint: swarms here: local/],
    [
      ["opp_run", "-c", "Nosuch", "--quiet"],
      "put options of runall-swarm, such as --quiet, before the simulation program",
    ],
    [["/bin/true", "-c", "Quick"], "the simulation program /bin/true is .*, outside the checkout"],
    [["nosuch", "-c", "Quick"], "nosuch: command not found"],
    [["--timout=5s", "-c", "Quick"], /Unknown command-line .*--timout[^]*hint: did you mean --timeout\?/],
    [["atach", "abcdefgh"], /hint: did you mean: runall-swarm attach\?/],
  ])("%j", async (args, message) => {
    expectAdvice(await runall(args), new RegExp(message));
  });

  it("if the result directory is not writable", async () => {
    expectAdvice(
      await runall(["-c", "Quick", "--result-dir=/proc/nowhere"]),
      "cannot write to the result directory /proc/nowhere",
    );
    const results = path.join(sample.study, "results");
    await writeFile(results, "a file, not a folder");
    expectAdvice(await runall(["-c", "Quick"]), `cannot write to the result directory ${results}`);
    await rm(results);
  });

  it("without OMNeT++", async () => {
    await using programs = await pathWith(["git", "redis-server"]);
    expectAdvice(
      await runall(["-c", "Quick"], sample.study, { PATH: programs.path }),
      /OMNeT\+\+ is not in PATH.*\nhint: .*setenv/,
    );
    expectAdvice(
      await runall(["opp_run_dbg", "-c", "Quick"]),
      "OMNeT++ is not in PATH: opp_run_dbg: command not found",
    );
  });

  it("without git", async () => {
    await using programs = await pathWith(["redis-server"]);
    const env = { PATH: `${programs.path}:${STAND_IN}` };
    expectAdvice(await runall(["-c", "Quick"], sample.study, env), "git: command not found");
  });

  it("without redis-server, and leaves no swarm behind", async () => {
    await using other = await newUser();
    await using programs = await pathWith(["git", "sh", "node", "dirname", "readlink", "realpath"]);
    const env = { PATH: `${STAND_IN}:${programs.path}` };
    const answer = await other.run("runall-swarm", ["-c", "Quick"], { cwd: sample.study, env });
    expectAdvice(answer, /redis-server: command not found\nhint: .*apt-get install redis-server/);
    expect((await other.run("swarm-tool", ["status"])).stdout).toContain("no swarm exists");
  });

  it("if the build fails, with its last lines and its log, also if the command is repeated", async () => {
    await using broken = await newSample();
    await broken.commit({ "src/Bad.cc": "#error this does not compile\n" });
    for (const _ of [1, 2]) {
      const answer = await runall(["-c", "Quick"], broken.study);
      expectAdvice(
        answer,
        /the build failed: .*: error: #error this does not compile.*\n\$ make MODE=release[^]*error: #error this does not compile[^]*hint: see the build log .*\.log/,
      );
    }
    expect(await readdir(broken.study)).not.toContain("results");
    await broken.commit({ "src/Bad.cc": "// mended\n" });
    expect((await runall(["-c", "Quick", "-r", "0"], broken.study)).exitCode).toBe(0);
  });

  it("if the repository has no commit", async () => {
    await using directory = await temporaryDirectory();
    await sample.git("init", "--quiet", directory.path);
    await writeFile(path.join(directory.path, "omnetpp.ini"), "[General]\n");
    expectAdvice(await runall([], directory.path), "has no commit yet");
  });

  it("also in swarm-tool", async () => {
    expectAdvice(await user.run("swarm-tool", ["init", "--aws"]), "no AWS region is configured");
    expectAdvice(await user.run("swarm-tool", ["init", "--local", "a b"]), '"a b" is not a valid swarm name');
    expectAdvice(await user.run("swarm-tool", ["init", "--local", "--runners", "0"]), "whole number from 1");
    expectAdvice(await user.run("swarm-tool", ["halt", "nosuch"]), "no swarm named nosuch");
    expectAdvice(await user.run("swarm-tool", ["nosuch"]), "unknown command 'nosuch'");
  });
});

/** A folder that contains these programs and nothing else. */
async function pathWith(programs: readonly string[]) {
  const directory = await temporaryDirectory("swarm-path-");
  for (const program of programs) {
    const found = (process.env["PATH"] ?? "").split(":").map((folder) => path.join(folder, program));
    const existing = await firstExisting(found);
    if (existing !== undefined) await symlink(existing, path.join(directory.path, program));
  }
  return directory;
}

async function firstExisting(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const names: string[] = await readdir(path.dirname(file)).catch(() => []);
    if (names.includes(path.basename(file))) return file;
  }
  return undefined;
}
