import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sendSource } from "../../src/campaign/run/send-source.ts";
import type { Source } from "../../src/model/build.ts";
import { readCode } from "../../src/project/git/code.ts";
import { objectContents } from "../../src/project/git/commands/contents.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { openSourceDirectory, type SourceStore } from "../../src/stores/source-store.ts";
import { FetchFailed, Repositories } from "../../src/worker/tree/repositories.ts";
import { startGitHost } from "../helpers/git-daemon.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
let repository: Repository;
let store: SourceStore;

beforeEach(async () => {
  [place, repository] = await Promise.all([temporaryDirectory(), makeRepository({ "src/a.cc": "one\n" })]);
  store = openSourceDirectory(path.join(place.path, "sources"), { sharesDisk: false });
  vi.stubEnv("XDG_CACHE_HOME", place.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await repository[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** Sends the files of the working tree. */
async function send(): Promise<Source> {
  const checkout = await openCheckout(repository.path);
  await using code = await readCode(
    { checkout, ship: [], isLeftOut: Promise.resolve(() => false) },
    undefined,
  );
  const sending = sendSource(code, store, new AbortController().signal);
  for (;;) {
    const { done, value } = await sending.next();
    if (done === true) return value;
  }
}

const newWorker = (): Repositories => new Repositories(path.join(place.path, "repositories"), store);

async function readTextIfExists(worker: Repositories, source: Source, file: string): Promise<string> {
  const cwd = await worker.open(source);
  const contents: string[] = [];
  for await (const [, content] of objectContents([`${source.commit}:${file}`], { cwd }))
    contents.push(content);
  return contents.join("");
}

it("assembles a source from the parts that were sent", async () => {
  const first = await send();
  expect(first.packs).toHaveLength(1);
  expect(await readTextIfExists(newWorker(), first, "src/a.cc")).toBe("one\n");
  await repository.write({ "src/a.cc": "two\n" });
  const second = await send();
  expect(second.packs).toEqual([first.tree, second.tree]);
  expect(await readTextIfExists(newWorker(), second, "src/a.cc")).toBe("two\n");
});

it("requests nothing that it has", async () => {
  const first = await send();
  await newWorker().open(first);
  await repository.write({ "src/a.cc": "two\n" });
  const second = await send();
  await store.remove(first.tree!);
  expect(await readTextIfExists(newWorker(), second, "src/a.cc")).toBe("two\n");
});

it("uses files that somebody else has sent meanwhile", async () => {
  const shared = store;
  let theirs: Source | undefined;
  store = {
    ...shared,
    async find(tree) {
      if (theirs !== undefined) return await shared.find(tree);
      store = shared;
      theirs = await send(); // just after our check
      return undefined;
    },
  };
  const ours = await send();
  expect(ours).toEqual(theirs);
  expect(await readTextIfExists(newWorker(), ours, "src/a.cc")).toBe("one\n");
});

it("uses both of two sources that were sent concurrently, whatever each is based on", async () => {
  const [shared, mine] = [store, repository];
  await using other = await makeRepository({ "src/a.cc": "two\n" });
  await send();
  await repository.write({ "src/a.cc": "two\n" });
  let theirs: Source | undefined;
  store = {
    ...shared,
    async put() {
      [store, repository] = [shared, other];
      theirs = await send(); // a moment before ours, which has no effect any longer
      repository = mine;
    },
  };
  const ours = await send();
  expect(ours).toEqual(theirs);
  expect(ours.packs).toHaveLength(1);
  expect(await readTextIfExists(newWorker(), ours, "src/a.cc")).toBe("two\n");
});

it("reports that something is missing, and what to do", async () => {
  const first = await send();
  await store.remove(first.tree!);
  await expect(newWorker().open(first)).rejects.toMatchObject({
    message: `the source ${first.tree!.slice(0, 12)} is no longer in the swarm`,
    hint: "run the command again to resend it",
  });
});

it("continues for one caller when another cancels", async () => {
  const source = await send();
  const worker = newWorker();
  const giveUp = new AbortController();
  const first = worker.open(source, giveUp.signal);
  const second = readTextIfExists(worker, source, "src/a.cc");
  giveUp.abort();
  await expect(first).rejects.toThrow(/abort/i);
  expect(await second).toBe("one\n");
});

describe("a repository of the worker", () => {
  const folder = (): string => path.join(place.path, "repositories");

  /** Overwrites the second half of files in the worker's repository. @param which beginning of their path in it. */
  async function damage(which: string): Promise<void> {
    const [git] = (await readdir(folder())).filter((name) => name.endsWith(".git"));
    const top = path.join(folder(), git!);
    const entries = await readdir(top, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name));
    const chosen = files.filter((file) => path.relative(top, file).startsWith(which));
    expect(chosen).not.toEqual([]);
    for (const file of chosen) {
      const content = await readFile(file);
      await chmod(file, 0o600);
      await writeFile(file, content.fill(0x55, content.length >> 1));
    }
  }

  it.each(["objects", "config", "shallow"])(
    "is fetched again if files in it are damaged: %s",
    async (which) => {
      await using host = await startGitHost();
      await repository.git("push", "--quiet", host.url, "main");
      const source = async (): Promise<Source> => ({
        url: host.url,
        commit: await repository.git("rev-parse", "HEAD"),
      });
      const first = await source();
      expect(await readTextIfExists(newWorker(), first, "src/a.cc")).toBe("one\n");
      await damage(which);
      expect(await readTextIfExists(newWorker(), first, "src/a.cc")).toBe("one\n");
      await damage(which);
      await repository.write({ "src/a.cc": "two\n" });
      await repository.commit();
      await repository.git("push", "--quiet", host.url, "main");
      const second = await source();
      await newWorker().open(second);
      await newWorker().repair(second); // as after a checkout that has failed
      expect(await readTextIfExists(newWorker(), second, "src/a.cc")).toBe("two\n");
      expect((await readdir(folder())).filter((name) => !name.endsWith(".git"))).toEqual([]);
    },
  );

  it.each(["objects", "config"])(
    "is unpacked again without blaming what was sent if files in it are damaged: %s",
    async (which) => {
      await newWorker().open(await send());
      await damage(which);
      await repository.write({ "src/a.cc": "two\n" });
      const second = await send();
      expect(await readTextIfExists(newWorker(), second, "src/a.cc")).toBe("two\n");
      expect(await store.find(second.tree!)).toBeDefined();
    },
  );

  it("remains while the git host does not answer", async () => {
    await using host = await startGitHost();
    await repository.git("push", "--quiet", host.url, "main");
    const commit = await repository.git("rev-parse", "HEAD");
    await newWorker().open({ url: host.url, commit });
    await host.stop();
    await expect(newWorker().open({ url: host.url, commit: "b".repeat(40) })).rejects.toThrow(FetchFailed);
    expect(await readTextIfExists(newWorker(), { url: host.url, commit }, "src/a.cc")).toBe("one\n");
    expect(await readdir(folder())).toHaveLength(1);
  });

  it("is completed again for a commit that it had before another worker replaced it", async () => {
    await using host = await startGitHost();
    await repository.git("push", "--quiet", host.url, "main");
    const first = { url: host.url, commit: await repository.git("rev-parse", "HEAD") };
    const worker = newWorker();
    await worker.open(first);
    await damage("config");
    await repository.write({ "src/a.cc": "two\n" });
    await repository.commit();
    await repository.git("push", "--quiet", host.url, "main");
    await newWorker().open({ url: host.url, commit: await repository.git("rev-parse", "HEAD") });
    expect(await readTextIfExists(worker, first, "src/a.cc")).toBe("one\n");
  });
});
