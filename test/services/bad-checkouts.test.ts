import { execFile } from "node:child_process";
import { chmod, mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeRepository } from "../helpers/git.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

const run = promisify(execFile);

describeWithService("redis-server", "a checkout that cannot be run as it is", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "1"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const runall = (args = ["-c", "Quick", "-r", "0"], cwd = sample.study): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd });

  /** The user gets a message of one sentence, and the user's files are unchanged to the byte. */
  const expectRefused = async (message: RegExp, call = () => runall()): Promise<void> => {
    const before = await sample.everything();
    const { exitCode, stderr, stdout } = await call();
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
    expect(await sample.everything()).toEqual(before);
  };

  it("has no commit", async () => {
    await rm(path.join(sample.path, ".git"), { recursive: true });
    await sample.git("init", "--quiet");
    await expectRefused(/has no commit yet\nhint: commit your files first: git add -A && git commit/);
    await sample.git("add", "--all");
    await expectRefused(/has no commit yet/);
  });

  it("is in the middle of a merge with conflicts", async () => {
    const ini = "simulations/omnetpp.ini";
    await sample.git("branch", "theirs");
    await sample.commit({ "README.md": "ours\n" });
    await sample.git("switch", "--quiet", "theirs");
    await sample.commit({ "README.md": "theirs\n" });
    await sample.git("merge", "--quiet", "main").catch(() => undefined);
    await expectRefused(
      /unresolved merge conflicts in .*: README\.md\nhint: resolve them and git add the files, or abort the merge with: git merge --abort/,
    );
    await sample.git("add", "README.md"); // resolved, but not committed: equivalent to any other change
    expect((await runall()).exitCode).toBe(0);
    expect(await sample.git("status", "--porcelain", ini)).toBe("");
  });

  it("has a submodule that was not initialised", async () => {
    await using inner = await makeRepository({ "lib.cc": "\n" });
    const allow = ["-c", "protocol.file.allow=always"];
    await sample.git(...allow, "submodule", "--quiet", "add", inner.path, "lib");
    await sample.commit();
    await sample.git("submodule", "--quiet", "deinit", "--force", "lib");
    const { exitCode, stderr } = await runall();
    expect(stderr).toContain(
      "warning: the submodule lib is not initialised, so its files are not sent; if runs need them, fetch them: git submodule update --init --recursive -- lib",
    );
    expect(exitCode).toBe(0);
    await sample.git(...allow, "submodule", "--quiet", "update", "--init", "lib");
    expect((await runall(["--dry-run", "-c", "Quick"])).exitCode).toBe(0);
  });

  describe.each(["a tracked file", "a new file"])("has %s", (which) => {
    const name = which === "a new file" ? "src/new.cc" : "src/Queue.cc";

    it("that cannot be read", async () => {
      await sample.write({ [name]: "// changed\n" });
      await chmod(path.join(sample.path, name), 0o000);
      const refused = new RegExp(
        `cannot read \\S*/${name}: Permission denied\nhint: make the file readable, or add it to .gitignore`,
      );
      await expectRefused(refused, () => asNobody(user, sample));
    });

    it("whose name is not UTF-8", async () => {
      const file = Buffer.concat([
        Buffer.from(`${sample.path}/src/`),
        Buffer.from([0x66, 0xfc, 0x72]),
        Buffer.from(".cc"),
      ]);
      await writeFile(file, "");
      if (which === "a tracked file") await sample.commit();
      const before = await sample.git("status", "--porcelain");
      const { exitCode, stderr } = await runall();
      expect(stderr).toMatch(
        /a file name is not valid UTF-8: src\/f\ufffdr\.cc\nhint: rename the file, or add it to .gitignore/,
      );
      expect(exitCode).toBe(2);
      expect(await sample.git("status", "--porcelain")).toBe(before);
      await unlink(file);
    });
  });

  it("has a pipe in place of a file", async () => {
    await rm(path.join(sample.path, "src/Queue.cc"));
    await run("mkfifo", [path.join(sample.path, "src/Queue.cc")]);
    await expectPipe();
  });
  const expectPipe = async (): Promise<void> => {
    const { exitCode, stderr } = await runall();
    expect(stderr).toMatch(/src\/Queue\.cc/);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(exitCode).toBe(2);
    await rm(path.join(sample.path, "src/Queue.cc"));
  };

  it("is damaged", async () => {
    await sample.write({ "simulations/new.ini": "" });
    const tree = await sample.git("rev-parse", "HEAD^{tree}");
    await rm(path.join(sample.path, ".git/objects", tree.slice(0, 2), tree.slice(2)));
    const before = await sample.everything();
    const { exitCode, stderr } = await runall();
    expect(stderr).toMatch(/git cannot read the commit .*\nhint: check the repository: git fsck/);
    expect(exitCode).toBe(2);
    expect(await sample.everything()).toEqual(before);
  });

  it("has a link that leads out of it, which is reported, and runs that do not need it execute", async () => {
    await using outside = await temporaryDirectory();
    await writeFile(path.join(outside.path, "data.txt"), "1 2 3\n");
    await symlink(path.join(outside.path, "data.txt"), path.join(sample.study, "data.txt"));
    await mkdir(path.join(sample.path, "loop"));
    await symlink("../loop", path.join(sample.path, "loop/self"));
    const before = await sample.everything();
    const { exitCode, stderr } = await runall();
    expect(stderr).toContain(
      `warning: simulations/data.txt is a link out of the checkout, to ${outside.path}/data.txt`,
    );
    expect(stderr.match(/is a link out of the checkout/g)).toHaveLength(1);
    expect(exitCode).toBe(0);
    expect(await sample.everything()).toEqual(before);
  });
});

/** Root can read every file, so another user has to try: only to plan, which needs no swarm. */
async function asNobody(user: User, sample: Sample): Promise<Finished> {
  if (process.getuid?.() !== 0) return await user.run("runall-swarm", ["-c", "Quick"], { cwd: sample.study });
  await using home = await temporaryDirectory();
  const nobody = "65534";
  await run("chown", ["-R", nobody, home.path, sample.path]);
  const tool = path.resolve("bin/runall-swarm.js");
  const command = ["--reuid", nobody, "--regid", nobody, "--clear-groups", process.execPath, tool];
  const env = { ...user.env, HOME: home.path, XDG_CACHE_HOME: home.path, XDG_STATE_HOME: home.path };
  const options = { cwd: sample.study, env };
  try {
    const { stdout, stderr } = await run("setpriv", [...command, "--dry-run", "-c", "Quick"], options);
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  } finally {
    await run("chown", ["-R", "0", sample.path]);
  }
}
