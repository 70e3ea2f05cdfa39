import { createHash } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { mkdir, readdir, symlink } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "../errors.ts";
import { filesOf, sourceName, type BuildManifest, type Dependency, type Source } from "../model/build.ts";
import type { BuildStore } from "../results/build-store.ts";
import { isAlive, ProcessIdentitySchema, type ProcessIdentity } from "../system/identity.ts";
import { signalGroup } from "../system/process-group.ts";
import { diskIsLow } from "../system/disk.ts";
import { readJson } from "../system/json.ts";
import { removeForcibly } from "../system/files.ts";
import { checkOut, restore } from "../project/checkout.ts";
import { changesSince, setMark, type Mark } from "./changes.ts";
import { Dependencies, type ProvidedDependency } from "./dependencies.ts";
import { parents } from "./inspect-outputs.ts";
import { makeRoom } from "./make-room.ts";
import type { Repositories } from "./repositories.ts";
import { provideFolders } from "./slot-folders.ts";
import { stampOf, takeSnapshot, type Difference, type Snapshot } from "./snapshot.ts";

/**
 * A working tree of a slot: the tracked files of a commit with the binaries of a build. It has the path of the client's
 * checkout below a folder that stands for `/`, so that what a run writes by way of `../../res` is found, too.
 */
export interface SlotTree {
  /** The folder that stands for `/`. */
  mirror: string;
  /** The checkout's top level. */
  root: string;
  /** The same relative to the mirror. */
  top: string;
  source: Source;
  buildKey: string;
  manifest: BuildManifest;
  dependencies: ProvidedDependency[];
  clean: Snapshot;
}

export interface TreeRequest {
  source: Source;
  /** The client's checkout, absolute. */
  directory: string;
  buildKey: string;
  /** Asked for where the tree has to be made. */
  manifest: () => Promise<BuildManifest>;
  dependencies?: readonly Dependency[] | undefined;
  /** @see Outputs */
  folders?: readonly string[] | undefined;
  openedLinks?: readonly string[] | undefined;
}

/** Enough for two campaigns that take turns; one, where there is little room. */
const TREES_PER_SLOT = 2;
const KILL_TIMEOUT_MS = 5000;
const KILL_POLL_MS = 5;
const MARK_FILE = "begun";
const PROCESS_FILE = "simulation.json";
const NOTE_BYTES = 80;

/** Where the slots of the runner lie that works in a directory. */
export function slotsDirectory(directory: string): string {
  return path.join(directory, "slots");
}

/** Ends the simulations of a runner that was killed and has no successor. */
export async function endLeftoversIn(directory: string): Promise<void> {
  const slots = slotsDirectory(directory);
  const names = await readdir(slots).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  });
  for (const name of names) await endLeftover(path.join(slots, name, PROCESS_FILE));
}

/**
 * The place where one run at a time is made. It belongs to one runner process; whatever an earlier owner
 * left there, running or lying about, is ended and removed.
 */
export class Slot {
  readonly directory: string;
  readonly #builds: BuildStore;
  readonly #repositories: Repositories;
  readonly #dependencies: Dependencies;
  #trees: SlotTree[] = [];
  #mark: Mark | undefined;

  private constructor(directory: string, builds: BuildStore, repositories: Repositories) {
    this.directory = directory;
    this.#repositories = repositories;
    this.#dependencies = new Dependencies(workerOf(directory), builds, repositories);
    this.#builds = builds;
  }

  static async take(directory: string, builds: BuildStore, repositories: Repositories): Promise<Slot> {
    await endLeftover(path.join(directory, PROCESS_FILE));
    await removeForcibly(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new Slot(directory, builds, repositories);
  }

  /** The tree for a source and a build, made where it is not there. */
  async prepare(request: TreeRequest, signal?: AbortSignal): Promise<SlotTree> {
    const known = this.#trees.find(
      (tree) => nameOf(tree, dependenciesOf(tree)) === nameOf(request, request.dependencies),
    );
    this.#trees = this.#trees.filter((tree) => tree !== known);
    const others = diskIsLow(this.directory) ? 0 : TREES_PER_SLOT - 1;
    while (this.#trees.length > others) await removeForcibly(path.dirname(this.#trees.shift()!.mirror));
    const tree = known ?? (await this.#make(request, signal));
    provideFolders(tree, request);
    this.#trees.push(tree);
    return tree;
  }

  async #make(request: TreeRequest, signal?: AbortSignal): Promise<SlotTree> {
    const { source, directory, buildKey, dependencies: needed = [] } = request;
    await makeRoom(this.directory, [this.#builds, this.#repositories]);
    const manifest = await request.manifest();
    const place = path.join(this.directory, shortName(nameOf(request, needed)));
    const mirror = path.join(place, "root");
    const top = directory.slice(1);
    const root = path.join(mirror, top);
    const gitDirectory = await this.#repositories.open(source, signal);
    try {
      await checkOut({ gitDirectory, commit: source.commit }, root, signal);
      const dependencies = await this.#dependencies.provide(needed, root, signal);
      await markUses(place, dependencies);
      await this.#builds.linkInto(buildKey, manifest, root);
      const clean = takeSnapshot(mirror);
      return { mirror, root, top, source, buildKey, manifest, dependencies, clean };
    } catch (error) {
      await removeForcibly(place);
      throw error;
    }
  }

  /** Remembers the simulation, so that the next owner of the slot can end it should this process be killed. */
  remember(identity: ProcessIdentity | undefined): void {
    if (identity === undefined) return;
    // over the old note, of the same length: to cut the file would have ext4 write it to the disk
    const note = JSON.stringify(identity).padEnd(NOTE_BYTES);
    const file = openSync(path.join(this.directory, PROCESS_FILE), constants.O_WRONLY | constants.O_CREAT);
    try {
      writeSync(file, note);
    } finally {
      closeSync(file);
    }
  }

  /** Call before a run: what changes from now on is that run's. */
  begin(tree: SlotTree): void {
    this.#mark = setMark(path.join(this.directory, MARK_FILE), tree.clean);
  }

  /** What has changed in a tree since `begin`; paths are relative to its mirror. */
  async difference(tree: SlotTree): Promise<Difference> {
    return await changesSince(this.#mark!, tree.mirror, tree.clean);
  }

  /** Puts the tree back as it was before a run; one that a run has ruined is discarded. */
  async clean(tree: SlotTree, difference: Difference, moved: readonly string[]): Promise<void> {
    try {
      removeSurplus(tree, difference, moved);
      for (const directory of difference.missing)
        mkdirSync(path.join(tree.mirror, directory), { recursive: true });
      await this.#restore(tree, difference.damaged);
    } catch {
      await this.discard(tree); // the next run gets a new one
    }
  }

  async #restore(tree: SlotTree, damaged: readonly string[]): Promise<void> {
    if (damaged.length === 0) return;
    const prefix = `${tree.top}/`;
    if (!damaged.every((file) => file.startsWith(prefix))) return await this.discard(tree);
    const files = damaged.map((file) => file.slice(prefix.length));
    const inside = tree.dependencies.filter(({ dependency }) => dependency.source === undefined);
    const products = new Set([tree, ...inside].flatMap(({ manifest }) => filesOf(manifest)));
    const tracked = files.filter((file) => !products.has(file));
    if (tracked.length > 0) {
      const gitDirectory = await this.#repositories.open(tree.source);
      await restore({ gitDirectory, commit: tree.source.commit }, tree.root, tracked);
    }
    if (tracked.length < damaged.length) {
      await this.#dependencies.provide(dependenciesOf(tree), tree.root);
      await this.#builds.linkInto(tree.buildKey, tree.manifest, tree.root);
    }
    for (const file of damaged) tree.clean.files.set(file, stampOf(path.join(tree.mirror, file)));
  }

  /** A tree that could not be cleaned is made anew. */
  async discard(tree: SlotTree): Promise<void> {
    this.#trees = this.#trees.filter((known) => known !== tree);
    await removeForcibly(path.dirname(tree.mirror));
  }
}

/** What a run has left that nobody collects, and the folders in which it was. */
function removeSurplus(
  { mirror, clean }: SlotTree,
  { written, directories }: Difference,
  moved: readonly string[],
): void {
  for (const { path: file } of written)
    if (!clean.files.has(file)) rmSync(path.join(mirror, file), { force: true });
  const made = new Set([...directories, ...[...moved, ...written.map((file) => file.path)].flatMap(parents)]);
  const surplus = [...made].filter((directory) => !clean.directories.has(directory));
  for (const directory of surplus.sort().reverse()) rmdirSync(path.join(mirror, directory));
}

/** By these links those who look for dependencies that nobody uses any more find them: `Dependencies` looks there. */
async function markUses(place: string, dependencies: readonly ProvidedDependency[]): Promise<void> {
  const tops = new Set(dependencies.filter(({ dependency }) => dependency.source).map(({ top }) => top));
  for (const [at, top] of [...tops].entries()) await symlink(top, path.join(place, `uses-${at}`));
}

/** The worker's directory, below which its slots lie. */
function workerOf(slot: string): string {
  return path.dirname(path.dirname(slot));
}

function dependenciesOf(tree: SlotTree): Dependency[] {
  return tree.dependencies.map(({ dependency }) => dependency);
}

/** Equal for trees with the same files. */
function nameOf(
  {
    source,
    buildKey,
    ...where
  }: Pick<TreeRequest, "source" | "buildKey"> & ({ directory: string } | { top: string }),
  dependencies: readonly Dependency[] = [],
): string {
  const needed = dependencies.map((each) => [each.tree, each.checkoutName, each.buildKey].join(" "));
  const directory = "top" in where ? `/${where.top}` : where.directory;
  return [sourceName(source), buildKey, directory, ...needed].join(" ");
}

function shortName(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 24);
}

async function endLeftover(file: string): Promise<void> {
  const identity = await readJson(file, ProcessIdentitySchema);
  if (identity === undefined || !isAlive(identity)) return;
  signalGroup(identity.pid, "SIGKILL");
  const deadline = Date.now() + KILL_TIMEOUT_MS; // one that waits for a broken disk does not end
  while (isAlive(identity) && Date.now() < deadline) await delay(KILL_POLL_MS);
}
