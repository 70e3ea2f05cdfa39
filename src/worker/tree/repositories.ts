import { createHash } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { Source } from "../../model/build.ts";
import { sourceName } from "../../model/build.ts";
import { unpack } from "../../project/git/commands/packs.ts";
import * as remotes from "../../project/git/commands/remotes.ts";
import { hasObject, isConnected } from "../../project/git/commands/revisions.ts";
import { objectsOf } from "../../project/git/git.ts";
import { damagedSource, MissingSource, type SourceStore } from "../../stores/source-store.ts";
import { cachedFolders, markUsed, type Cached } from "../../system/cache.ts";
import { acquireLock } from "../../system/lock.ts";
import { removeTree } from "../../system/remove-tree.ts";

/** A file that a repository always has; its time says when it was used last. */
const HEAD = "HEAD";
const LOCK_TIMEOUT_MS = 30 * 60_000;

/**
 * The repositories that a worker takes its trees from: the user's own where it is on this machine and has the
 * commit, else a bare one of ours for each place that sources come from.
 */
export class Repositories {
  readonly #directory: string;
  readonly #store: SourceStore;
  /** What has been opened by this process, by source. */
  readonly #opened = new Map<string, Promise<string>>();

  constructor(directory: string, store: SourceStore) {
    this.#directory = directory;
    this.#store = store;
  }

  /**
   * The git directory that has the source's commit; what is missing is fetched and unpacked.
   * @throws {UserError} where a repository cannot be read, or a pack is missing or damaged.
   */
  async open(source: Source, signal?: AbortSignal): Promise<string> {
    const repository = this.#placeOf(source);
    if (repository === undefined) return source.url!;
    const name = `${sourceName(source)} ${source.commit}`;
    const known = await this.#opened.get(name)?.catch(() => undefined); // what ended another call need not end this one
    if (known !== undefined && (await markUsed(path.join(known, HEAD)))) return known;
    const opening = this.#complete(source, repository, signal);
    this.#opened.set(name, opening);
    opening.catch(() => this.#opened.delete(name)); // the next one tries again
    return await opening;
  }

  /** Removes the repository that a source is taken from if it is ours and objects are missing or damaged in it. */
  async repair(source: Source, signal?: AbortSignal): Promise<void> {
    const repository = this.#placeOf(source);
    if (repository === undefined) return;
    await using _ = await acquireLock(`${repository}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    const isWhole = await isConnected(source.commit, { cwd: repository }).catch(() => false);
    if (!isWhole) await removeTree(repository);
  }

  /** Where ours is for a source; undefined where the user's own repository has it. */
  #placeOf({ url, commit, packs = [] }: Source): string | undefined {
    if (packs.length === 0 && url !== undefined && path.isAbsolute(url)) return undefined;
    return path.join(this.#directory, `${shortHash(url ?? packs[0] ?? commit)}.git`);
  }

  /** All of them: they can be fetched, or put together from what was sent, once more. */
  async cached(): Promise<Cached[]> {
    const all = await cachedFolders(this.#directory, HEAD);
    return all.map((each) => ({ ...each, remove: () => removeUnlocked(each) }));
  }

  async #complete(source: Source, repository: string, signal?: AbortSignal): Promise<string> {
    const { url, commit, base = commit, packs = [] } = source;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await using _ = await acquireLock(`${repository}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
    await initialise(repository, source, signal);
    if (await hasCommit(repository, commit)) return repository;
    if (url !== undefined && !path.isAbsolute(url) && !(await hasCommit(repository, base)))
      await fetchCommit(repository, url, base, signal);
    const there = packs.length > 1 && (await hasCommit(repository, base)); // the packs before the last one
    for (const pack of there ? packs.slice(-1) : packs) await this.#unpack(repository, pack, signal);
    if (await hasCommit(repository, commit)) return repository;
    throw new UserError(`the commit ${commit.slice(0, 12)} is missing from what was sent`, {
      hint: "run the command again",
    });
  }

  /** Objects that the pack builds on may be missing: git says so, as it does of a pack that is damaged. */
  async #unpack(repository: string, tree: string, signal?: AbortSignal): Promise<void> {
    await using pack = await this.#store.open(tree);
    if (pack === undefined) throw new MissingSource(tree);
    await using handle = await open(pack.path);
    const damage = await unpack(handle.fd, { cwd: repository, signal });
    if (damage === undefined) return;
    await this.#store.remove(tree);
    throw damagedSource(tree, damage);
  }
}

/** One that is being completed stays. */
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

/** A server that does not give single commits away gives all its branches. */
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
  throw new UserError(`the commit ${commit.slice(0, 12)} cannot be fetched from ${url}: ${all || one}`);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
