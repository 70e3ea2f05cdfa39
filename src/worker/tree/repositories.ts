import { mkdir, open, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import type { Source } from "../../model/build.ts";
import { sourceName } from "../../model/build.ts";
import { unpack } from "../../project/git/commands/packs.ts";
import * as remotes from "../../project/git/commands/remotes.ts";
import { hasObject, isConnected } from "../../project/git/commands/revisions.ts";
import { objectsOf } from "../../project/git/git.ts";
import { damagedSource, MissingSource, type SourceStore } from "../../stores/source-store.ts";
import { cachedFolders, markUsed, removeFolder, type Cached } from "../../system/cache.ts";
import { DiskFullError, isDiskFullError } from "../../system/disk.ts";
import { lstatIfExists, removeLeftovers, temporaryName } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { removeTree } from "../../system/remove-tree.ts";

/** A commit cannot be fetched from a git host, which may be out of order for a while. */
export class FetchFailed extends UserError {
  override name = "FetchFailed";
}

/** A file that every repository has; its modification time records when the repository was last used. */
const HEAD = "HEAD";
const LOCK_TIMEOUT_MS = 30 * 60_000;

/**
 * The repositories from which a worker checks out its trees: the user's own if it is on this machine and has
 * the commit, otherwise a bare repository of the worker for each origin of sources.
 */
export class Repositories {
  readonly #directory: string;
  readonly #store: SourceStore;
  /** Git directories that this process has opened, by source and commit. */
  readonly #opened = new Map<string, Promise<string>>();

  constructor(directory: string, store: SourceStore) {
    this.#directory = directory;
    this.#store = store;
  }

  /**
   * Returns a git directory that has the source's commit. Fetches and unpacks missing objects.
   * @throws {FetchFailed} if a git host does not serve it, {MissingSource} if a pack is missing or damaged, {UserError} if
   *   a repository cannot be read.
   */
  async open(source: Source, signal?: AbortSignal): Promise<string> {
    const repository = this.#placeOf(source);
    if (repository === undefined) return source.url!;
    const name = `${sourceName(source)} ${source.commit}`;
    const known = await this.#opened.get(name)?.catch(() => undefined); // another call's failure need not recur
    if (
      known !== undefined &&
      (await markUsed(path.join(known, HEAD))) &&
      (await hasCommit(known, source.commit))
    )
      return known; // otherwise it was removed, or replaced for another commit
    const opening = this.#complete(source, repository, signal);
    this.#opened.set(name, opening);
    opening.catch(() => this.#opened.delete(name)); // so that the next call tries again
    return await opening;
  }

  /** Removes the worker's repository of a source if objects in it are missing or damaged. */
  async repair(source: Source, signal?: AbortSignal): Promise<void> {
    const repository = this.#placeOf(source);
    if (repository === undefined) return;
    await using _ = await acquireLock(`${repository}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    const isWhole = await isConnected(source.commit, { cwd: repository }).catch(() => false);
    if (!isWhole) await removeTree(repository);
  }

  /** Returns the path of the worker's repository for a source; undefined if the user's own repository is used. */
  #placeOf({ url, commit, packs = [] }: Source): string | undefined {
    if (packs.length === 0 && url !== undefined && path.isAbsolute(url)) return undefined;
    return path.join(this.#directory, `${shortHash(url ?? packs[0] ?? commit, 16)}.git`);
  }

  /** Returns all repositories: each can be fetched, or unpacked from the stored packs, again. */
  async cached(): Promise<Cached[]> {
    const all = await cachedFolders(this.#directory, HEAD);
    return all.map((each) => ({ ...each, remove: () => removeUnlocked(each) }));
  }

  async #complete(source: Source, repository: string, signal?: AbortSignal): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await using _ = await acquireLock(`${repository}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    await removeLeftovers(this.#directory);
    try {
      await this.#fillOrReplace(repository, source, signal);
      return repository;
    } catch (error) {
      if (!(error instanceof UnusablePack)) throw error;
      await this.#store.remove(error.tree);
      throw damagedSource(error.tree, error.message);
    }
  }

  /** Completes a repository. If that fails, a file in it may be damaged: completes a new one, which replaces it. */
  async #fillOrReplace(repository: string, source: Source, signal?: AbortSignal): Promise<void> {
    const existed = (await lstatIfExists(repository)) !== undefined;
    try {
      return await this.#fill(repository, source, signal);
    } catch (error) {
      if (!existed || signal?.aborted || error instanceof MissingSource || isDiskFullError(error))
        throw error;
    }
    const fresh = temporaryName(repository);
    try {
      await this.#fill(fresh, source, signal);
      await removeFolder(repository);
      await rename(fresh, repository);
    } finally {
      await removeTree(fresh);
    }
  }

  /** Fetches and unpacks what a repository lacks of a source. */
  async #fill(repository: string, source: Source, signal?: AbortSignal): Promise<void> {
    const { url, commit, base = commit, packs = [] } = source;
    await initialise(repository, source, signal);
    if (await hasCommit(repository, commit)) return;
    if (url !== undefined && !path.isAbsolute(url) && !(await hasCommit(repository, base)))
      await fetchCommit(repository, url, base, signal);
    const isLastMissing = packs.length > 1 && (await hasCommit(repository, base)); // only the last pack
    const missing = isLastMissing ? packs.slice(-1) : packs;
    for (const pack of missing) await this.#unpack(repository, pack, signal);
    if (await hasCommit(repository, commit)) return;
    throw new UserError(`the commit ${commit.slice(0, 12)} is missing from what was sent`, {
      hint: "run the command again",
    });
  }

  /** Unpacks a pack. git reports if the pack is damaged or if objects that it is based on are missing. */
  async #unpack(repository: string, tree: string, signal?: AbortSignal): Promise<void> {
    await using pack = await this.#store.open(tree);
    if (pack === undefined) throw new MissingSource(tree);
    await using handle = await open(pack.path);
    const reason = await unpack(handle.fd, { cwd: repository, signal });
    if (reason === undefined) return;
    const unusable = new UnusablePack(tree, reason);
    throw isDiskFullError(unusable) ? new DiskFullError(`${repository}: ${reason}`) : unusable;
  }
}

/** git cannot unpack a pack: it is damaged, or the repository is. */
class UnusablePack extends Error {
  override name = "UnusablePack";
  readonly tree: string;

  constructor(tree: string, reason: string) {
    super(reason);
    this.tree = tree;
  }
}

/** Removes a repository unless another process is using it. */
async function removeUnlocked(repository: Cached): Promise<void> {
  try {
    await using _ = await acquireLock(`${repository.folder}.lock`, { timeoutMs: 0 });
    await repository.remove();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

async function initialise(repository: string, { url, commit }: Source, signal?: AbortSignal): Promise<void> {
  if (await markUsed(path.join(repository, HEAD))) return;
  await mkdir(repository, { recursive: true });
  await remotes.initialiseBare(commit, { cwd: repository, signal });
  if (url === undefined || !path.isAbsolute(url)) return;
  const objects = await objectsOf(url);
  await mkdir(path.join(repository, "objects/info"), { recursive: true });
  await writeFile(path.join(repository, "objects/info/alternates"), `${objects}\n`);
}

async function hasCommit(repository: string, commit: string): Promise<boolean> {
  return await hasObject(`${commit}^{tree}`, { cwd: repository });
}

/** Fetches one commit, or all branches if the server does not allow fetching single commits. */
async function fetchCommit(
  repository: string,
  url: string,
  commit: string,
  signal?: AbortSignal,
): Promise<void> {
  const options = { cwd: repository, signal };
  const one = await remotes.fetchCommit(url, commit, options);
  if (one === undefined) return;
  const all = await remotes.fetchAll(url, options);
  if (all === undefined && (await hasCommit(repository, commit))) return;
  throw new FetchFailed(`the commit ${commit.slice(0, 12)} cannot be fetched from ${url}: ${all || one}`);
}
