import { chmod } from "node:fs/promises";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { expect, it } from "vitest";
import { openQueueClient } from "../../src/queue/client.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithService } from "../helpers/services.ts";
import { listen, mustRun, onlyCampaign, readState, researcher, type Researcher } from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import type { Finished } from "../helpers/tool.ts";

/** Run 0 ends, the others do not. */
const PROGRAM = `#!/bin/sh
case "$*" in *"-q "*|-v) exec opp_run "$@" ;; esac
case "$*" in *"-r 0"*) ;; *) sleep 10000 ;; esac
exec ../src/mm1 -n ../src:. "$@"\n`;

async function waitingResearcher(): Promise<Researcher> {
  const user = await researcher(0, 2);
  await user.sample.commit({ "simulations/waiting": PROGRAM });
  await chmod(path.join(user.sample.study, "waiting"), 0o755);
  await user.sample.commit({});
  return user;
}

function expectEnd({ exitCode, stderr }: Finished): void {
  expect(stderr).toMatch(
    /runall-swarm: the swarm local was removed: this campaign cannot go on\nhint: collected results stay in the study; for the other runs, run the same command again\n$/,
  );
  expect(exitCode).toBe(2);
}

describeWithService("redis-server", "a client whose swarm is removed", () => {
  it("ends, reports it, and leaves what it has collected", async () => {
    await using user = await waitingResearcher();
    const running = user.startRunall("./waiting", "-c", "Quick", "-r", "0..2");
    await listen(running)("[1/3]");
    await mustRun(user, ["remove", "local", "--yes"]);
    expectEnd(await running.finished);
    const results = await user.sample.results();
    expect(results.filter((file) => file.endsWith(".sca"))).toHaveLength(1);
    expect(results.filter((file) => file.includes(".lock"))).toEqual([]);
    const again = await user.runall("--dry-run", "./waiting", "-c", "Quick", "-r", "0..2");
    expect(again.stderr).toMatch("3 runs: 1 already completed");
  });

  it("ends when it attaches, and when it follows the output of a run", async () => {
    await using user = await waitingResearcher();
    await user.runall("--detach", "./waiting", "-c", "Quick", "-r", "0..1");
    const id = await onlyCampaign(user);
    const attached = user.startRunall("attach", id);
    await listen(attached)("[1/2]");
    const logs = user.startRunall("logs", id, "1", "--follow");
    await mustRun(user, ["remove", "local", "--yes"]);
    expectEnd(await attached.finished);
    const { exitCode } = await logs.finished;
    expect(exitCode).toBe(2);
  });

  it("waits if the swarm is only halted, reports what to do, and continues", async () => {
    await using user = await waitingResearcher();
    const running = user.startRunall("./waiting", "-c", "Quick", "-r", "0..1");
    await listen(running)("[1/2]");
    await mustRun(user, ["halt", "--force"]);
    await listen(running)("the swarm local is halted (hint: resume it with: swarm-tool resume local)");
    expect(await readState(user)).toMatchObject({ state: "halted" });
    expect(running.child.exitCode).toBeNull();
    await mustRun(user, ["remove", "local", "--yes"]);
    expectEnd(await running.finished);
  });
});

/** Without an error on the other side: what the swarm has sent is read. */
function close(socket: Socket): void {
  socket.unpipe();
  socket
    .on("error", () => undefined)
    .resume()
    .end();
}

describeWithService("redis-server", "the queue of a swarm that is removed", () => {
  it("is reported as not responding, also if a relay still accepts connections", async () => {
    await using redis = await startRedis();
    await using folder = await temporaryDirectory();
    const socket = path.join(folder.path, "relay");
    const sockets = new Set<Socket>();
    let isThere = true;
    const relay = createServer((client) => {
      if (!isThere) return close(client);
      const server = connect(redis.socket);
      for (const each of [client, server]) sockets.add(each.on("error", () => undefined));
      client.pipe(server).pipe(client);
    }).listen(socket);
    await once(relay, "listening");
    await using client = await openQueueClient(socketConnection(socket));
    const run = { config: "Quick", runNumber: 0, iterationVariables: {}, repetition: 0 };
    const position = await client.position();
    await client.add(someCampaign({ runs: 1 }), [run]);
    const events = (await client.follow("c1", [run], position)).getReader();
    isThere = false;
    sockets.forEach(close);
    let reason: string | undefined;
    while (reason === undefined) {
      const { value } = await events.read();
      if (value?.type === "disconnected") reason = value.reason;
    }
    expect(reason).toBe("every connection is closed immediately");
    await events.cancel();
    relay.close();
  });

  it.each(["runs", "has ended"])("makes everything fail that waits, if its Redis %s", async (redisState) => {
    await using redis = await startRedis();
    const gone = new AbortController();
    const reason = new Error("it was removed");
    await using client = await openQueueClient(socketConnection(redis.socket), gone.signal);
    const run = { config: "Quick", runNumber: 0, iterationVariables: {}, repetition: 0 };
    const position = await client.position();
    await client.add(someCampaign({ runs: 1 }), [run]);
    const followed = (await client.follow("c1", [run], position)).getReader();
    if (redisState === "has ended") await redis.kill();
    const waiting = redisState === "has ended" ? client.position() : undefined;
    const refused = Promise.allSettled([followed.closed, waiting]);
    gone.abort(reason);
    const [closed, asked] = await refused;
    expect(closed).toEqual({ status: "rejected", reason });
    if (redisState === "has ended") expect(asked.status).toBe("rejected");
    await expect(client.follow("c1", [run], position)).rejects.toBe(reason);
    await expect(client.position()).rejects.toThrow();
  });
});
