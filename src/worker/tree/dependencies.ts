import { createHash } from "node:crypto";
import { mkdir, readdir, readlink, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { BuildManifest, Dependency } from "../../model/build.ts";
import { checkOut } from "../../project/git/checkout.ts";
import { withoutVersion } from "../../project/describe/needs.ts";
import { MissingBuild, type BuildStore, type LinkOptions } from "../../stores/build-store.ts";
import { cachedFolders, markUsed } from "../../system/cache.ts";
import { removeLeftovers, statIfThere, temporaryName } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { removeTree } from "../../system/remove-tree.ts";
import type { Repositories } from "./repositories.ts";

/** A dependency as it lies on this machine, with its binaries. */
export interface ProvidedDependency {
  dependency: Dependency;
  /** Git top level of its tree, absolute: the same for all that need it. */
  top: string;
  /** The same by a name beside, or within, the checkout that needs it. */
  seenAs: string;
  manifest: BuildManifest;
}

const LOCK_TIMEOUT_MS = 30 * 60_000;
/** From making a tree to linking it there may be a moment in which nothing leads to it. */
const UNUSED_AGE_MS = 10 * 60_000;

/** A file in the folder of each tree whose time tells when it was last asked for. */
const MARK = "used";

/** Folders of a worker's directory in which links to dependencies lie, and how deep. */
const USERS: [folder: string, depth: number][] = [
  ["slots", 2],
  ["builder", 1],
];

/**
 * The trees of the projects that others need. Builder and runners of a machine share them: nothing is written
 * there but when they are made. A tree is there whole or not at all.
 */
export class Dependencies {
  /** Of the worker. */
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
   * Sees to it that a checkout has what it needs: binaries of the projects that lie within it, and links beside
   * it to those that have checkouts of their own, so that paths such as `../inet/src` lead where they do at the user's.
   * @param root the checkout's top level.
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
      const shared = found.filter((other) => isSameCheckout(other.dependency, dependency));
      const top = await this.#tree(shared, signal);
      const seenAs = path.join(path.dirname(root), dependency.checkoutName);
      await link(top, seenAs, dependency.name);
      await linkIfFree(top, path.join(path.dirname(root), withoutVersion(dependency.name)));
      provided.push({ ...each, top, seenAs });
    }
    return provided;
  }

  async #find(dependency: Dependency): Promise<Found> {
    const manifest = await this.#builds.find(dependency.buildKey);
    if (manifest !== undefined) return { dependency, manifest };
    throw new MissingBuild(dependency.buildKey, { project: dependency.name });
  }

  /** One tree for all the projects that lie in one checkout. */
  async #tree(shared: readonly Found[], signal?: AbortSignal): Promise<string> {
    const { tree, checkoutName } = shared[0]!.dependency;
    const keys = shared.map(({ dependency }) => dependency.buildKey).sort();
    const place = path.join(this.#directory, shortHash([tree, checkoutName, ...keys].join(" ")));
    const top = path.join(place, checkoutName);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await using _ = await acquireLock(`${place}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    if (!(await markUsed(path.join(place, MARK)))) {
      await this.#removeUnused();
      await this.#make(shared, place, signal);
    }
    return top;
  }

  async #make(shared: readonly Found[], place: string, signal?: AbortSignal): Promise<void> {
    const { source, checkoutName } = shared[0]!.dependency;
    const partial = temporaryName(place);
    try {
      const tree = path.join(partial, checkoutName);
      const gitDirectory = await this.#repositories.open(source!, signal);
      await checkOut({ gitDirectory, commit: source!.commit }, tree, signal);
      for (const { dependency, manifest } of shared)
        await this.#builds.linkInto(dependency.buildKey, manifest, tree);
      await writeFile(path.join(partial, MARK), "");
      await rename(partial, place);
    } catch (error) {
      await removeTree(partial);
      throw error;
    }
  }

  /** Trees to which no slot and no build links any more. */
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

function isSameCheckout(one: Dependency, other: Dependency): boolean {
  if (one.source === undefined || other.source === undefined) return false;
  return one.checkoutName === other.checkoutName && one.tree === other.tree;
}

async function link(target: string, place: string, name: string): Promise<void> {
  const present = await readlink(place).catch(() => undefined);
  if (present === target) return;
  if (present === undefined && !(await statIfThere(place))) return await symlink(target, place);
  throw new UserError(`two checkouts are named ${path.basename(place)}, one of them that of ${name}`, {
    hint: "rename one of the folders",
  });
}

/** Scripts look for `../inet`, whichever version it is that lies there. */
async function linkIfFree(target: string, place: string): Promise<void> {
  if (!(await statIfThere(place))) await symlink(target, place);
}

/** Where the symbolic links lead that lie so deep below a folder. */
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

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
