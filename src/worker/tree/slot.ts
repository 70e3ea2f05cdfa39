import { closeSync, constants, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import type { BuildStore } from "../../stores/build-store.ts";
import { isAlive, ProcessIdentitySchema, type ProcessIdentity } from "../../system/identity.ts";
import { signalGroup } from "../../system/process-group.ts";
import { diskIsLow } from "../../system/disk.ts";
import { temporaryName } from "../../system/files.ts";
import { readJson } from "../../system/json.ts";
import { endProcessesOf } from "../../system/marked-processes.ts";
import { poll } from "../../system/poll.ts";
import { removeTree } from "../../system/remove-tree.ts";
import { checkOut, CheckoutFailed, restore } from "../../project/git/checkout.ts";
import { isBeingRemoved } from "./being-removed.ts";
import { changesSince, setMark, type Mark } from "./changes.ts";
import { Dependencies, type ProvidedDependency } from "./dependencies.ts";
import { freeDiskSpace } from "./free-disk-space.ts";
import type { Repositories } from "./repositories.ts";
import { dropChangedBinaries, dropChangedDependencies } from "./shared-changes.ts";
import { provideFolders } from "./slot-folders.ts";
import {
  builtFiles,
  dependenciesOf,
  isIntact,
  nameOf,
  removeSurplus,
  stampShared,
  type SlotTree,
  type TreeRequest,
} from "./slot-tree.ts";
import { stampOf, takeSnapshot, type Difference } from "./snapshot.ts";

/** Two, so that two campaigns that take turns keep their trees. While disk space is low, a slot has only one. */
const TREES_PER_SLOT = 2;
const KILL_TIMEOUT_MS = 5000;
const KILL_POLL_MS = 5;
const MARK_FILE = "begun";
const PROCESS_FILE = "simulation.json";
/** Its absence shows that another process is emptying the slot: it is outside the tree of a run. */
const TAKEN_FILE = "taken";
/** Process ids do not wrap around in this time, so all processes of a run have larger ids than its first one. */
const SHORT_RUN_MS = 10_000;
/** Fixed length of the note on the running simulation; larger than any process identity as JSON. */
const NOTE_BYTES = 640;

/** Returns the folder that contains the slots of a runner. */
export function slotsDirectory(directory: string): string {
  return path.join(directory, "slots");
}

/** Ends the processes of a runner or builder that was killed and is not restarted. */
export async function endLeftoversIn(directory: string): Promise<void> {
  await endProcessesOf(directory);
}

/**
 * A directory in which one run at a time is executed. It belongs to one runner process. Processes and files
 * of an earlier owner are ended and removed.
 */
export class Slot {
  readonly directory: string;
  readonly #builds: BuildStore;
  readonly #repositories: Repositories;
  readonly #dependencies: Dependencies;
  #trees: SlotTree[] = [];
  #mark: Mark | undefined;

  /** The directory contains only files of this process. */
  #isTaken = false;

  private constructor(directory: string, builds: BuildStore, repositories: Repositories) {
    this.directory = directory;
    this.#repositories = repositories;
    this.#dependencies = new Dependencies(workerOf(directory), builds, repositories);
    this.#builds = builds;
  }

  /**
   * Returns a slot in a directory.
   * @param onError receives the reason if the directory cannot be used yet. The next run tries again.
   */
  static async take(
    directory: string,
    builds: BuildStore,
    repositories: Repositories,
    onError: (error: Error) => void = () => undefined,
  ): Promise<Slot> {
    const slot = new Slot(directory, builds, repositories);
    await slot.renew().catch(onError);
    return slot;
  }

  /**
   * Ends all processes in the slot and empties it.
   * @throws if its directory cannot be used.
   */
  async renew(): Promise<void> {
    this.#isTaken = false;
    this.#trees = [];
    await endLeftover(path.join(this.directory, PROCESS_FILE));
    await endProcessesOf(this.directory);
    await clear(this.directory);
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await writeFile(path.join(this.directory, TAKEN_FILE), "");
    this.#isTaken = true;
  }

  /** Returns the tree for a source and a build, and creates it if necessary. */
  async prepare(request: TreeRequest, signal?: AbortSignal): Promise<SlotTree> {
    if (!this.#isTaken || !existsSync(path.join(this.directory, TAKEN_FILE))) await this.renew();
    const { isPrivate = false } = request;
    let known = this.#trees.find(
      (tree) => nameOf(tree, dependenciesOf(tree)) === nameOf(request, request.dependencies),
    );
    this.#trees = this.#trees.filter((tree) => tree !== known);
    if (known !== undefined && (!isIntact(known) || known.isPrivate !== isPrivate)) {
      await removeTree(path.dirname(known.mirror));
      known = undefined;
    }
    const others = diskIsLow(this.directory) ? 0 : TREES_PER_SLOT - 1;
    while (this.#trees.length > others) await removeTree(path.dirname(this.#trees.shift()!.mirror));
    const tree = known ?? (await this.#create(request, signal));
    provideFolders(tree, request);
    this.#trees.push(tree);
    return tree;
  }

  async #create(request: TreeRequest, signal?: AbortSignal): Promise<SlotTree> {
    const { source, directory, buildKey, dependencies: needed = [], isPrivate = false } = request;
    await freeDiskSpace(this.directory, [this.#builds, this.#repositories]);
    const manifest = await request.manifest();
    const place = path.join(this.directory, shortHash(nameOf(request, needed), 24));
    const mirror = path.join(place, "root");
    const top = directory.slice(1);
    const root = path.join(mirror, top);
    try {
      const gitDirectory = await this.#repositories.open(source, signal);
      await checkOut({ gitDirectory, commit: source.commit }, root, signal);
      const how = { copies: isPrivate, signal };
      const dependencies = await this.#dependencies.provide(needed, root, signal, how);
      await markUses(place, dependencies);
      await this.#builds.linkInto(buildKey, manifest, root, how);
      const clean = takeSnapshot(mirror);
      const shared = stampShared(dependencies);
      return { mirror, root, top, source, buildKey, manifest, dependencies, clean, isPrivate, shared };
    } catch (error) {
      if (error instanceof CheckoutFailed) await this.#repositories.repair(source);
      await removeTree(place);
      throw error;
    }
  }

  /** Records the simulation's process, so that the next owner of the slot can end it if this process is killed. */
  remember(identity: ProcessIdentity | undefined): void {
    if (identity === undefined) return;
    // overwrites the old note, which has the same length: ext4 would flush a truncated file to the disk
    const note = JSON.stringify(identity).padEnd(NOTE_BYTES);
    const file = openSync(path.join(this.directory, PROCESS_FILE), constants.O_WRONLY | constants.O_CREAT);
    try {
      writeSync(file, note);
    } finally {
      closeSync(file);
    }
  }

  /** Sets the mark from which `difference` compares. Call it before a run. */
  begin(tree: SlotTree): void {
    this.#mark = setMark(path.join(this.directory, MARK_FILE), tree.clean);
  }

  /**
   * Ends processes that a run has left behind.
   * @param leader id of its first process, if known. After a short run only processes with larger ids are
   *   examined.
   * @param tookMs wall time of the run.
   */
  async endLeftovers(leader: number | undefined, tookMs: number): Promise<void> {
    await endProcessesOf(this.directory, tookMs < SHORT_RUN_MS ? leader : undefined);
  }

  /** Returns what has changed in a tree since `begin`; paths are relative to its mirror. */
  async difference(tree: SlotTree): Promise<Difference> {
    return await changesSince(this.#mark!, tree.mirror, tree.clean);
  }

  /**
   * Returns whether another process is removing the slot's files, so that missing files are not the fault of
   * the run.
   * @param tree the tree of the run; undefined while it is being created.
   */
  async isBeingRemoved(tree?: SlotTree): Promise<boolean> {
    return await isBeingRemoved(() => this.isGone(tree));
  }

  /** Returns whether another process has removed a tree, or the slot. */
  isGone(tree?: SlotTree): boolean {
    const isMissing = !existsSync(path.join(this.directory, TAKEN_FILE));
    return isMissing || (tree !== undefined && !existsSync(tree.mirror));
  }

  /**
   * Checks the files that all trees share, and drops what has changed: any run on this machine may have
   * written them, and any may have read them.
   * @returns what has changed, as the beginning of a sentence; undefined if nothing has.
   */
  async changedShared(tree: SlotTree, difference: Difference): Promise<string | undefined> {
    const stores = { builds: this.#builds, dependencies: this.#dependencies };
    return (
      (await dropChangedDependencies(tree, stores)) ?? (await dropChangedBinaries(tree, difference, stores))
    );
  }

  /**
   * Restores a tree to its state before the run, or discards it if that is impossible.
   * @param moved collected files, which are no longer in the tree.
   */
  async clean(tree: SlotTree, difference: Difference, moved: readonly string[]): Promise<void> {
    try {
      removeSurplus(tree, difference, moved);
      for (const directory of difference.missing)
        mkdirSync(path.join(tree.mirror, directory), { recursive: true });
      await this.#restore(tree, difference.damaged);
    } catch {
      await this.discard(tree);
    }
  }

  async #restore(tree: SlotTree, damaged: readonly string[]): Promise<void> {
    if (damaged.length === 0) return;
    const prefix = `${tree.top}/`;
    if (!damaged.every((file) => file.startsWith(prefix))) return await this.discard(tree);
    const files = damaged.map((file) => file.slice(prefix.length));
    const products = builtFiles(tree);
    const tracked = files.filter((file) => !products.has(file));
    if (tracked.length > 0) {
      const gitDirectory = await this.#repositories.open(tree.source);
      await restore({ gitDirectory, commit: tree.source.commit }, tree.root, tracked);
    }
    if (tracked.length < damaged.length) {
      const how = { copies: tree.isPrivate };
      await this.#dependencies.provide(dependenciesOf(tree), tree.root, undefined, how);
      await this.#builds.linkInto(tree.buildKey, tree.manifest, tree.root, how);
    }
    for (const file of damaged) tree.clean.files.set(file, stampOf(path.join(tree.mirror, file)));
  }

  /** Removes a tree that cannot be used any more. The next run gets a new one. */
  async discard(tree: SlotTree): Promise<void> {
    this.#trees = this.#trees.filter((known) => known !== tree);
    await removeTree(path.dirname(tree.mirror));
  }
}

/** Creates links to the shared trees that a slot's tree uses, from which `Dependencies` finds out which are unused. */
async function markUses(place: string, dependencies: readonly ProvidedDependency[]): Promise<void> {
  const tops = new Set(dependencies.filter(({ shared }) => shared !== undefined).map(({ top }) => top));
  for (const [at, top] of [...tops].entries()) await symlink(top, path.join(place, `uses-${at}`));
}

/** Returns the worker's directory, which contains the slots. */
function workerOf(slot: string): string {
  return path.dirname(path.dirname(slot));
}

/** Removes a directory, or renames it if that fails, so that the slot can be used. */
async function clear(directory: string): Promise<void> {
  try {
    await removeTree(directory);
  } catch (error) {
    await rename(directory, temporaryName(directory)).catch(() => {
      throw error;
    });
  }
}

/** Kills the simulation that an earlier owner of the slot has recorded. */
async function endLeftover(file: string): Promise<void> {
  const identity = await readJson(file, ProcessIdentitySchema).catch((error: unknown) => {
    if (error instanceof UserError) return undefined; // the note is damaged
    throw error;
  });
  if (identity === undefined || !isAlive(identity)) return;
  signalGroup(identity.pid, "SIGKILL");
  // a process that waits for a broken disk does not end
  await poll(() => !isAlive(identity), { everyMs: KILL_POLL_MS, timeoutMs: KILL_TIMEOUT_MS });
}
