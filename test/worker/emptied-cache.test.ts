import { rmSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { openBuildDirectory } from "../../src/stores/build-store.ts";
import type { ExecutionContext, RunnerDependencies } from "../../src/worker/execute/execution-context.ts";
import { withTree } from "../../src/worker/execute/runner.ts";
import { Slot } from "../../src/worker/tree/slot.ts";
import { TreeLost } from "../../src/worker/tree/slot-tree.ts";
import { makeRepository } from "../helpers/git.ts";
import { repositoriesIn } from "../helpers/repositories.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

interface Course {
  /** Called when the repository is opened, which is the first step of creating a tree. */
  creating?: (slots: string) => Promise<void>;
  /** Called in place of a run. */
  running?: (slots: string) => Promise<void>;
}

/** Returns why a run failed. */
async function failureOf({ creating, running = () => expect.unreachable() }: Course): Promise<unknown> {
  await using directory = await temporaryDirectory();
  await using repository = await makeRepository({ "omnetpp.ini": "" });
  const slots = path.join(directory.path, "slots");
  const builds = openBuildDirectory(path.join(directory.path, "builds"));
  const manifest = { protocol: PROTOCOL, products: [], targets: [], nedExclusions: [] };
  await builds.put("key", directory.path, manifest);
  const repositories = repositoriesIn(directory.path);
  const url = path.join(repository.path, ".git");
  repositories.open = async () => {
    await creating?.(slots);
    return url;
  };
  const source = { url, commit: await repository.git("rev-parse", "HEAD") };
  const never = new AbortController().signal;
  const campaign = { source, buildKey: "key", directory: "/home/user/project" };
  const slot = await Slot.take(path.join(slots, "0"), builds, repositories);
  const context = { campaign, slot, cancelled: never, abandoned: never } as unknown as ExecutionContext;
  const deps = { builds } as unknown as RunnerDependencies;
  return await withTree(context, deps, () => running(slots)).catch((error: unknown) => error);
}

const failure = new UserError("not found");
const fail = (): Promise<never> => Promise.reject(failure);

/** Fails before all files are removed. */
function emptyAndFail(slots: string): Promise<never> {
  setTimeout(() => rmSync(slots, { recursive: true }), 50);
  return fail();
}

it.each<{ when: string; course: Course }>([
  { when: "a tree is created", course: { creating: emptyAndFail } },
  { when: "a run is started", course: { running: emptyAndFail } },
])("is the reason if something is not found while $when, not the run", async ({ course }) => {
  const error = await failureOf(course);
  expect(error).toBeInstanceOf(TreeLost);
  expect((error as Error).cause).toBe(failure);
});

it.each<{ when: string; course: Course }>([
  { when: "a tree is created", course: { creating: fail } },
  { when: "a run is started", course: { running: fail } },
])("is not the reason while the cache exists and $when", async ({ course }) => {
  expect(await failureOf(course)).toBe(failure);
});
