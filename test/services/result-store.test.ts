import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { ResultFile } from "../../src/model/result.ts";
import { openDirectoryStore } from "../../src/stores/directory-store.ts";
import { openGridFsStore } from "../../src/stores/gridfs-store.ts";
import { openMongo, type Mongo } from "../../src/stores/mongo.ts";
import { DamagedArchive, type ResultStore } from "../../src/stores/store.ts";
import { describeWithMongo, someMongo } from "../helpers/mongo.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

interface Bench extends AsyncDisposable {
  store: ResultStore;
  /** A working tree, and a folder for unpacking. */
  tree: string;
  scratch: string;
}

type MakeStore = (directory: string) => Promise<{ store: ResultStore } & AsyncDisposable>;

const inDirectory: MakeStore = (directory) =>
  Promise.resolve({
    store: openDirectoryStore(path.join(directory, "store")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

const inMongo: MakeStore = async () => {
  const server = await someMongo();
  const mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
  return {
    store: openGridFsStore(mongo),
    async [Symbol.asyncDispose]() {
      await mongo[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
};

describe("a directory as result store", () => {
  contract(inDirectory);
});
describeWithMongo("MongoDB as result store", () => contract(inMongo));

it("a directory as result store detects a byte that was changed in it", async () => {
  await using directory = await temporaryDirectory();
  const tree = path.join(directory.path, "tree");
  await mkdir(tree);
  const store = openDirectoryStore(path.join(directory.path, "store"));
  const large = "vector ".repeat(100_000);
  const stamped = "v".repeat(10e6);
  for (const content of ["scalars", large, stamped]) {
    await writeFile(path.join(tree, "a"), content);
    const files = await store.put("c1-0/1", tree, ["a"]);
    if (content === stamped) expect(files).toMatchObject([{ stamp: expect.any(String) as string }]);
    const place = await store.open("c1-0/1", files, "");
    await writeFile(path.join(place, "a"), content.replace(/.$/, "?"));
    await expect(store.open("c1-0/1", files, "")).rejects.toThrow(
      "its result file a is damaged: its content has changed",
    );
  }
});

describeWithMongo("MongoDB as result store", () => {
  it("unpacks archives of the first format", async () => {
    await using server = await someMongo();
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    await using directory = await temporaryDirectory();
    await writeFile(path.join(directory.path, "a.sca"), "version 3");
    const store = openGridFsStore(mongo);
    const files = await store.put("c1-0/1", directory.path, ["a.sca"]);
    const change = { $set: { "metadata.format": 1 }, $unset: { "metadata.alone": "" } } as const;
    await mongo.db.collection("results.files").updateOne({ filename: "c1-0/1" }, change);
    const place = await store.open("c1-0/1", files, path.join(directory.path, "scratch"));
    expect(await readFile(path.join(place, "a.sca"), "utf8")).toBe("version 3");
  });
});

describeWithMongo("MongoDB as result store, when an upload is interrupted", () => {
  /** The pieces in the database, and the notes of started uploads. */
  const counts = async (mongo: Mongo): Promise<number[]> =>
    Promise.all(
      ["files", "chunks", "uploads"].map((name) => mongo.db.collection(`results.${name}`).countDocuments()),
    );

  it("leaves nothing behind when the worker cancels it", async () => {
    await using server = await someMongo();
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    await using directory = await temporaryDirectory();
    await writeFile(path.join(directory.path, "a.vec"), randomBytes(64 << 20)); // far from complete when it is cancelled
    const store = openGridFsStore(mongo);
    const controller = new AbortController();
    const put = store.put("c1-0/1", directory.path, ["a.vec"], controller.signal);
    await vi.waitFor(
      async () => expect(await mongo.db.collection("results.chunks").countDocuments()).toBeGreaterThan(0),
      { timeout: 20_000, interval: 1 },
    );
    controller.abort();
    await expect(put).rejects.toThrow(/abort/i);
    expect(await counts(mongo)).toEqual([0, 0, 0]);
    expect(await readdir(directory.path)).toEqual(["a.vec"]);
  });

  it("removes what a killed worker has left, with its job or after a day", async () => {
    await using server = await someMongo();
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    const store = openGridFsStore(mongo);
    const leave = async (filename: string, ageMs: number): Promise<void> => {
      const { insertedId } = await mongo.db
        .collection("results.uploads")
        .insertOne({ filename, startedAt: new Date(Date.now() - ageMs) });
      await mongo.db.collection("results.chunks").insertOne({ files_id: insertedId, n: 0, data: "" });
    };
    await leave("c1-0/1", 0);
    await leave("c1-1/1", 0);
    await leave("c1-2/1", 25 * 3600_000);
    await store.removeAll("c1-0");
    expect(await counts(mongo)).toEqual([0, 2, 2]);
    await store.removeOlderThan(30 * 24 * 3600_000);
    expect(await counts(mongo)).toEqual([0, 1, 1]);
  });

  it("uses an amount of memory that does not depend on the size of the result", async () => {
    await using server = await someMongo();
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    await using directory = await temporaryDirectory();
    const piece = randomBytes(48 << 10).toString("base64");
    await writeFile(path.join(directory.path, "a.vec"), Array<string>(5000).fill(piece)); // 330 MB
    const store = openGridFsStore(mongo);
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    try {
      const files = await store.put("c1-0/1", directory.path, ["a.vec"]);
      await store.open("c1-0/1", files, path.join(directory.path, "scratch"));
      expect((await lstat(path.join(directory.path, "scratch/a.vec"))).size).toBe(5000 * piece.length);
    } finally {
      clearInterval(watch);
    }
    expect(most - before).toBeLessThan(150 << 20);
  });
});

describeWithMongo("MongoDB, when its connections have just been destroyed", () => {
  it("is connected again", async () => {
    await using server = await someMongo();
    const sockets: Socket[] = [];
    const collect = (message: unknown): unknown => sockets.push((message as { socket: Socket }).socket);
    subscribe("net.client.socket", collect);
    await using mongo = await openMongo({ url: server.url, onWaiting: () => undefined });
    unsubscribe("net.client.socket", collect);
    const store = openGridFsStore(mongo);
    expect(sockets.length).toBeGreaterThan(1);
    for (const socket of sockets) socket.destroy(); // they are closed only in the next turn of the event loop
    await store.removeAll("c1-0");
  });
});

function contract(makeStore: MakeStore): void {
  const bench = async (): Promise<Bench> => {
    const directory = await temporaryDirectory();
    const made = await makeStore(directory.path);
    const tree = path.join(directory.path, "tree");
    await mkdir(tree);
    return {
      store: made.store,
      tree,
      scratch: path.join(directory.path, "scratch"),
      async [Symbol.asyncDispose]() {
        await made[Symbol.asyncDispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  };

  /** Writes files into the tree and stores them. @returns what the answer of a run would contain. */
  const put = async (b: Bench, name: string, files: Record<string, string>): Promise<ResultFile[]> => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(b.tree, file)), { recursive: true });
      await writeFile(path.join(b.tree, file), content);
    }
    return await b.store.put(name, b.tree, Object.keys(files));
  };

  it("returns what was stored, with names, content, permissions and times", async () => {
    await using b = await bench();
    const long = `results/${"long ".repeat(40)}ünïcode#0.vec`;
    const content = { "results/a.sca": "scalar\n", [long]: "vector\n".repeat(300_000), "deep/er/empty": "" };
    for (const [file, text] of Object.entries(content)) {
      await mkdir(path.dirname(path.join(b.tree, file)), { recursive: true });
      await writeFile(path.join(b.tree, file), text, { mode: 0o640 });
    }
    await utimes(path.join(b.tree, long), 1, 1_700_000_000.123);
    await utimes(path.join(b.tree, "results/a.sca"), 1, 1_700_000_000.9997);
    await symlink("a.sca", path.join(b.tree, "results/link"));
    const names = [...Object.keys(content), "results/link"];
    const sizes = await Promise.all(names.map(async (file) => (await lstat(path.join(b.tree, file))).size));
    const files = await b.store.put("c1-0/1", b.tree, names);
    for (const name of names) await expect(lstat(path.join(b.tree, name))).rejects.toThrow("ENOENT");
    expect(files.map(({ path: name, sizeBytes }) => [name, sizeBytes])).toEqual(
      names.map((n, i) => [n, sizes[i]]),
    );
    const place = await b.store.open("c1-0/1", files, b.scratch);
    for (const [file, text] of Object.entries(content)) {
      expect(await readFile(path.join(place, file), "utf8")).toBe(text);
      expect((await lstat(path.join(place, file))).mode & 0o777).toBe(0o640);
    }
    expect(Math.round((await lstat(path.join(place, long))).mtimeMs)).toBe(1_700_000_000_123);
    // An index contains the second of its vector file: the next second would be wrong.
    expect(Math.floor((await lstat(path.join(place, "results/a.sca"))).mtimeMs / 1000)).toBe(1_700_000_000);
    expect(await readlink(path.join(place, "results/link"))).toBe("a.sca");
  });

  it("refuses results that differ from the stored ones, also in a single byte", async () => {
    await using b = await bench();
    await symlink("a.sca", path.join(b.tree, "link"));
    await writeFile(path.join(b.tree, "a.sca"), "1");
    const link = await b.store.put("c1-1/1", b.tree, ["link"]);
    const files = await put(b, "c1-0/1", { "a.sca": "scalars" });
    for (const sha256 of ["0".repeat(64), ""]) {
      const others = [...files, ...link].map((file) => ({ ...file, sha256 }));
      for (const [at, name] of ["c1-0/1", "c1-1/1"].entries())
        await expect(b.store.open(name, [others[at]!], b.scratch)).rejects.toThrow(DamagedArchive);
    }
    await b.store.open("c1-0/1", files, b.scratch);
    await b.store.open("c1-1/1", link, path.join(b.scratch, "other"));
  });

  it("replaces what an attempt stored before", async () => {
    await using b = await bench();
    await put(b, "c1-0/1", { "a.sca": "old", "b.sca": "" });
    const files = await put(b, "c1-0/1", { "a.sca": "new" });
    const place = await b.store.open("c1-0/1", files, b.scratch);
    expect(await readFile(path.join(place, "a.sca"), "utf8")).toBe("new");
    expect(await readdir(place)).toEqual(["a.sca"]);
  });

  it("removes one attempt, or everything that a job has stored, and nothing of another job", async () => {
    await using b = await bench();
    const files = await put(b, "c1-1/1", { "a.sca": "1" });
    await put(b, "c1-1/2", { "a.sca": "2" });
    await put(b, "c1-10/1", { "a.sca": "10" });
    await b.store.remove("c1-1/2");
    await b.store.remove("c1-1/3");
    const isThere = async (name: string): Promise<boolean> => {
      const place = await b.store.open(name, files, b.scratch).catch((error: unknown) => {
        expect(error).toBeInstanceOf(DamagedArchive);
      });
      return place !== undefined && (await readdir(place).catch(() => [])).length > 0;
    };
    expect([await isThere("c1-1/1"), await isThere("c1-1/2")]).toEqual([true, false]);
    await b.store.removeAll("c1-1");
    await b.store.removeAll("nosuch");
    expect(await isThere("c1-1/1")).toBe(false);
    const ten = await b.store.open("c1-10/1", [{ path: "a.sca", sizeBytes: 2 }], b.scratch);
    expect(await readFile(path.join(ten, "a.sca"), "utf8")).toBe("10");
  });

  it("separates results that are stored side by side", async () => {
    await using b = await bench();
    const names = Array.from({ length: 8 }, (_, index) => `c1-${index}/1`);
    const all = await Promise.all(names.map((name) => put(b, name, { [`${name}.sca`]: name })));
    for (const [index, name] of names.entries()) {
      const place = await b.store.open(name, all[index]!, b.scratch);
      expect(await readFile(path.join(place, `${name}.sca`), "utf8")).toBe(name);
    }
  });

  it("removes results that nobody has collected for long", async () => {
    await using b = await bench();
    const files = await put(b, "c1-0/1", { "a.sca": "1" });
    expect(await b.store.removeOlderThan(60_000)).toBe(0);
    await b.store.open("c1-0/1", files, b.scratch);
    await put(b, "c1-1/1", { "b.sca": "1" });
    expect(await b.store.removeOlderThan(-1000)).toBe(2);
    expect(await b.store.removeOlderThan(-1000)).toBe(0);
  });

  it("leaves the files in place when it is interrupted", async () => {
    await using b = await bench();
    await writeFile(path.join(b.tree, "a.sca"), "1");
    const put = b.store.put("c1-0/1", b.tree, ["a.sca"], AbortSignal.abort());
    await expect(put).rejects.toThrow(/abort/i);
    expect(await readdir(b.tree)).toEqual(["a.sca"]);
  });
}
