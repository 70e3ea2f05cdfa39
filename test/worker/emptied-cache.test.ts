import { rm } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { GitNotStarted } from "../../src/project/git/commands/not-started.ts";
import { openBuildDirectory } from "../../src/stores/build-store.ts";
import type { ExecutionContext, RunnerDependencies } from "../../src/worker/execute/execution-context.ts";
import { withTree } from "../../src/worker/execute/runner.ts";
import { isMachineFault } from "../../src/worker/tree/fault-kinds.ts";
import { Slot } from "../../src/worker/tree/slot.ts";
import { TreeLost } from "../../src/worker/tree/slot-tree.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Returns why a tree cannot be created if something happens while its repository is opened. */
async function failureWhen(happen: (slot: string) => Promise<never>): Promise<unknown> {
  await using directory = await temporaryDirectory();
  const place = path.join(directory.path, "slots", "0");
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const repositories = repositoriesIn(directory.path);
  repositories.open = () => happen(place);
  const manifest = { protocol: PROTOCOL, products: [], targets: [], nedExclusions: [] };
  await builds.put("key", directory.path, manifest);
  const never = new AbortController().signal;
  const campaign = {
    source: { commit: "a".repeat(40) },
    buildKey: "key",
    directory: "/home/user/project",
  };
  const slot = await Slot.take(place, builds, repositories);
  const context = { campaign, slot, cancelled: never, abandoned: never } as unknown as ExecutionContext;
  const deps = { builds } as unknown as RunnerDependencies;
  return await withTree(context, deps, () => expect.unreachable()).catch((error: unknown) => error);
}

it("is the reason if git fails while a tree is created and the cache is emptied, not the run", async () => {
  const notFound = new UserError("git cat-file: not a git repository");
  const error = await failureWhen(async (slot) => {
    await rm(path.dirname(slot), { recursive: true });
    throw notFound;
  });
  expect(error).toBeInstanceOf(TreeLost);
  expect((error as Error).cause).toBe(notFound);
});

it("is not the reason while the slot exists", async () => {
  const unreachable = new UserError("the commit cannot be fetched");
  expect(await failureWhen(() => Promise.reject(unreachable))).toBe(unreachable);
});

it("includes that git cannot be started in a folder that was removed", () => {
  expect(isMachineFault(new GitNotStarted("/slot is not a folder"))).toBe(true);
});
