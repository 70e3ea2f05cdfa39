import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { LocalStatus } from "../../src/providers/target.ts";
import { startLoginNode, type LoginNode } from "../helpers/login-node.ts";
import { describeWithService } from "../helpers/services.ts";
import { newSample, newUser, type Finished, type User } from "../helpers/tool.ts";

const ROLES = ["redis-server", "builder", "runner", "dashboard"];

describeWithService(["redis-server", "unshare", "nsenter"], "a home that several machines share", () => {
  const node = (user: User, name: string): Promise<LoginNode> => startLoginNode({ name, env: user.env });

  async function must(finished: Promise<Finished>): Promise<string> {
    const { exitCode, stdout, stderr } = await finished;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return stdout;
  }

  async function status(on: LoginNode): Promise<LocalStatus[]> {
    return JSON.parse((await on.run("swarm-tool", ["status", "--json"])).stdout) as LocalStatus[];
  }

  async function expectComplete(on: LoginNode): Promise<void> {
    const running = await on.processes();
    for (const role of ROLES) expect(running.filter((line) => line.includes(role))).toHaveLength(1);
  }

  const folders = (user: User): Promise<string[]> =>
    readdir(path.join(user.env["XDG_STATE_HOME"]!, "inet-swarm/swarms"));

  it.concurrent(
    "has a local swarm of the same name for each of them, which does not affect the others",
    async () => {
      await using user = await newUser();
      await using sample = await newSample();
      await using first = await node(user, "login1");
      await using second = await node(user, "login2");
      await must(first.run("swarm-tool", ["init", "--local", "--runners", "1"]));
      const before = await first.processes();

      expect(await must(second.run("swarm-tool", ["status"]))).toBe(
        "local@login1 (local): on login1, running when last seen, 1 runner; use it on that machine\n",
      );
      for (const args of [
        ["remove", "--force"],
        ["remove", "local", "--force"],
        ["halt", "local"],
        ["resume", "local"],
      ]) {
        const { exitCode, stderr } = await second.run("swarm-tool", args);
        expect(stderr).toContain("the swarm local is on login1, not on this machine");
        expect(stderr).toContain("run the command on login1");
        expect(exitCode).toBe(2);
      }
      expect(await second.processes()).toEqual([]);
      expect(await first.processes()).toEqual(before);

      const campaign = ["-c", "Quick", "-r", "0..1"];
      expect(await must(second.run("runall-swarm", campaign, sample.study))).toMatch(/2 done\./);
      await expectComplete(second);
      expect((await folders(user)).sort()).toEqual(["local", "local@login2"]);
      expect((await status(second)).map(({ name, state }) => [name, state])).toEqual([
        ["local", "running"],
        ["local@login1", "elsewhere"],
      ]);
      expect(await must(first.run("runall-swarm", ["-c", "Quick", "-r", "2"], sample.study))).toMatch(
        /1 done\./,
      );
      await must(second.run("swarm-tool", ["remove", "--force"]));
      expect(await second.processes()).toEqual([]);
      expect(await first.processes()).toEqual(before);
      expect((await status(first))[0]).toMatchObject({ name: "local", state: "running" });
      await must(first.run("swarm-tool", ["remove", "--force"]));
      expect(await folders(user)).toEqual([]);
    },
  );

  it.concurrent("has two swarms after two machines create theirs at the same moment", async () => {
    await using user = await newUser();
    await using first = await node(user, "login1");
    await using second = await node(user, "login2");
    const init = ["init", "--local", "--runners", "1"];
    await Promise.all([first, second].map((each) => must(each.run("swarm-tool", init))));
    await Promise.all([expectComplete(first), expectComplete(second)]);
    expect(await folders(user)).toHaveLength(2);
  });

  it.concurrent("resumes a machine's own swarm after the machine was restarted", async () => {
    await using user = await newUser();
    await using sample = await newSample();
    await using first = await node(user, "login1");
    await must(first.run("swarm-tool", ["init", "--local", "--runners", "1"]));
    await must(first.run("runall-swarm", ["-c", "Quick", "-r", "0"], sample.study));
    await first.stop();
    await using again = await startLoginNode({
      name: "login1",
      env: user.env,
      boot: { id: "9f8b4c9e-0000-4000-8000-000000000000", folder: user.directory },
    });
    expect((await status(again))[0]).toMatchObject({ name: "local", state: "broken" });
    const listed = await must(again.run("runall-swarm", ["list", "--json"]));
    expect(JSON.parse(listed)).toHaveLength(1);
    await expectComplete(again);
    expect(await folders(user)).toEqual(["local"]);
  });

  it.concurrent(
    "releases the swarm of a machine that no longer exists, when the user confirms it",
    async () => {
      await using user = await newUser();
      await using sample = await newSample();
      await using first = await node(user, "login1");
      await using second = await node(user, "login2");
      await must(first.run("swarm-tool", ["init", "--local", "--runners", "1"]));
      await must(first.run("runall-swarm", ["-c", "Quick", "-r", "0"], sample.study));
      await first.stop();
      await must(second.run("swarm-tool", ["resume", "local@login1", "--take-over"]));
      expect(JSON.parse(await must(second.run("runall-swarm", ["list", "--json"])))).toHaveLength(1);
      expect(await must(second.run("runall-swarm", ["-c", "Quick", "-r", "1"], sample.study))).toMatch(
        /1 done\./,
      );
      await expectComplete(second);

      await using third = await node(user, "login3");
      await second.stop();
      const refused = await third.run("swarm-tool", ["remove", "local@login2"]);
      expect(refused.stderr).toContain("the swarm local is on login2");
      const asked = await third.run("swarm-tool", ["remove", "local@login2", "--forget"]);
      expect(asked.stderr).toContain("its processes still running on login2 are not stopped");
      expect(asked.exitCode).toBe(2);
      await must(third.run("swarm-tool", ["remove", "local@login2", "--forget", "--force"]));
      expect(await folders(user)).toEqual([]);
      expect(await readdir(path.join(user.env["XDG_CACHE_HOME"]!, "inet-swarm/swarms"))).toEqual([]);
    },
  );
});
