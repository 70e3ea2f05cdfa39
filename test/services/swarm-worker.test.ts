import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { freePort } from "../helpers/git-daemon.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  cacheFolder,
  eventually,
  mustRun,
  NO_JOBS,
  jobsOf,
  pidsOf,
  processesOf,
  researcher,
  stateFolder,
  WORKER,
} from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newUser, type User } from "../helpers/tool.ts";

/** A worker with separate folders, and its output so far. */
function startWorker(user: User, folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const all = [WORKER, ...args, "--directory", folder];
  const child = user.adopt(
    spawn(process.execPath, all, { env: { ...user.env, ...env }, stdio: ["ignore", "ignore", "pipe"] }),
  );
  let said = "";
  child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = Promise.all([once(child, "close"), text(child.stderr!)]).then(([[code]]) => code as number);
  return { child, ended, said: () => said };
}

describeWithService("redis-server", "swarm-worker", () => {
  it("executes builds and runs in one process if it is configured to do both", async () => {
    await using user = await researcher(0, 1);
    const { builder, runner } = await pidsOf(user);
    const own = [builder!, runner!];
    for (const pid of own) process.kill(pid, "SIGSTOP"); // they would be started again if they ended
    try {
      const stores = ["--builds", path.join(cacheFolder(user), "builds")];
      stores.push("--sources", path.join(cacheFolder(user), "sources"));
      stores.push("--results", path.join(stateFolder(user), "results"));
      const redis = ["--redis", path.join(stateFolder(user), "redis.sock")];
      const worker = startWorker(user, path.join(user.directory, "all"), ["all", ...redis, ...stores]);
      const campaign = await user.runall("-c", "Quick", "--verbose");
      expect(campaign.stderr).toContain("built in");
      expect(campaign.exitCode).toBe(0);
      expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
      expect(await jobsOf(user)).toEqual(NO_JOBS);
      worker.child.kill("SIGTERM");
      expect(await worker.ended).toBe(0);
      expect(worker.said()).toBe("");
      expect(processesOf(user).filter((line) => line.includes("swarm-worker"))).toHaveLength(2);
    } finally {
      for (const pid of own) process.kill(pid, "SIGCONT");
    }
    await mustRun(user, ["halt"]);
  });

  it("waits for a Redis that has not started yet, reports it once, and can be stopped meanwhile", async () => {
    await using directory = await temporaryDirectory();
    await using user = await newUser();
    const args = [
      "all",
      "--redis",
      path.join(directory.path, "none"),
      "--builds",
      "b",
      "--results",
      "r",
      "--sources",
      "s",
    ];
    const worker = startWorker(user, directory.path, args);
    await eventually(() =>
      expect(worker.said()).toMatch(/cannot reach .*: connect ENOENT.*; waiting for it\n/),
    );
    worker.child.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
    expect(worker.said().match(/cannot reach/g)).toHaveLength(1);
    expect(worker.said()).not.toMatch(/^ {4}at /m);
  });

  it("reports itself as alive as a dashboard once the dashboard can be opened", async () => {
    await using redis = await startRedis();
    await using directory = await temporaryDirectory();
    await using user = await newUser();
    const alive = path.join(directory.path, "alive");
    const port = await freePort();
    const stores = ["--builds", "b", "--results", "r", "--sources", "s"];
    const dashboard = ["dashboard", "--port", String(port), "--alive-file", alive];
    const waiting = startWorker(user, directory.path, [
      ...dashboard,
      "--redis",
      `${redis.socket}.none`,
      ...stores,
    ]);
    await eventually(() => expect(waiting.said()).toMatch("waiting for it"));
    expect(existsSync(alive)).toBe(false);
    waiting.child.kill("SIGTERM");
    expect(await waiting.ended).toBe(0);

    const serving = startWorker(user, directory.path, [...dashboard, "--redis", redis.socket, ...stores]);
    await eventually(() => expect(existsSync(alive)).toBe(true));
    const answer = await fetch(`http://127.0.0.1:${port}/api/campaigns`);
    expect(await answer.json()).toMatchObject({ campaigns: [] });
    serving.child.kill("SIGTERM");
    expect(await serving.ended).toBe(0);
  });

  it("ends if Redis refuses its password", async () => {
    await using redis = await startRedis({ password: "secret" });
    await using directory = await temporaryDirectory();
    await using user = await newUser();
    const args = ["all", "--redis", redis.socket, "--builds", "b", "--results", "r", "--sources", "s"];
    const worker = startWorker(user, directory.path, args);
    expect(await worker.ended).toBe(2);
    expect(worker.said()).toBe(
      `swarm-worker: the queue's Redis at ${redis.socket} refuses the password\n` +
        "hint: the swarm's password has changed; fetch it again with: swarm-tool connect\n",
    );
  });
});
