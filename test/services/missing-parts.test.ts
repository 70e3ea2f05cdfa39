import { chmod, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { jobsOf, NO_JOBS } from "../helpers/swarm.ts";
import { describeWithService } from "../helpers/services.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "a part of a campaign that does not exist", () => {
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

  const runall = (...args: string[]): Promise<Finished> =>
    user.run("runall-swarm", [...args, "-c", "Quick"], { cwd: sample.study });
  const campaigns = async (): Promise<string[]> => {
    const { stdout } = await user.run("runall-swarm", ["list", "--json"]);
    return (JSON.parse(stdout) as { campaign: { id: string } }[]).map(({ campaign }) => campaign.id);
  };
  const expectRefusal = async (args: readonly string[], message: string | RegExp): Promise<void> => {
    const known = await campaigns();
    const { exitCode, stderr } = await runall(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(exitCode).toBe(2);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
    expect(await campaigns()).toEqual(known);
  };

  it.each<[string[], string]>([
    [["-l", "./nosuch"], "the library ./nosuch does not exist"],
    [["-l", "../src/nosuch"], "the library ../src/nosuch does not exist"],
    [["-l", "/nowhere/nosuch"], "the library /nowhere/nosuch does not exist"],
    [["-n", "../src:nosuch"], "the NED folder nosuch does not exist"],
    [["-n", "../src;/nowhere"], "the NED folder /nowhere does not exist"],
    [["./nosuch"], "the program nosuch does not exist"],
    [["../src/nosuch"], "the program ../src/nosuch does not exist"],
    [["--dry-run", "../src/nosuch"], "the program ../src/nosuch does not exist"],
  ])("leads to one refusal before anything is queued: %j", async (args, message) => {
    await expectRefusal(args, `runall-swarm: ${message}\n`);
  });

  it("is named if the project itself names it", async () => {
    await sample.commit({ ".nedfolders": "src\nnosuch\n" });
    await expectRefusal([], "the NED folder nosuch of the project does not exist");
  });

  it("may be a file that git ignores, which is not sent", async () => {
    await sample.commit({ ".gitignore": "*.local\nmaps/\nlib*.so\nresults/\n" });
    await sample.write({
      "simulations/my.local": "",
      "simulations/libmine.so": "",
      "simulations/maps/a.ned": "",
    });
    await writeFile(path.join(sample.study, "other.local.ini"), "[General]\n");
    const hint =
      'is not part of the source\nhint: check the name; if git ignores the file, list it under "ship" in swarm.json';
    await chmod(path.join(sample.study, "my.local"), 0o755);
    await expectRefusal(["-l", "./mine"], `the library ./mine ${hint}`);
    await expectRefusal(["-n", "../src:maps"], `the NED folder maps ${hint}`);
  });

  it("may be a program that is not executable", async () => {
    await sample.commit({ "simulations/sim.sh": "#!/bin/sh\n" });
    await expectRefusal(["./sim.sh"], /the program sim\.sh is not executable\nhint: .*chmod \+x .*sim\.sh/);
  });

  it("may be a product that the build leaves out", async () => {
    const build = { build: ["echo nothing is made"] };
    await sample.commit({ "swarm.json": JSON.stringify({ ...build, libraries: ["src/queue"] }) });
    await expectRefusal(
      [],
      /the build did not produce the library src\/queue\nhint: see the build log .*\.log/,
    );
    await expectRefusal(["-l", "../src/other"], "the build did not produce the library ../src/other");
    await expectRefusal(["./mine"], "the build did not produce the program mine");
    await rm(path.join(sample.path, ".oppbuildspec"));
    await sample.commit({ "swarm.json": "{}", Makefile: "all:\n\techo nothing\n" });
    await expectRefusal([], /the build did not produce a program or library\n/);
  });

  it("is not reported for products of the build and existing files", async () => {
    expect(await runall("--dry-run", "../src/mm1")).toMatchObject({ exitCode: 0 });
    expect(await runall("../src/mm1", "-r", "0")).toMatchObject({ exitCode: 0 });
    await sample.write({ "simulations/empty/.keep": "", "simulations/ned/package.ned": "package mm1;\n" });
    expect(await runall("--dry-run", "-n", "../src:ned:../src/.")).toMatchObject({ exitCode: 0 });
  });

  it("leads to one line in the summary and in the logs if every run misses it", async () => {
    await sample.commit({
      "simulations/sim.sh":
        '#!/bin/sh\ncase " $* " in *" -q "*|*\' -v \'*) exec opp_run "$@";; esac\necho \'<!> Error: Cannot open map \'$$; exit 1\n',
    });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    const { stdout, exitCode } = await runall("./sim.sh");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^8 × Cannot open map \d+: Quick #0-#7\n {5}first: #0 failed, \$arrivalRate=/m);
    const [id] = await campaigns();
    expect(stdout).toContain(`to print the output of one, run: runall-swarm logs ${id!} 0`);
    const logs = await user.run("runall-swarm", ["logs", id!], { cwd: sample.study });
    expect(logs.stdout).toMatch(
      /^8 × Cannot open map \d+: Quick #0-#7 \(failed\)\nto print the output of one, run: /,
    );
  });
});
