import { once } from "node:events";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { MongoClient } from "mongodb";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CampaignEvent } from "../../src/model/events.ts";
import { startGitHost, type GitHost } from "../helpers/git-daemon.ts";
import { describeWithMongo } from "../helpers/mongo.ts";
import {
  doneOf as done,
  sentOf as sent,
  startOtherMachine,
  type CampaignOptions,
  type OtherMachine,
} from "../helpers/other-machine.ts";
import { inetLike, newWorkspace, simu5gLike } from "../helpers/projects.ts";
import { newSample, type Sample } from "../helpers/tool.ts";

describeWithMongo("a worker that does not share the disk of the client", () => {
  let machine: OtherMachine;
  let sample: Sample;
  let host: GitHost;

  beforeEach(async () => {
    [machine, sample, host] = await Promise.all([startOtherMachine(), newSample(), startGitHost()]);
  });
  afterEach(async () => {
    await Promise.all([machine, sample, host].map((each: AsyncDisposable) => each[Symbol.asyncDispose]()));
  });

  const campaign = (config = "Quick", options?: CampaignOptions): Promise<CampaignEvent[]> =>
    machine.campaign(sample.study, config, options);
  const push = async (): Promise<void> => {
    await sample.git("remote", "add", "origin", host.url);
    await sample.git("push", "--quiet", "origin", "main");
  };
  const addConfig = async (name: string): Promise<void> => {
    const ini = path.join(sample.study, "omnetpp.ini");
    await writeFile(ini, `${await readFile(ini, "utf8")}\n[Config ${name}]\nextends = Quick\n`);
  };

  it("fetches a commit that the remote has, without an upload from the client", async () => {
    await push();
    const events = await campaign();
    expect(sent(events)).toBeUndefined();
    expect(done(events)).toBe(1);
    expect(events.filter(({ type }) => type === "warning")).toEqual([]);
  });

  it("waits for a git host that does not answer, which is not the fault of a run", async () => {
    await push();
    expect(done(await campaign())).toBe(1);
    await machine.endWorker();
    await rm(machine.cache, { recursive: true });
    const reasons: string[] = [];
    const onEvent = async (event: CampaignEvent): Promise<void> => {
      if (event.type === "queued") {
        await host.stop();
        machine.startWorker();
      }
      if (event.type !== "held") return;
      reasons.push(event.reason);
      await host.start();
    };
    expect(done(await campaign("Quick", { rerun: true, onEvent }))).toBe(1);
    expect(reasons).toEqual([expect.stringMatching(/the commit [0-9a-f]{12} cannot be fetched from git:/)]);
  });

  it("has its own environment and the named variables, and nothing else of the client's", async () => {
    await sample.commit({ setenv: 'echo "$THERE|$THEIR_TOKEN|$HERE|$NAMED" >~/seen.txt\n' });
    vi.stubEnv("HERE", "client");
    vi.stubEnv("CXXFLAGS", "-O9");
    const events = await campaign("Quick", { environment: { NAMED: "named" } });
    expect(done(events)).toBe(1);
    expect(await readFile(path.join(machine.home, "seen.txt"), "utf8")).toBe("1|||named\n");
  });

  it("receives only the differences from a commit that the remote has", async () => {
    await sample.commit({ "large.bin": randomText(300_000) });
    await push();
    await addConfig("Fresh");
    const events = await campaign("Fresh");
    expect(done(events)).toBe(1);
    expect(sent(events)!.changed).toEqual(["simulations/omnetpp.ini"]);
    expect(sent(events)!.sizeBytes).toBeLessThan(4000);
    expect(sent(await campaign("Fresh", { rerun: true }))).toBeUndefined(); // it exists there
  });

  it("receives commits that were not pushed", async () => {
    await push();
    await addConfig("Fresh");
    await sample.commit({ "large.bin": randomText(300_000) });
    const events = await campaign("Fresh");
    expect(done(events)).toBe(1);
    expect(sent(events)!.sizeBytes).toBeLessThan(400_000);
    expect(sent(events)!.sizeBytes).toBeGreaterThan(100_000);
  });

  it("receives all files of a project without a remote once, and then only the differences", async () => {
    await sample.commit({ "large.bin": randomText(300_000) });
    const first = await campaign();
    expect(done(first)).toBe(1);
    expect(sent(first)!.sizeBytes).toBeGreaterThan(100_000);
    await addConfig("Fresh");
    const second = await campaign("Fresh");
    expect(done(second)).toBe(1);
    expect(sent(second)!.sizeBytes).toBeLessThan(4000);
    await sample.commit();
    await addConfig("Later");
    const third = await campaign("Later");
    expect(done(third)).toBe(1);
    expect(sent(third)!.sizeBytes).toBeLessThan(6000);
  });

  it("works without a remote that asks for a password or does not answer", async () => {
    using server = await silentServer();
    await sample.git("remote", "add", "origin", `http://127.0.0.1:${server.port}/private.git`);
    const events = await campaign();
    expect(done(events)).toBe(1);
    expect(sent(events)!.sizeBytes).toBeGreaterThan(0);
  });

  it("runs another commit than the one that is checked out", async () => {
    await addConfig("Fresh");
    await sample.commit();
    await sample.git("tag", "fresh");
    await sample.git("reset", "--quiet", "--hard", "HEAD~1");
    expect(done(await campaign("Fresh", { commit: "fresh" }))).toBe(1);
  });

  it("receives or fetches what a project needs, and builds it once", async () => {
    await using workspace = await newWorkspace();
    const model = await workspace.add("model", await inetLike("elsewhere"));
    const cell = await workspace.add("cell", simu5gLike("model"));
    const study = path.join(cell.path, "simulations");
    const first = await machine.campaign(study, "General");
    expect(done(first)).toBe(1);
    expect(steps(first)).toEqual([
      "sent cell",
      "sent model",
      "building model",
      "made model",
      "building cell",
      "made cell",
    ]);
    const car = await workspace.add("car", simu5gLike("model"));
    const other = path.join(car.path, "simulations");
    const second = await machine.campaign(other, "General");
    expect(steps(second)).toEqual(["kept model", "building car", "made car"]); // with the files of cell

    await model.commit({ "examples/New.ned": "package mm1.examples;\n" });
    await model.git("remote", "add", "origin", host.url);
    await model.git("tag", "v1.0");
    await model.git("push", "--quiet", "origin", "v1.0");
    const uses = [{ name: "model", url: host.url, version: "v1.0" }];
    await car.commit({ "swarm.json": JSON.stringify({ uses }), "src/Other.cc": "" });
    await rm(model.path, { recursive: true });
    const third = await machine.campaign(other, "General");
    expect(done(third)).toBe(1);
    expect(steps(third)).toEqual(["sent car", "kept model", "building car", "made car"]);
    const outputs = (await readdir(path.join(other, "results"))).filter((file) => file.endsWith(".out"));
    const output = await readFile(path.join(other, "results", outputs[0]!), "utf8");
    expect(output).toMatch(/from \.\.\/\.\.\/model\/examples: +2$/m);
  });

  it("reports that a pack is damaged, and receives it again", async () => {
    await addConfig("Fresh");
    await machine.endWorker(); // so that it has not been unpacked when it is damaged
    const waiting = campaign("Fresh");
    waiting.catch(() => undefined);
    await vi.waitFor(damagePacks, { timeout: 30_000, interval: 50 });
    machine.startWorker();
    await expect(waiting).rejects.toThrow(/the source [0-9a-f]{12} is damaged/);
    expect(done(await campaign("Fresh"))).toBe(1);
  });

  /** @throws if there is none yet. */
  const damagePacks = async (): Promise<void> => {
    const client = new MongoClient(machine.mongo.url);
    try {
      const chunks = client.db().collection<{ data: { buffer: Buffer } }>("sources.chunks");
      const all = await chunks.find().toArray();
      expect(all.length).toBeGreaterThan(1);
      for (const { _id, data } of all) {
        const bytes = Buffer.from(data.buffer);
        bytes.fill(0x55, bytes.length >> 1);
        await chunks.updateOne({ _id }, { $set: { data: bytes as never } });
      }
    } finally {
      await client.close();
    }
  };
});

/** What was sent and built before the first run, each with the name of its project. */
function steps(events: readonly CampaignEvent[]): string[] {
  const main = events.flatMap((event) => (event.type === "building" ? [event.project] : [])).at(-1)!;
  return events.flatMap((event) => {
    if (event.type === "sent") return [`sent ${event.project ?? main}`];
    if (event.type === "building") return [`building ${event.project}`];
    return event.type === "built" ? [`${event.how} ${event.project ?? main}`] : [];
  });
}

/** Answers every request with 401. */
async function silentServer(): Promise<{ port: number } & Disposable> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.end(
        'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => server.close() };
}

/** Compresses to about half of its length. */
function randomText(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 0x7fffffff;
    return (state & 15).toString(16);
  }).join("");
}
