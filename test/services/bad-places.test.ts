import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { eventually, filesBelow, processesOf } from "../helpers/swarm.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { removeInUse } from "../helpers/temporary.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

const STATE = "state/inet-swarm";
const COMMANDS = [
  ["swarm-tool", "init", "--local"],
  ["swarm-tool", "status", "local"],
  ["swarm-tool", "dashboard", "local"],
  ["swarm-tool", "remove", "local", "--force"],
  ["runall-swarm", "-c", "Quick", "-r", "0"],
] as const;

describeWithService("redis-server", "something else in place of our files", () => {
  let user: User;
  let sample: Sample;
  beforeAll(async () => {
    sample = await newSample();
  });
  afterAll(() => sample[Symbol.asyncDispose]());
  beforeEach(async () => {
    user = await newUser();
  });
  afterEach(() => user[Symbol.asyncDispose]());

  const at = (name: string): string => path.join(user.directory, name);
  const run = ([tool, ...args]: readonly string[], env = {}): Promise<Finished> =>
    user.run(tool as "swarm-tool", args, { cwd: sample.study, env });
  /** No command may report it as a bug. */
  const expectAdvice = ({ exitCode, stdout, stderr }: Finished, hint: RegExp): void => {
    expect(stderr).not.toMatch(/this is a bug|^ {4}at /m);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(hint);
  };

  it.each<[string, (place: string) => Promise<unknown>, string]>([
    ["a file", (place) => writeFile(place, ""), STATE],
    ["a file", (place) => writeFile(place, ""), `${STATE}/swarms`],
    ["a link to itself", (place) => symlink(path.basename(place), place), STATE],
    ["a folder", (place) => mkdir(place), `${STATE}/swarms/local/swarm.json`],
  ])("is named: $0 at $2", async (_, make, place) => {
    await mkdir(path.dirname(at(place)), { recursive: true });
    await make(at(place));
    for (const command of COMMANDS) {
      const finished = await run(command);
      if (finished.stderr.includes("no swarm exists")) continue; // this command needs nothing at that place
      expectAdvice(finished, new RegExp(`${at(place)}[^]*\\nhint: .*(move|remove)`));
    }
    await rm(at(place), { recursive: true });
  });

  it("does not prevent a removal if the cache is a file", async () => {
    await writeFile(at("cache"), "");
    expectAdvice(await run(COMMANDS[0]), /cache: file already exists\nhint: move .*XDG_CACHE_HOME/);
    await rm(at("cache"));
    expect(await run(COMMANDS[0])).toMatchObject({ exitCode: 0 });
    await eventually(async () => {
      await removeInUse(at("cache"));
      await writeFile(at("cache"), ""); // the swarm may just have recreated the folder
    });
    expect(await run(COMMANDS[3])).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.each(["/proc/nonexistent", "/dev/null"])("is reported if the home is unusable: %s", async (home) => {
    const env = { HOME: home, XDG_STATE_HOME: "", XDG_CACHE_HOME: "" };
    for (const command of [COMMANDS[0], COMMANDS[4]])
      expectAdvice(
        await run(command, env),
        /or set XDG_(STATE|CACHE)_HOME to a folder that you can write to/,
      );
  });

  it("is reported if the disk is read-only or full", async (context) => {
    using disk = await smallDisk(at("disk"), 64, context);
    const env = { XDG_STATE_HOME: at("disk"), XDG_CACHE_HOME: at("disk") };
    await writeFile(at("disk/filler"), "x".repeat(1e6)).catch(() => undefined);
    for (const command of [COMMANDS[0], COMMANDS[4]])
      expectAdvice(
        await run(command, env),
        /no space left on device\nhint: free some space on the file system of .*disk/,
      );
    await rm(at("disk/filler"));
    await disk.protect("ro");
    for (const command of [COMMANDS[0], COMMANDS[4]])
      expectAdvice(
        await run(command, env),
        /read-only file system\nhint: the file system of .*disk.* is read-only/,
      );
    await disk.protect("rw");
  });

  it("does not prevent halt and remove on a full disk", async (context) => {
    using _ = await smallDisk(at("state"), 8 << 10, context);
    expect(await run(COMMANDS[0])).toMatchObject({ exitCode: 0 });
    await writeFile(at("state/filler"), "x".repeat(16 << 20)).catch(() => undefined);
    expectAdvice(
      await run(["swarm-tool", "halt", "local"]),
      /no space left on device\nhint: free some space/,
    );
    await eventually(() => expect(processesOf(user)).toEqual([]));
    expect(await run(COMMANDS[3])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await filesBelow(at("state"))).toEqual(["filler"]);
  });

  it("does not affect the terminal if its name has control characters", async () => {
    const odd = at("a\u001b[31m");
    await mkdir(odd);
    const env = { XDG_STATE_HOME: odd, XDG_CACHE_HOME: odd };
    expect(await run(COMMANDS[0], env)).toMatchObject({ exitCode: 0 });
    const { stdout } = await run(COMMANDS[1], env);
    expect(stdout).toContain("a\\x1b[31m");
    expect(stdout).not.toContain("\u001b");
    expect(await run(COMMANDS[3], env)).toMatchObject({ exitCode: 0 });
  });
});
