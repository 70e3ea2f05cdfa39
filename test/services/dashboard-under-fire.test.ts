import { execFileSync } from "node:child_process";
import { truncate, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDashboard, type Dashboard } from "../../src/dashboard/server.ts";
import type { DashboardSources } from "../../src/dashboard/sources.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import {
  campaignKey,
  CAMPAIGNS_KEY,
  openRunsKey,
  RUN_QUEUE,
  socketConnection,
} from "../../src/queue/names.ts";
import { collected, madeCampaign, madeRecord } from "../dashboard/made.ts";
import { startRedis, type RedisServer } from "../helpers/redis.ts";
import { dashboardApi } from "../helpers/dashboard-api.ts";
import { describeWithService } from "../helpers/services.ts";
import { EVENTUALLY } from "../helpers/swarm.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

interface Overview {
  campaigns: { id: string; trouble?: string }[];
  damaged: { id: string; trouble: string }[];
}

/** Opens an event stream; `next` returns the next answer in it. */
async function openStream(address: string) {
  const abort = new AbortController();
  const response = await fetch(address, { headers: { Accept: "text/event-stream" }, signal: abort.signal });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  reader.closed.catch(() => undefined); // aborted below
  let text = "";
  return {
    async next(): Promise<unknown> {
      for (;;) {
        const [, data] = /^data: (.*)\n\n/m.exec(text) ?? [];
        if (data !== undefined) {
          text = text.slice(text.indexOf(data) + data.length);
          return JSON.parse(data) as unknown;
        }
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream has ended");
        text += value;
      }
    },
    [Symbol.dispose]: () => abort.abort(),
  };
}

const GIANT = "x".repeat(40e6);

describeWithService("redis-server", "the dashboard keeps working", () => {
  let folder: TemporaryDirectory;
  let redis: RedisServer;
  let client: Redis;
  let served: Dashboard;
  let base: string;
  const errors: Error[] = [];
  const campaign = madeCampaign("abcdefgh", 2);

  beforeAll(async () => {
    [folder, redis] = await Promise.all([temporaryDirectory("dashboard-"), startRedis({ appendOnly: true })]);
    const records = ["fine", "odd"].map((name, run) =>
      madeRecord(campaign.id, run, {
        files: [{ path: `${name}.sca`, sizeBytes: 1, sha256: "" }],
        outputFile: `${name}.out`,
      }),
    );
    await writeFile(path.join(folder.path, "fine.sca"), "scalar Net delay 1.5\n");
    await writeFile(path.join(folder.path, "fine.out"), "OMNeT++\n");
    const sources: DashboardSources = {
      ...collected(({ id }) => (id === campaign.id ? records : [])),
      resultFile: (_, file) => Promise.resolve(path.join(folder.path, file)),
    };
    served = await openDashboard({
      connection: socketConnection(redis.socket),
      sources,
      port: 0,
      token: "t",
      onError: (error) => errors.push(error),
    });
    base = `http://${served.host}:${served.port}`;
    client = new Redis(redis.socket);
    client.on("error", () => undefined);
    await client.zadd(CAMPAIGNS_KEY, 1, campaign.id);
    await client.set(campaignKey(campaign.id), JSON.stringify(campaign));
  });
  afterAll(async () => {
    client.disconnect();
    await served[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const ids = async (): Promise<string[]> => {
    const answer = await fetch(`${base}/api/campaigns`);
    expect(answer.status).toBe(200);
    const { campaigns } = (await answer.json()) as { campaigns: { id: string }[] };
    return campaigns.map(({ id }) => id);
  };
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(served.port, "127.0.0.1");
      let got = "";
      socket.on("data", (data: Buffer) => {
        got += data.toString();
        socket.end();
      });
      socket.on("error", () => resolve(got));
      socket.on("close", () => resolve(got));
      socket.write(text);
    });

  it("at both loopback addresses, and uses a port only if it is free at both", async () => {
    const answers = await Promise.all(
      ["127.0.0.1", "[::1]"].map((host) => fetch(`http://${host}:${served.port}/api/campaigns`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(served.host).toBe("localhost");
    const foreign = createServer().listen(0, "::1");
    await new Promise((resolve) => foreign.once("listening", resolve));
    const { port } = foreign.address() as AddressInfo;
    const opening = openDashboard({
      connection: socketConnection(redis.socket),
      sources: collected(() => []),
      port,
      token: "t",
      onError: () => undefined,
    });
    await expect(opening).rejects.toThrow(`port ${port} is in use`);
    await new Promise((resolve) => foreign.close(resolve));
  });

  it("after requests of any kind", async () => {
    const local = "HTTP/1.1\r\nHost: localhost\r\n";
    const requests = [
      "GET / HTTP/1.0\r\n\r\n",
      `GET /%ff ${local}\r\n`,
      `GET /api/campaigns/%E0%A4%A ${local}\r\n`,
      `GET /api/campaigns/${campaign.id}/runs/1e400/output ${local}\r\n`,
      `GET /${"a".repeat(40_000)} ${local}\r\n`,
      `GET / ${local}X: ${"a".repeat(100_000)}\r\n\r\n`,
      `GET http:// ${local}\r\n`,
      `GET * ${local}\r\n`,
      "GET / HTTP/1.1\r\nHost: [\r\n\r\n",
      `TRACE / ${local}\r\n`,
      `CONNECT a:1 ${local}\r\n`,
      `PROPFIND /api ${local}\r\n`,
      `HEAD /api/campaigns ${local}Accept: text/event-stream\r\n\r\n`,
      `GET / ${local}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      `POST /api/campaigns/x/cancel ${local}Content-Length: 99999999999\r\n\r\nabc`,
      `POST /api/campaigns/x/cancel ${local}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc`,
      "\0\0\0\0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for (const request of requests)
      expect(await raw(request)).not.toContain("200 OK\r\ncontent-type: application/json");
    expect(await ids()).toEqual([campaign.id]);
  });

  it("with thousands of open pages, of which it serves some", async () => {
    const sockets: Socket[] = [];
    const refused = { status: "refused", text: "" };
    const open = (): Promise<typeof refused> =>
      new Promise((resolve) => {
        const socket = connect(served.port, "127.0.0.1");
        sockets.push(socket);
        let text = "";
        socket.on("data", (data: Buffer) => {
          text += data.toString();
          const status = text.slice(9, 12);
          if (status === "200" || text.endsWith("}")) resolve({ status, text });
        });
        socket.once("error", () => resolve(refused));
        socket.once("close", () => resolve(refused));
        socket.write("GET /api/campaigns HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
      });
    const answers = await Promise.all(Array.from({ length: 2000 }, open));
    const said = new Set(answers.map(({ text }) => text.split("\r\n\r\n")[1]));
    expect([...said]).toEqual(
      expect.arrayContaining([
        expect.stringContaining('{"error":"too many open pages of this dashboard – close some of them"}'),
        expect.stringContaining(
          '{"error":"too many connections to this dashboard – close some of its pages"}',
        ),
      ]),
    );
    for (const { status, text } of answers)
      expect(status !== "503" || text.toLowerCase().includes("\r\nretry-after: 5\r\n")).toBe(true);
    const count = (wanted: string): number => answers.filter(({ status }) => status === wanted).length;
    expect([count("200"), count("503") > 0]).toEqual([200, true]);
    for (const socket of sockets) socket.resetAndDestroy();
    await expect
      .poll(
        () => raw("GET /api/campaigns HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"),
        EVENTUALLY,
      )
      .toContain("200 OK");
    expect(await ids()).toEqual([campaign.id]);
  });

  it("with invalid result files", async () => {
    const { ask, get: getFrom } = dashboardApi(`${base}#token=t`);
    const about = `campaigns/${campaign.id}`;
    const get = (path: string): Promise<unknown> => getFrom(`${about}/${path}`);
    const odd = (name: string): string => path.join(folder.path, `odd.${name}`);
    const output = async (): Promise<string> => await (await ask(`${about}/runs/1/output`)).text();
    for (const name of ["sca", "out"]) {
      await writeFile(odd(name), "");
      await truncate(odd(name), 3e9); // one line of 3 GB
    }
    await expect
      .poll(() => get("results"), EVENTUALLY)
      .toMatchObject({ unread: 0, items: [["Net", "delay", null, "scalar"]] });
    expect(await get("values?pattern=Net.delay")).toMatchObject({ series: [{ values: [[0, 1.5]] }] });
    expect((await output()).length).toBeLessThan(300_000);
    for (const name of ["sca", "out"]) execFileSync("sh", ["-c", 'rm "$1" && mkfifo "$1"', "sh", odd(name)]);
    const asked = Array.from({ length: 20 }, () =>
      Promise.all([output(), ask(`${about}/values?pattern=${Math.random()}`)]),
    );
    for (const [text, { status }] of await Promise.all(asked)) {
      expect(text).toContain("no longer exists");
      expect(status).toBe(200);
    }
  });

  it("with entries of the queue that are damaged, or as large as Redis accepts", async () => {
    const other = { ...campaign, id: "bcdefghj" };
    const key = (run: number): string => `bull:${RUN_QUEUE}:${other.id}-${run}`;
    await client.zadd(CAMPAIGNS_KEY, 2, other.id, 3, "cdefghjk", 4, "defghjkm", 5, "../../x", 6, "__proto__");
    await client.set(campaignKey(other.id), JSON.stringify(other));
    await client.set(campaignKey("cdefghjk"), JSON.stringify({ ...campaign, id: "cdefghjk", name: GIANT }));
    await client.set(campaignKey("defghjkm"), JSON.stringify({ ...campaign, id: "defghjkm" }));
    await client.hset(openRunsKey("defghjkm"), "a", "hash where a set should be");
    await client.sadd(openRunsKey(other.id), "0", "1", "2", "3", "-5", "abc", "9".repeat(30));
    const run = {
      config: other.config,
      runNumber: 0,
      iterationVariables: JSON.parse('{"__proto__":"a","constructor":"b"}') as object,
      repetition: 0,
    };
    await client.hset(key(0), {
      data: JSON.stringify({ protocol: PROTOCOL, campaign: other.id, run }),
      progress: "\0",
    });
    await client.hset(key(1), { data: "{", returnvalue: "]", finishedOn: "x" });
    await client.set(key(2), "no hash");
    await client.hset(key(3), { name: "run", data: JSON.stringify(GIANT), opts: "{}", timestamp: "1" });
    await client.hset(key(4), { name: "run", data: "{", opts: "]", timestamp: "x" });
    await client.hset(key(5), { name: "run", data: "{}", opts: "{}", timestamp: "1" });
    await client.lpush(`bull:${RUN_QUEUE}:wait`, ...[0, 1, 3, 4, 5].map((number) => `${other.id}-${number}`));
    await expect.poll(ids, EVENTUALLY).toEqual(["defghjkm", other.id, campaign.id]);
    const shown = async (): Promise<Overview> =>
      (await (await fetch(`${base}/api/campaigns`)).json()) as Overview;
    await expect
      .poll(async () => (await shown()).campaigns.map(({ trouble }) => trouble), EVENTUALLY)
      .toEqual([
        "an entry of the queue is damaged",
        "the entries of 3 runs in the queue are damaged",
        undefined,
      ]);
    expect((await shown()).damaged).toEqual([
      { id: "cdefghjk", trouble: "the entry of campaign cdefghjk in the queue is too large" },
    ]);
    expect((await fetch(`${base}/api/campaigns/cdefghjk`)).status).toBe(409);
    const view = (await (await fetch(`${base}/api/campaigns/${other.id}`)).json()) as {
      rows: unknown[][];
      summary: { states: Record<string, number> };
    };
    expect(view.rows.map(([number]) => number)).toEqual([0]);
    expect(view.summary.states).toEqual({ queued: 1, unreadable: 3 });
    const board = `${base}/queues/api/queues?activeQueue=${RUN_QUEUE}&status=waiting&page=1&jobsPerPage=10`;
    const listed = await (await fetch(board)).text();
    expect(listed.length).toBeLessThan(100_000);
    expect(listed).toContain(`"${other.id}-5"`);
    expect((await fetch(`${base}/queues/api/queues/${RUN_QUEUE}/${other.id}-3`)).status).toBe(404);
  });

  it("and says whether a token is right", async () => {
    const ask = async (header: Record<string, string>): Promise<unknown[]> => {
      const answer = await fetch(`${base}/api/session`, { headers: header });
      return [answer.status, await answer.json()];
    };
    expect(await ask({ Authorization: "Bearer t" })).toEqual([200, { actions: true }]);
    const hint = "open the address that this command prints: swarm-tool dashboard";
    for (const header of [{}, { Authorization: "Bearer u" }, { Authorization: "Bearer " }])
      expect(await ask(header)).toEqual([403, { error: "the token is missing or wrong", hint }]);
  });

  it("with streams that report errors and go on", async () => {
    using unknown = await openStream(`${base}/api/campaigns/nosuchid`);
    expect(await unknown.next()).toEqual({
      error: "no campaign nosuchid – the swarm keeps campaigns for 30 days",
      status: 404,
    });
    await redis.kill();
    using stream = await openStream(`${base}/api/campaigns`);
    const shown = async (): Promise<unknown> => await stream.next();
    await expect.poll(shown, EVENTUALLY).toMatchObject({
      error: expect.stringContaining("is not responding") as string,
      status: 503,
    });
    const refused = await fetch(`${base}/api/campaigns`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    await redis.restart();
    await expect.poll(shown, EVENTUALLY).toMatchObject({ campaigns: expect.any(Array) as unknown[] });
  });

  it("with a way back from bull-board, and with JSON for addresses that do not exist", async () => {
    const html = await (await fetch(`${base}/queues/queue/run?status=failed`)).text();
    expect(html).toContain('<a href="/">');
    expect(html).toContain("a run that failed is among the completed jobs");
    const missing = await fetch(`${base}/api/nosuch`);
    expect([missing.status, await missing.json()]).toEqual([404, { error: "no such address: /api/nosuch" }]);
  });

  it("while Redis is not running, and shows the campaigns again when it returns", async () => {
    await redis.kill();
    const told = async (): Promise<string> => await (await fetch(`${base}/api/campaigns`)).text();
    await expect.poll(told, EVENTUALLY).toContain("is not responding");
    expect((await fetch(`${base}/queues/api/queues?activeQueue=${RUN_QUEUE}`)).ok).toBe(false);
    await redis.restart();
    await expect.poll(async () => (await fetch(`${base}/api/campaigns`)).status, EVENTUALLY).toBe(200);
    expect(await ids()).toContain(campaign.id);
  });
});
