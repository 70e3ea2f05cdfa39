import { execFile } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { describeFiles, gitEnvironment, makeRepository, type Repository } from "../helpers/git.ts";
import { readTree, sendTree } from "../helpers/sent-tree.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
let origin: Repository;

beforeEach(async () => {
  place = await temporaryDirectory();
  vi.stubEnv("XDG_CACHE_HOME", path.join(place.path, "cache"));
  origin = await makeRepository(
    { "src/a.cc": "int a;\n", "papers/a.pdf": "paper\n", "simulations/omnetpp.ini": "[General]\n" },
    path.join(place.path, "origin"),
  );
  await origin.git("config", "uploadpack.allowFilter", "true");
  await origin.commit({ "papers/a.pdf": "another paper\n", "src/deep/b.cc": "int b;\n" });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

/** A clone with these options. */
async function clone(...options: string[]): Promise<Repository> {
  const top = path.join(place.path, "clone");
  await origin.git("clone", "--quiet", ...options, `file://${origin.path}`, top);
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: top, env: gitEnvironment })).stdout.trim();
  return { ...origin, path: top, git, everything: () => describeFiles(top) };
}

const CLONES: Record<string, { options: string[]; sparse?: string[] }> = {
  "without blobs": { options: ["--filter=blob:none"] },
  "without blobs, sparse": { options: ["--filter=blob:none", "--sparse"], sparse: ["src", "simulations"] },
  "without blobs, with a sparse index": {
    options: ["--filter=blob:none", "--sparse"],
    sparse: ["--sparse-index", "src", "simulations"],
  },
  "without trees, sparse": { options: ["--filter=tree:0", "--sparse"], sparse: ["src", "simulations"] },
  shallow: { options: ["--depth=1"] },
  "shallow, without blobs, sparse": {
    options: ["--depth=1", "--filter=blob:none", "--sparse"],
    sparse: ["src", "simulations"],
  },
};

describe.each(["there", "gone"])("with the origin %s", (where) => {
  it.each(Object.entries(CLONES))(
    "sends a clone %s and fetches nothing into it",
    async (_, { options, sparse }) => {
      const repository = await clone(...options);
      if (sparse !== undefined) await repository.git("sparse-checkout", "set", ...sparse);
      if (where === "gone") await rename(origin.path, `${origin.path}.away`);
      const expectSame = async (): Promise<void> => {
        const before = await repository.everything();
        const expected = await readTree(repository.path);
        expect((await sendTree(repository.path)).files).toEqual(expected);
        expect((await sendTree(repository.path, { sharesDisk: false })).files).toEqual(expected);
        expect(await repository.everything()).toEqual(before);
      };
      await expectSame();
      await promisify(execFile)("sh", ["-c", "echo changed > src/a.cc; echo new > src/new.cc"], {
        cwd: repository.path,
      });
      await expectSame();
    },
  );
});

it("names the commit whose files a clone does not have", async () => {
  const repository = await clone("--filter=blob:none", "--sparse");
  await repository.git("sparse-checkout", "set", "src");
  const before = await repository.everything();
  const head = await repository.git("rev-parse", "HEAD");
  await expect(sendTree(repository.path, { ref: "HEAD" })).rejects.toMatchObject({
    message: `the commit ${head.slice(0, 12)} is incomplete in this clone: 2 files, such as papers/a.pdf`,
    hint: "check out the commit, which fetches its files, and remove the option --commit",
  });
  const missing = "1".repeat(40);
  await expect(sendTree(repository.path, { ref: missing })).rejects.toThrow(`no commit ${missing}`);
  expect(await repository.everything()).toEqual(before);
});

it("sends a commit of a clone that has its files", async () => {
  const repository = await clone("--filter=blob:none");
  const expected = await readTree(repository.path);
  await rm(path.join(repository.path, "src/a.cc"));
  expect((await sendTree(repository.path, { ref: "HEAD" })).files).toEqual(expected);
  expect((await sendTree(repository.path, { ref: "HEAD", sharesDisk: false })).files).toEqual(expected);
});
