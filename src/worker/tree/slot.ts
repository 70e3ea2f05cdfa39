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

/** Enough for two campaigns that take turns; one, where there is little room. */
const TREES_PER_SLOT = 2;
const KILL_TIMEOUT_MS = 5000;
const KILL_POLL_MS = 5;
const MARK_FILE = "begun";
const PROCESS_FILE = "simulation.json";
/** Lies in a slot as long as nobody removes its files from outside: no run can take it for its own. */
const TAKEN_FILE = "taken";
/** In this time the system does not use up its process ids, so those of a run are larger than that of its first process. */
const SHORT_RUN_MS = 10_000;
/** Whoever empties a folder takes some time for it. */
const EMPTYING_MS = 1000;
/** More than a process with its host takes. */
const NOTE_BYTES = 640;

/** Where the slots of the runner lie that works in a directory. */
export function slotsDirectory(directory: string): string {
  return path.join(directory, "slots");
}

/** Ends the processes that a runner or builder has left that was killed and has no successor. */
export async function endLeftoversIn(directory: string): Promise<void> {
  await endProcessesOf(directory);
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

  /** Its folder is there and empty but for what is ours. */
  #isTaken = false;

  private constructor(directory: string, builds: BuildStore, repositories: Repositories) {
    this.directory = directory;
    this.#repositories = repositories;
    this.#dependencies = new Dependencies(workerOf(directory), builds, repositories);
    this.#builds = builds;
  }

  /** @param onError told why it cannot be used yet: it is tried again with the next run. */
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
   * Ends what runs in the slot, and empties it.
   * @throws where its folder cannot be used.
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

  /** The tree for a source and a build, made where it is not there. */
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
    const tree = known ?? (await this.#make(request, signal));
    provideFolders(tree, request);
    this.#trees.push(tree);
    return tree;
  }

  async #make(request: TreeRequest, signal?: AbortSignal): Promise<SlotTree> {
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

  /**
   * Ends what a run has left running.
   * @param leader pid of its first process, where that is known; of a short run only later ones are looked at.
   */
  async endLeftovers(leader: number | undefined, tookMs: number): Promise<void> {
    await endProcessesOf(this.directory, tookMs < SHORT_RUN_MS ? leader : undefined);
  }

  /** What has changed in a tree since `begin`; paths are relative to its mirror. */
  async difference(tree: SlotTree): Promise<Difference> {
    return await changesSince(this.#mark!, tree.mirror, tree.clean);
  }

  /** Whether somebody removes the slot's files from outside, or has done so: what is missing then is not the run's doing. */
  async isBeingEmptied(tree: SlotTree): Promise<boolean> {
    const options = { everyMs: EMPTYING_MS / 20, timeoutMs: EMPTYING_MS };
    return (await poll(() => this.isGone(tree), options)) ?? false;
  }

  /** Whether somebody has removed a tree, or the slot. */
  isGone({ mirror }: SlotTree): boolean {
    return ![path.join(this.directory, TAKEN_FILE), mirror].every((place) => existsSync(place));
  }

  /**
   * What has changed of that which all trees share, as the beginning of a sentence: any run on this machine may have
   * written there, and any may have read it. It is dropped then.
   */
  async changedShared(tree: SlotTree, difference: Difference): Promise<string | undefined> {
    const stores = { builds: this.#builds, dependencies: this.#dependencies };
    return (
      (await dropChangedDependencies(tree, stores)) ?? (await dropChangedBinaries(tree, difference, stores))
    );
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

  /** A tree that could not be cleaned is made anew. */
  async discard(tree: SlotTree): Promise<void> {
    this.#trees = this.#trees.filter((known) => known !== tree);
    await removeTree(path.dirname(tree.mirror));
  }
}

/** By these links those who look for dependencies that nobody uses any more find them: `Dependencies` looks there. */
async function markUses(place: string, dependencies: readonly ProvidedDependency[]): Promise<void> {
  const tops = new Set(dependencies.filter(({ shared }) => shared !== undefined).map(({ top }) => top));
  for (const [at, top] of [...tops].entries()) await symlink(top, path.join(place, `uses-${at}`));
}

/** The worker's directory, below which its slots lie. */
function workerOf(slot: string): string {
  return path.dirname(path.dirname(slot));
}

/** What cannot be removed is moved out of the way: it must not keep the slot from being used. */
async function clear(directory: string): Promise<void> {
  try {
    await removeTree(directory);
  } catch (error) {
    await rename(directory, temporaryName(directory)).catch(() => {
      throw error;
    });
  }
}

async function endLeftover(file: string): Promise<void> {
  const identity = await readJson(file, ProcessIdentitySchema).catch((error: unknown) => {
    if (error instanceof UserError) return undefined; // damaged: it tells nothing
    throw error;
  });
  if (identity === undefined || !isAlive(identity)) return;
  signalGroup(identity.pid, "SIGKILL");
  // One that waits for a broken disk does not end.
  await poll(() => !isAlive(identity), { everyMs: KILL_POLL_MS, timeoutMs: KILL_TIMEOUT_MS });
}
