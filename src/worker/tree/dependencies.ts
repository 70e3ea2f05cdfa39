import { mkdir, readdir, readlink, rename, symlink } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import type { BuildManifest, Dependency } from "../../model/build.ts";
import { checkOut } from "../../project/git/checkout.ts";
import { withoutVersion } from "../../project/describe/needs.ts";
import { MissingBuild, type BuildStore, type LinkOptions } from "../../stores/build-store.ts";
import { cachedFolders, markUsed, removeFolder } from "../../system/cache.ts";
import { removeLeftovers, lstatIfExists, temporaryName } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { removeTree } from "../../system/remove-tree.ts";
import type { Repositories } from "./repositories.ts";
import { changesIn, isReplaced, MARK, noteComplete, sharedTreeIn, type SharedTree } from "./shared-tree.ts";

/** A needed project on this machine, with its binaries. */
export interface ProvidedDependency {
  dependency: Dependency;
  /** Absolute path of the git top level of its tree: the same for all trees that need it, unless it is private. */
  top: string;
  /** The path of the same folder beside, or inside, the checkout that needs it. */
  seenAs: string;
  manifest: BuildManifest;
  /** The tree of the project if slots and builders share it. */
  shared?: SharedTree | undefined;
}

const LOCK_TIMEOUT_MS = 30 * 60_000;
/** Minimum age of a tree that is removed as unused: a new tree has no links yet. */
const UNUSED_AGE_MS = 10 * 60_000;

/** Folders of a worker's directory that contain links to dependencies, and at which depth. */
const USERS: [folder: string, depth: number][] = [
  ["slots", 2],
  ["builder", 1],
];

/**
 * The trees of needed projects. Builder and runners of a machine share them, so nothing may be written into a
 * tree after it was created. A tree appears under its name only when it is complete.
 */
export class Dependencies {
  /** The worker's directory. */
  readonly #worker: string;
  readonly #directory: string;
  readonly #builds: BuildStore;
  readonly #repositories: Repositories;

  constructor(workerDirectory: string, builds: BuildStore, repositories: Repositories) {
    this.#worker = workerDirectory;
    this.#directory = path.join(workerDirectory, "dependencies");
    this.#builds = builds;
    this.#repositories = repositories;
  }

  /**
   * Provides a checkout with the projects that it needs: links the binaries of projects inside it, and
   * creates links beside it to projects with their own checkouts, so that paths such as `../inet/src` work as
   * on the client.
   * @param root the checkout's top level.
   * @param how with `copies`, creates private trees beside the checkout instead of links to shared ones.
   * @throws {MissingBuild} if a build of a needed project is not stored.
   * @throws {UserError} if two checkouts have the same name.
   */
  async provide(
    dependencies: readonly Dependency[],
    root: string,
    signal?: AbortSignal,
    how?: LinkOptions,
  ): Promise<ProvidedDependency[]> {
    const found = await Promise.all(dependencies.map((each) => this.#find(each)));
    const provided: ProvidedDependency[] = [];
    for (const each of found) {
      const { dependency, manifest } = each;
      if (dependency.source === undefined) {
        await this.#builds.linkInto(dependency.buildKey, manifest, root, how);
        provided.push({ ...each, top: root, seenAs: root });
        continue;
      }
      const sharing = found.filter((other) => isSameCheckout(other.dependency, dependency));
      const seenAs = path.join(path.dirname(root), dependency.checkoutName);
      const tree = how?.copies === true ? undefined : await this.#tree(sharing, signal);
      if (tree === undefined && (seenAs === root || provided.some(isOtherAt(seenAs, dependency))))
        throw sameName(seenAs, dependency.name);
      const top = tree === undefined ? seenAs : path.join(tree.folder, dependency.checkoutName);
      if (tree !== undefined) await link(top, seenAs, dependency.name);
      else if (!provided.some((other) => other.top === top)) await this.#createPrivate(sharing, seenAs, how);
      await linkIfFree(top, path.join(path.dirname(root), withoutVersion(dependency.name)));
      provided.push({ ...each, top, seenAs, shared: tree });
    }
    return provided;
  }

  async #find(dependency: Dependency): Promise<Found> {
    const manifest = await this.#builds.find(dependency.buildKey);
    if (manifest !== undefined) return { dependency, manifest };
    throw new MissingBuild(dependency.buildKey, { project: dependency.name });
  }

  /**
   * Removes a tree that was changed, so that it is created again when needed. Does nothing if that has
   * happened already.
   */
  async drop(tree: SharedTree): Promise<void> {
    await using _ = await acquireLock(`${tree.folder}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
    if (!isReplaced(tree)) await removeFolder(tree.folder);
  }

  /** Returns the tree of projects in the same checkout. Creates it if it does not exist or was changed. */
  async #tree(sharing: readonly Found[], signal?: AbortSignal): Promise<SharedTree> {
    const { tree, checkoutName } = sharing[0]!.dependency;
    const keys = sharing.map(({ dependency }) => dependency.buildKey).sort();
    const place = path.join(this.#directory, shortHash([tree, checkoutName, ...keys].join(" "), 16));
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await using _ = await acquireLock(`${place}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    const existing = (await markUsed(path.join(place, MARK))) ? sharedTreeIn(place) : undefined;
    if (existing !== undefined && (await changesIn(existing, productsOf(sharing))).length === 0)
      return existing;
    await removeFolder(place);
    await this.#removeUnused();
    await this.#create(sharing, place, signal);
    return sharedTreeIn(place)!;
  }

  async #create(sharing: readonly Found[], place: string, signal?: AbortSignal): Promise<void> {
    const partial = temporaryName(place);
    try {
      await this.#fill(sharing, path.join(partial, sharing[0]!.dependency.checkoutName), { signal });
      await noteComplete(partial);
      await rename(partial, place);
    } catch (error) {
      await removeTree(partial);
      throw error;
    }
  }

  /** Creates a tree for one slot, so that every change in it is that of the slot's run. An existing tree remains. */
  async #createPrivate(sharing: readonly Found[], tree: string, how?: LinkOptions): Promise<void> {
    if ((await lstatIfExists(tree))?.isDirectory() !== true) await this.#fill(sharing, tree, how);
  }

  async #fill(sharing: readonly Found[], tree: string, how: LinkOptions = {}): Promise<void> {
    const { source } = sharing[0]!.dependency;
    const gitDirectory = await this.#repositories.open(source!, how.signal);
    await checkOut({ gitDirectory, commit: source!.commit }, tree, how.signal);
    for (const { dependency, manifest } of sharing)
      await this.#builds.linkInto(dependency.buildKey, manifest, tree, how);
  }

  /** Removes trees to which no slot and no build has a link. */
  async #removeUnused(): Promise<void> {
    await removeLeftovers(this.#directory);
    const used = new Set<string>();
    for (const [folder, depth] of USERS) {
      for (const target of await linksIn(path.join(this.#worker, folder), depth))
        used.add(path.dirname(target));
    }
    for (const tree of await cachedFolders(this.#directory, MARK)) {
      if (!used.has(tree.folder) && Date.now() - tree.usedAtMs > UNUSED_AGE_MS) await tree.remove();
    }
  }
}

interface Found {
  dependency: Dependency;
  manifest: BuildManifest;
}

/** Returns the binaries in a shared tree, relative to its folder. */
export function productsOf(
  sharing: readonly Pick<ProvidedDependency, "dependency" | "manifest">[],
): Set<string> {
  return new Set(
    sharing.flatMap(({ dependency: { checkoutName }, manifest }) =>
      manifest.products.map((file) => path.join(checkoutName, file)),
    ),
  );
}

function isSameCheckout(one: Dependency, other: Dependency): boolean {
  if (one.source === undefined || other.source === undefined) return false;
  return one.checkoutName === other.checkoutName && one.tree === other.tree;
}

async function link(target: string, place: string, name: string): Promise<void> {
  const present = await readlink(place).catch(() => undefined);
  if (present === target) return;
  if (present === undefined && !(await lstatIfExists(place))) return await symlink(target, place);
  throw sameName(place, name);
}

function sameName(place: string, name: string): UserError {
  return new UserError(`two checkouts are named ${path.basename(place)}, one of them that of ${name}`, {
    hint: "rename one of the folders",
  });
}

/** Returns a test whether a project belongs to another checkout with the same path. */
function isOtherAt(place: string, dependency: Dependency): (other: ProvidedDependency) => boolean {
  return (other) => other.seenAs === place && !isSameCheckout(other.dependency, dependency);
}

/** Creates a link unless the place is taken: scripts refer to `../inet` whatever its version is. */
async function linkIfFree(target: string, place: string): Promise<void> {
  if (!(await lstatIfExists(place))) await symlink(target, place);
}

/** Returns the targets of all symbolic links below a folder, down to a depth. */
async function linksIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const place = path.join(folder, entry.name);
      if (entry.isSymbolicLink())
        return await readlink(place).then(
          (target) => [target],
          () => [],
        );
      return entry.isDirectory() && depth > 0 ? await linksIn(place, depth - 1) : [];
    }),
  );
  return found.flat();
}
