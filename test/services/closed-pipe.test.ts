import { spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { queued, researcher, type Researcher } from "../helpers/swarm.ts";

type Tool = "runall-swarm" | "swarm-tool";

describeWithService("redis-server", "a command whose output nobody reads", () => {
  let user: Researcher;

  beforeAll(async () => {
    user = await researcher(1);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  /** Runs a tool whose standard output is closed before it can write. */
  const runUnread = async (tool: Tool, args: readonly string[]) => {
    const options = { cwd: user.sample.study, env: user.env };
    const child = spawn(process.execPath, [path.resolve("bin", `${tool}.js`), ...args], options);
    user.adopt(child);
    child.stdout.destroy();
    const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
    return { exitCode: child.exitCode, stderr };
  };

  it("ends quietly, with the status of a program that SIGPIPE has ended", async () => {
    const id = await queued(user, "-c", "Quick", "-r", "0");
    const commands: [Tool, ...string[]][] = [
      ["runall-swarm", "list"],
      ["runall-swarm", "list", "--json"],
      ["runall-swarm", "logs", id],
      ["runall-swarm", "--help"],
      ["runall-swarm", "explain", "-c", "Quick"],
      ["runall-swarm", "--dry-run", "--json", "-c", "Quick"],
      ["runall-swarm", "completion", "bash"],
      ["swarm-tool", "--help"],
      ["swarm-tool", "status"],
      ["swarm-tool", "context"],
    ];
    for (const [tool, ...args] of commands) {
      const { exitCode, stderr } = await runUnread(tool, args);
      expect([exitCode, stderr], args.join(" ")).toEqual([141, ""]);
    }
  });

  it("stops following a run that does not end", async () => {
    const id = await queued(user, "-c", "Endless");
    const { exitCode, stderr } = await runUnread("runall-swarm", ["logs", id, "0", "-f"]);
    expect([exitCode, stderr]).toEqual([141, ""]);
    await user.runall("cancel", id);
  });

  it("still executes a campaign and collects its results", async () => {
    const { exitCode } = await runUnread("runall-swarm", ["--json", "--rerun", "-c", "Quick"]);
    expect(exitCode).toBe(0);
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
  });
});
