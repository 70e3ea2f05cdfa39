import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { openRecordedFile, problemOfFile } from "../../src/campaign/collect/recorded-file.ts";
import { apiRoutes } from "../../src/dashboard/api.ts";
import { Campaigns } from "../../src/dashboard/campaigns.ts";
import { disposition } from "../../src/dashboard/send-file.ts";
import type { DashboardSources } from "../../src/dashboard/sources.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import type { RecordedRun } from "../../src/model/recorded-runs.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { sha256 } from "../../src/short-hash.ts";
import { openRegularFile } from "../../src/system/regular-file.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { collected, endedQueue, madeCampaign, madeRecord } from "./made.ts";

const fixture = (name: string): string =>
  path.join(import.meta.dirname, "../fixtures/omnetpp/recordings", name);

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: () => unknown;
}

/** The API of a dashboard with the study of a campaign, whose runs are recorded one by one. */
async function dashboard() {
  const directory = await temporaryDirectory("runs-");
  const study = { directory: directory.path, resultDirectory: path.join(directory.path, "results") };
  await mkdir(path.join(study.resultDirectory, ".swarm"), { recursive: true });
  const records = new Map<number, RecordedRun>();
  const campaign = { ...madeCampaign("c1", 9, directory.path), config: "Recorded" };
  const retried: unknown[] = [];
  const sources: DashboardSources = {
    ...collected(() => [...records.values()] as RunRecord[]),
    fileProblem: (_, record, file) => problemOfFile(study, record, file),
    openFile: (_, record, file) => openRecordedFile(study, record, file),
    localCommand: (_, run) => Promise.resolve({ command: `./mm1 -r ${run}`, notes: ["note"] }),
    readStored: ({ stored }, read) => read(path.join(directory.path, "store", stored)),
    retry(...asked) {
      retried.push(asked);
      return Promise.resolve(2);
    },
  };
  const errors: Error[] = [];
  const queue = endedQueue([campaign]);
  const onError = (error: Error): void => void errors.push(error);
  const api = apiRoutes(new Campaigns(queue, sources, { onError }), queue, {
    sources,
    token: "secret",
    onError,
  });
  const ask = async (address: string, { headers, ...init }: RequestInit = {}): Promise<Answer> => {
    const answer = await api.request(`/campaigns/c1/${address}`, {
      headers: { Authorization: "Bearer secret", ...(headers as object) },
      ...init,
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as unknown };
  };
  return {
    ...study,
    queue,
    retried,
    errors,
    ask,
    /** Records a run with files that have this content, by their names relative to the study. */
    async record(run: number, files: Record<string, string | Buffer>, more: Partial<RecordedRun> = {}) {
      for (const [name, content] of Object.entries(files)) {
        const file = path.join(directory.path, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, content);
      }
      const named = Object.entries(files).map(([name, content]) => ({
        path: name,
        sizeBytes: Buffer.byteLength(content),
        sha256: sha256(content),
      }));
      const record = { ...madeRecord("c1", run, { config: "Recorded", files: named }), ...more };
      records.set(run, record);
      await writeFile(
        path.join(study.resultDirectory, ".swarm", `Recorded-${run}.json`),
        JSON.stringify(record),
      );
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const fileOf = (run: number, name: string): string => `runs/${run}/file?path=${encodeURIComponent(name)}`;

it("serves a file of a run, to be saved under its own name", async () => {
  await using at = await dashboard();
  const name = 'results/Load-$a="ä"-#0.sca';
  await at.record(0, { [name]: "version 3\n", "results/empty.vec": "" });
  const { status, headers, text } = await at.ask(fileOf(0, name));
  expect([status, text]).toEqual([200, "version 3\n"]);
  expect(Object.fromEntries(headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-length": "10",
    "content-disposition": `attachment; filename="Load-_a=___-#0.sca"; filename*=UTF-8''Load-%24a%3D%22%C3%A4%22-%230.sca`,
  });
  expect((await at.ask(fileOf(0, "results/empty.vec"))).text).toBe("");
  const head = await at.ask(fileOf(0, name), { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.text]).toEqual([200, "10", ""]);
});

it("names a file so that no header is broken", () => {
  expect(disposition('a\r\nb"c\\d;é\ud800')).toBe(
    `attachment; filename="a__b_c_d___"; filename*=UTF-8''a%0D%0Ab%22c%5Cd%3B%C3%A9_`,
  );
});

const CHANGED = "it has changed since the run was collected; another run or program has written it";
const LINK = "it is a symbolic link, or is behind one";

it.each<{
  what: string;
  name?: string;
  files?: Record<string, string>;
  more?: Partial<RecordedRun>;
  before?: (directory: string) => Promise<unknown>;
  reason: string;
}>([
  {
    what: "the record does not name",
    name: "results/other.sca",
    reason: "it is not among the files of the run",
  },
  { what: "is only spelled like one", name: "results/../results/a.sca", reason: "it is not among the files" },
  {
    what: "is outside the result directory",
    name: "omnetpp.ini",
    files: { "omnetpp.ini": "secret" },
    reason: "it is outside the result directory",
  },
  {
    what: "leads out of the result directory",
    name: "results/../../x",
    more: { files: [{ path: "results/../../x", sizeBytes: 1, sha256: "" }] },
    reason: "it is outside the result directory",
  },
  {
    what: "is the result directory",
    name: "results/",
    more: { files: [{ path: "results/", sizeBytes: 0, sha256: "" }] },
    reason: "it is outside",
  },
  {
    what: "is a symbolic link",
    before: async (at) => {
      await rename(path.join(at, "results/a.sca"), path.join(at, "results/b.sca"));
      await symlink("b.sca", path.join(at, "results/a.sca"));
    },
    reason: LINK,
  },
  {
    what: "is behind a symbolic link",
    name: "results/sub/a.sca",
    files: { "results/sub/a.sca": "x" },
    before: async (at) => {
      await rename(path.join(at, "results/sub"), path.join(at, "results/other"));
      await symlink("other", path.join(at, "results/sub"));
    },
    reason: LINK,
  },
  {
    what: "no longer exists",
    before: (at) => rm(path.join(at, "results/a.sca")),
    reason: "it no longer exists",
  },
  {
    what: "is a folder",
    before: async (at) => {
      await rm(path.join(at, "results/a.sca"));
      await mkdir(path.join(at, "results/a.sca"));
    },
    reason: "it is not a regular file",
  },
  {
    what: "is a FIFO",
    before: async (at) => {
      await rm(path.join(at, "results/a.sca"));
      execFileSync("mkfifo", [path.join(at, "results/a.sca")]);
    },
    reason: "it is not a regular file",
  },
  {
    what: "has another size",
    before: (at) => writeFile(path.join(at, "results/a.sca"), "longer"),
    reason: CHANGED,
  },
  {
    what: "has other content of the same size, and an old time",
    before: async (at) => {
      await writeFile(path.join(at, "results/a.sca"), "b");
      await utimes(path.join(at, "results/a.sca"), 0, 0);
      await utimes(path.join(at, "results/.swarm/Recorded-0.json"), 0, 0);
    },
    reason: CHANGED,
  },
  {
    what: "belongs to a later campaign",
    more: { supersededBy: "c2" },
    reason: "campaign c2 has executed the run again, and has replaced its files",
  },
])("refuses a file that $what", async ({ name = "results/a.sca", files, more, before, reason }) => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a", ...files }, more);
  await before?.(at.directory);
  const { status, json } = await at.ask(fileOf(0, name));
  expect([status, (json() as { error: string }).error]).toEqual([
    409,
    expect.stringContaining(`${name}: ${reason}`),
  ]);
  expect(at.errors).toEqual([]);
});

it("serves a file whose content is as recorded, whatever its times are", async () => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a" });
  await utimes(path.join(at.resultDirectory, ".swarm/Recorded-0.json"), 0, 0); // as if it had been copied
  expect((await at.ask(fileOf(0, "results/a.sca"))).text).toBe("a");
});

it("refuses files of runs that have no record here", async () => {
  await using at = await dashboard();
  expect((await at.ask(fileOf(7, "results/a.sca"))).json()).toEqual({
    error: "run 7 has no files here: it has not ended, or it was not collected on this machine",
  });
  expect((await at.ask(fileOf(-1 as number, "x"))).json()).toEqual({ error: "no such run" });
  expect((await at.ask("runs/7/file")).json()).toEqual({ error: "the parameter path is missing" });
});

it("describes a collected run", async () => {
  await using at = await dashboard();
  const sca = await readFile(fixture("text.sca"));
  const more = { worker: "node7", attempt: 2, exitCode: 0, events: 356, simTime: "100", changedFiles: 3 };
  await at.record(0, { "results/a.vec": "x", "results/a.sca": sca, "elsewhere.txt": "y" }, more);
  await rm(path.join(at.resultDirectory, "a.vec"));
  expect((await at.ask("runs/0")).json()).toEqual({
    ...more,
    reason: "Simulation time limit reached",
    seedSet: "0",
    commit: "0".repeat(40),
    omnetpp: "6.2.0",
    files: [
      { path: "results/a.vec", sizeBytes: 1, problem: "it no longer exists" },
      { path: "results/a.sca", sizeBytes: sca.length },
      {
        path: "elsewhere.txt",
        sizeBytes: 1,
        problem: `it is outside the result directory, at ${path.join(at.directory, "elsewhere.txt")}`,
      },
    ],
    omittedFiles: 0,
    local: { command: "./mm1 -r 0", notes: ["note"] },
  });
  await at.record(1, {}, { supersededBy: "c2" });
  expect((await at.ask("runs/1")).json()).toMatchObject({
    files: [],
    filesNote: "Campaign c2 has executed the run again, and has replaced its files.",
  });
});

it("lists and reads the vectors and histograms of a collected run, in text and SQLite", async () => {
  for (const kind of ["text", "sqlite"]) {
    await using at = await dashboard();
    const files: Record<string, Buffer> = {};
    for (const type of kind === "text" ? ["vec", "vci", "sca"] : ["vec", "sca"])
      files[`results/a.${type}`] = await readFile(fixture(`${kind}.${type}`));
    await at.record(0, { ...files, "results/damaged.sca": "SQLite format 3\0damaged" });
    const { vectors, histograms, notes } = (await at.ask("runs/0/recordings")).json() as {
      vectors: { id: number; name: string; file: string; count: number }[];
      histograms: { name: string; file: string; module: string }[];
      notes: string[];
    };
    expect(vectors.map(({ name, file, count }) => [name, file, count])).toEqual([
      ["queueLength:vector", "results/a.vec", 166],
      ["waitingTime:vector", "results/a.vec", 81],
    ]);
    expect(histograms).toMatchObject([{ module: "Mm1.queue", name: "waitingTime:histogram", unit: "s" }]);
    expect(notes).toEqual([expect.stringContaining("cannot read the SQLite file results/damaged.sca")]);
    const vector = await at.ask(`runs/0/vector?file=results/a.vec&id=${vectors[1]!.id}`);
    expect(vector.json()).toMatchObject({ vector: { unit: "s" }, count: 81, readPart: 1, isReduced: false });
    const histogram = await at.ask(
      "runs/0/histogram?file=results/a.sca&module=Mm1.queue&name=waitingTime:histogram",
    );
    expect(histogram.json()).toMatchObject({ unit: "s", underflow: 0, overflow: 0, count: 81 });
    const missing = await at.ask("runs/0/vector?file=results/a.vec&id=999");
    expect([missing.status, missing.json()]).toEqual([
      409,
      { error: "the run has no vector 999 in this file" },
    ]);
    expect(at.errors).toEqual([]);
  }
});

it.each([
  ["vector?file=results/a.sca&id=0", "results/a.sca is not a vector file"],
  ["vector?file=../a.vec&id=0", "../a.vec: it is not among the files of the run"],
  ["vector?file=results/a.vec&id=x", "id is not the number of a vector"],
  ["histogram?file=results/a.vec&module=m&name=n", "results/a.vec is not a scalar file"],
  ["histogram?file=results/a.sca&module=m", "the parameter name is missing"],
])("refuses %s", async (address, error) => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a" });
  const answer = await at.ask(`runs/0/${address}`);
  expect([answer.status, answer.json()]).toEqual([409, { error }]);
});

it("reports the progress of reading in an event stream, and then the values or why there are none", async () => {
  await using at = await dashboard();
  const head = "version 3\nrun R\nattr configname Recorded\nattr runnumber 0\n\nvector 0 Net a TV\n";
  await at.record(0, { "results/a.vec": head + "0\t1\t5\n".repeat(300_000) });
  const live = { headers: { Accept: "text/event-stream" } };
  const events = async (address: string): Promise<Record<string, unknown>[]> => {
    const { text } = await at.ask(address, live);
    return text
      .split("\n")
      .flatMap((line) =>
        line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as Record<string, unknown>] : [],
      );
  };
  const all = await events("runs/0/vector?file=results/a.vec&id=0");
  expect(all.length).toBeGreaterThan(1);
  expect(all[0]).toEqual({ progress: { done: 1 << 20, of: head.length + 6 * 300_000 } });
  expect(all.at(-1)).toMatchObject({ count: 300_000, points: [[1, 5]] });
  expect(await events("runs/0/vector?file=results/a.vec&id=1")).toContainEqual({
    error: "the run has no vector 1 in this file",
    status: 409,
  });
});

it("shows what a run has left in the swarm before it is collected", async () => {
  await using at = await dashboard();
  const folder = path.join(at.directory, "store/c1-4/2/s/results");
  await mkdir(folder, { recursive: true });
  await copyFile(fixture("text.vec"), path.join(folder, "4.vec"));
  const answer = {
    protocol: PROTOCOL,
    outcome: { state: "failed", reason: "error", exitCode: 1 },
    usage: { wallTimeMs: 1 },
    stored: "c1-4/2",
    files: [{ path: "s/results/4.vec", sizeBytes: 7789 }],
    startedAt: 0,
    finishedAt: 1,
    worker: "w",
  };
  const facts = { run: undefined, startedAt: 0, finishedAt: 1, progress: undefined, result: answer };
  at.queue.jobs = (_, runs) => Promise.resolve(runs.map((run) => (run === 4 ? facts : undefined)));
  expect((await at.ask("runs/4")).json()).toMatchObject({
    worker: "w",
    attempt: 2,
    exitCode: 1,
    files: [
      { path: "/s/results/4.vec", problem: "the run is not yet collected; run: runall-swarm attach c1" },
    ],
  });
  const other = (await at.ask("runs/4/recordings")).json();
  expect(other).toMatchObject({ vectors: [], notes: [] }); // it is the file of another run
  expect((await at.ask("runs/5")).json()).toMatchObject({
    files: [],
    filesNote: "The run’s files are not here: they were collected on another machine, or removed.",
  });
  expect((await at.ask("runs/5/recordings")).json()).toEqual({
    error: "the files of run 5 are not here: they were collected on another machine, or removed",
  });
});

it("retries only the runs that a request names", async () => {
  await using at = await dashboard();
  const retry = async (body?: string): Promise<unknown[]> => {
    const answer = await at.ask("retry", { method: "POST", ...(body !== undefined && { body }) });
    return [answer.status, answer.json()];
  };
  expect(await retry()).toEqual([200, { runs: 2 }]);
  expect(await retry('{"runs":"1..3,7"}')).toEqual([200, { runs: 2 }]);
  expect(at.retried).toEqual([
    ["c1", undefined],
    ["c1", [1, 2, 3, 7]],
  ]);
  const refused = 'the request is malformed: it needs the numbers of runs, as in {"runs":"0..3,8"}';
  for (const body of [
    "{",
    "[]",
    '{"runs":[1]}',
    '{"runs":""}',
    '{"runs":"1..0"}',
    '{"runs":"-1"}',
    '{"runs":"0..9999999"}',
    '{"runs":"1","more":1}',
  ])
    expect([body, ...(await retry(body))]).toEqual([body, 409, { error: refused }]);
  const headers = { Authorization: "" };
  expect((await at.ask("retry", { method: "POST", headers, body: '{"runs":"1"}' })).status).toBe(403);
  expect(at.retried).toHaveLength(2);
});

it("shows what runs have recorded only to whoever has the token", async () => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a" });
  const paths = [
    ...["results", "values?pattern=**", "runs/0", "runs/0/output", "runs/0/recordings", "runs/0/nosuch"],
    ...["runs/0/vector?file=a&id=1", "runs/0/histogram?file=a&module=m&name=n", fileOf(0, "results/a.sca")],
  ];
  for (const path of paths)
    for (const token of ["", "Bearer wrong", "Bearer"])
      for (const method of ["GET", "HEAD", "POST"]) {
        const { status } = await at.ask(path, { method, headers: { Authorization: token } });
        expect([path, token, method, status]).toEqual([path, token, method, 403]);
      }
  expect((await at.ask("", { headers: { Authorization: "" } })).status).not.toBe(403);
});

it("hands out a file once for a ticket, which admits to nothing else", async () => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a", "results/b.sca": "b" });
  const ticketFor = async (name: string): Promise<string> =>
    ((await at.ask(fileOf(0, name), { method: "POST" })).json() as { ticket: string }).ticket;
  const withTicket = async (address: string, ticket: string, method = "GET"): Promise<number> => {
    const headers = { Authorization: "" };
    return (await at.ask(`${address}&ticket=${ticket}`, { method, headers })).status;
  };
  const address = fileOf(0, "results/a.sca");
  const ticket = await ticketFor("results/a.sca");
  expect(await withTicket(fileOf(0, "results/b.sca"), ticket)).toBe(403);
  expect(await withTicket("runs/0/output?path=results%2Fa.sca", ticket)).toBe(403);
  expect(await withTicket(address, ticket, "POST")).toBe(403);
  expect(await withTicket(address, `${ticket}&x=1`)).toBe(403);
  expect(await withTicket(address, ticket)).toBe(200);
  expect(await withTicket(address, ticket)).toBe(403);

  const late = await ticketFor("results/a.sca");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_001 });
  try {
    expect(await withTicket(address, late)).toBe(403);
  } finally {
    vi.useRealTimers();
  }
  const first = await ticketFor("results/a.sca");
  for (let more = 0; more < 1000; more++) await ticketFor("results/b.sca");
  expect(await withTicket(address, first)).toBe(403);

  const { status, json } = await at.ask(fileOf(0, "results/none.sca"), { method: "POST" });
  expect([status, json()]).toEqual([
    409,
    { error: "results/none.sca: it is not among the files of the run" },
  ]);
});

it("closes each file that it has opened", async () => {
  await using at = await dashboard();
  await at.record(0, { "results/a.sca": "a" });
  const handle = await openRegularFile(path.join(at.resultDirectory, "a.sca"));
  const { fd } = handle!;
  await handle!.close();
  for (let count = 0; count < 20; count++) await at.ask(fileOf(0, "results/a.sca"));
  const again = await openRegularFile(path.join(at.resultDirectory, "a.sca"));
  expect(again!.fd).toBeLessThan(fd + 10);
  await again!.close();
});
