import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

/** Prints its environment and limits before it simulates, like a model that reads them. */
const PROGRAM = `#!/bin/sh
case " $* " in
*" -q "*|*" -v "*) ;;
*) echo "umask=$(umask) stack=$(ulimit -S -s) core=$(ulimit -S -c) cpu=$(ulimit -S -t)"; echo "<<<"; env; echo ">>>" ;;
esac
STAND_IN_EXECUTABLE=1 exec opp_run "$@"
`;
const TOOL = fileURLToPath(new URL("../../bin/runall-swarm.js", import.meta.url));

describeWithService("redis-server", "the environment of runs on this machine", () => {
  let user: User;
  let sample: Sample;

  beforeEach(async () => {
    [user, sample] = await Promise.all([newUser(), newSample()]);
    await sample.write({ "simulations/sim.sh": PROGRAM });
    await chmod(path.join(sample.study, "sim.sh"), 0o755);
    await sample.commit();
    const session = { MAPS: "/maps/of/the/first", FIRST_TERMINAL: "1", STAND_IN_RUN_MS: "300" };
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"], { env: session });
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
    await sample[Symbol.asyncDispose]();
  });

  const runall = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
    user.run("runall-swarm", [...args, "./sim.sh", "-c", "Quick", "-r", "0"], { cwd: sample.study, env });
  const printed = async (): Promise<string> => {
    const name = (await sample.results()).find((file) => file.endsWith(".out"));
    return await readFile(path.join(sample.study, "results", name!), "utf8");
  };
  const environment = async (): Promise<Record<string, string>> => {
    const [, block] = /<<<\n([^]*)\n>>>/.exec(await printed())!;
    return Object.fromEntries(
      block!.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  };

  it("is that of the terminal in which a campaign was queued, not of the one that created the swarm", async () => {
    for (const env of [{ MAPS: "/maps/2024" }, { MAPS: "/maps/2025" }, {}]) {
      await rm(path.join(sample.study, "results"), { recursive: true, force: true });
      expect(await runall([], env)).toMatchObject({ exitCode: 0 });
      const seen = await environment();
      expect(seen["MAPS"]).toBe(env.MAPS);
      expect(seen).not.toHaveProperty("FIRST_TERMINAL");
      expect(seen).toMatchObject({
        HOME: user.directory,
        PATH: expect.stringContaining("omnetpp-stand-in") as string,
      });
    }
  });

  it("is separate for two campaigns with the same source and build", async () => {
    const values = ["one", "two", "three"];
    await runall([]); // their build and source exist
    const ids: string[] = [];
    for (const MAPS of values) {
      const { stdout } = await user.run(
        "runall-swarm",
        ["--detach", "--rerun", "./sim.sh", "-c", "Quick", "-r", "0..1"],
        { cwd: sample.study, env: { MAPS } },
      );
      ids.push(/attach (\S+)/.exec(stdout)![1]!);
    }
    for (const [at, id] of ids.entries()) {
      const { exitCode } = await user.run("runall-swarm", ["attach", id], { cwd: sample.study });
      expect(exitCode).toBe(0);
      expect((await environment())["MAPS"]).toBe(values[at]);
    }
  });

  it("contains no session or credential variable, unless it is named", async () => {
    const env = {
      MY_TOKEN: "t",
      SSH_AUTH_SOCK: "/s",
      NODE_OPTIONS: "--no-warnings",
      AWS_PROFILE: "p",
      REDIS_URL: "r",
    };
    expect(await runall([], env)).toMatchObject({ exitCode: 0 });
    const seen = await environment();
    for (const name of Object.keys(env)) expect(seen).not.toHaveProperty(name);
    expect(await runall(["--env", "MY_TOKEN", "--env=LICENSE=a=b"], env)).toMatchObject({ exitCode: 0 });
    expect(await environment()).toMatchObject({ MY_TOKEN: "t", LICENSE: "a=b" });
    const { stdout } = await user.run("runall-swarm", ["list", "--json"]);
    expect(stdout).toContain('"namedEnvironment"');
    expect(stdout).not.toContain('"terminal"');
  });

  it("determines with named variables whether a run has completed already", async () => {
    const skipped = async (...args: string[]): Promise<boolean> =>
      /already completed/.test((await runall(args, { MAPS: "/maps/1" })).stderr);
    expect(await skipped("--env", "MAPS")).toBe(false);
    expect(await skipped("--env", "MAPS=/maps/1")).toBe(true);
    expect(await skipped("--env", "MAPS=/maps/2")).toBe(false);
    expect(await skipped("--env", "MAPS=/maps/2", "--env", "OTHER=1")).toBe(false);
    expect(await skipped("--env", "OTHER=1", "--env", "MAPS=/maps/2")).toBe(true);
  });

  it.each([
    [["--env", "MAPS"], "--env MAPS: the variable is not set"],
    [["--env", "1X=2"], '--env: "1X" is not a valid name of an environment variable'],
    [["--env", "=x"], '--env: "" is not a valid name of an environment variable'],
    [["--env", "REDIS_URL=x"], "--env REDIS_URL: this variable cannot be set for runs"],
  ])("cannot contain %j", async (args, message) => {
    const { exitCode, stderr } = await runall(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it("includes the umask and the soft limits of the terminal", async () => {
    const script = 'umask 0027; ulimit -S -s 4000; ulimit -S -c 0; ulimit -S -t 1234; exec "$@"';
    const command = [process.execPath, TOOL, "./sim.sh", "-c", "Quick", "-r", "0"];
    const child = spawn("sh", ["-c", script, "sh", ...command], {
      cwd: sample.study,
      env: user.env,
      stdio: "ignore",
    });
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await printed()).toContain("umask=0027 stack=4000 core=0 cpu=1234");
    expect(await runall(["--rerun"])).toMatchObject({ exitCode: 0 });
    expect(await printed()).not.toContain("cpu=1234");
  });

  it("includes the compiler settings of the terminal, with one build for each", async () => {
    const builds = async (env: NodeJS.ProcessEnv, ...args: string[]): Promise<boolean> => {
      const { stderr, exitCode } = await user.run(
        "runall-swarm",
        ["--rerun", ...args, "-c", "Quick", "-r", "0"],
        {
          cwd: sample.study,
          env,
        },
      );
      expect(exitCode).toBe(0);
      return stderr.includes("building");
    };
    expect(await builds({})).toBe(true);
    expect(await builds({ MAPS: "1" })).toBe(false);
    expect(await builds({ CXXFLAGS: "-O3" })).toBe(true);
    expect(await builds({ CXXFLAGS: "-O3", MAPS: "1" })).toBe(false);
    expect(await builds({ CXXFLAGS: "-O3", MAPS: "1" }, "--env", "MAPS")).toBe(true);
  });
});
