import { expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { describeWithService } from "../helpers/services.ts";
import { mustRun } from "../helpers/swarm.ts";
import { newSample, newUser, type Sample, type User } from "../helpers/tool.ts";

const DISGUISE = fileURLToPath(new URL("../helpers/macos.cjs", import.meta.url));

/** A user whose tools see a macOS. The processes of swarms do not, as on AWS and Docker: they do not get this variable. */
async function macUser(): Promise<User> {
  const user = await newUser();
  user.env["NODE_OPTIONS"] = `--require=${JSON.stringify(DISGUISE)}`;
  return user;
}

describeWithService("redis-server", "a client without /proc, as on macOS", () => {
  const runall = (user: User, sample: Sample, ...args: string[]) =>
    user.run("runall-swarm", args, { cwd: sample.study });

  it("plans and explains a campaign", async () => {
    await using user = await macUser();
    await using sample = await newSample();
    const planned = await runall(user, sample, "-c", "Quick", "--dry-run");
    expect(planned).toMatchObject({ exitCode: 0, stderr: "" });
    expect(planned.stdout.split("\n").filter((line) => line.startsWith("Quick #"))).toHaveLength(8);
    const explained = await runall(user, sample, "explain", "-c", "Quick");
    expect(explained).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("identity: ") as string });
  });

  it("creates a swarm, collects a campaign, and halts, resumes and removes the swarm", async () => {
    await using user = await macUser();
    await using sample = await newSample();
    await mustRun(user, ["init", "--local", "--runners", "2"]);
    const campaign = await runall(user, sample, "-c", "Quick");
    expect(campaign).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("8 done.") as string });
    expect((await sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
    expect((await runall(user, sample, "list")).exitCode).toBe(0);
    await mustRun(user, ["halt"]);
    expect((await mustRun(user, ["status"])).stdout).toMatch(/^local \(local\): halted/);
    await mustRun(user, ["resume"]);
    expect((await mustRun(user, ["status"])).stdout).toMatch(/^local \(local\): running/);
    await mustRun(user, ["remove", "--force"]);
    expect((await mustRun(user, ["status"])).stdout).toContain("no swarm exists");
  });

  it("is really without it", async () => {
    await using user = await macUser();
    await using sample = await newSample();
    const read = `import("node:fs").then(({ readFileSync }) => readFileSync("/proc/self/stat"))`;
    const { execFile } = await import("node:child_process");
    const answer = await new Promise<string>((resolve) => {
      const options = { cwd: sample.study, env: user.env };
      execFile(
        process.execPath,
        ["-e", `${read}.catch(({ code }) => console.log(process.platform, code))`],
        options,
        (_, stdout) => resolve(stdout),
      );
    });
    expect(answer).toBe("darwin ENOENT\n");
  });
});
