import { createHash } from "node:crypto";
import { mkdir, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { removeLeftovers, statIfThere, temporaryName } from "../system/files.ts";
import { acquireLock } from "../system/lock.ts";
import { cacheDirectory } from "../system/paths.ts";
import { git, tryGit } from "./plumbing.ts";

const LOCK_TIMEOUT_MS = 30 * 60_000;

export interface RemoteProject {
  /** Of the folder that it gets. */
  name: string;
  url: string;
  /** A tag or a commit: a branch would be another project tomorrow. */
  version: string;
  /** The file that names them. */
  statedIn: string;
}

/** What is done while the user waits, and how long he does. */
export interface Telling {
  say?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * A checkout of a project at one version, which all studies of this user share; fetched where it is not here,
 * which may take minutes and is told.
 * @returns its top level.
 * @throws {UserError} where it cannot be fetched, or the version is a branch.
 */
export async function fetchDependency(remote: RemoteProject, { say, signal }: Telling = {}): Promise<string> {
  const { name, url, version } = remote;
  const parent = path.join(cacheDirectory(), "dependencies", shortHash(`${url} ${version}`));
  const place = path.join(parent, name);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await using _ = await acquireLock(`${parent}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
  if (await statIfThere(place)) return await realpath(place);
  await removeLeftovers(parent);
  say?.(`fetching ${url} at ${version}`);
  const partial = temporaryName(place);
  try {
    await clone(remote, partial, signal);
    await rename(partial, place);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return await realpath(place);
}

async function clone(remote: RemoteProject, place: string, signal?: AbortSignal): Promise<void> {
  const { url, version } = remote;
  const explain = (reason: string): UserError =>
    new UserError(`${remote.statedIn} needs ${url} at ${version}, which cannot be fetched: ${reason}`, {
      hint: "is that a repository that you may read, and a tag or commit of it?",
    });
  await mkdir(place);
  const run = (...args: string[]) => git(args, { cwd: place, signal, explain });
  await run("init", "--quiet", "--template=", ".");
  await run("remote", "add", "origin", url);
  refuseBranch(remote, await run("ls-remote", "origin", `refs/heads/${version}`));
  const fetch = ["fetch", "--quiet", "--no-tags"];
  const one = await tryGit([...fetch, "--depth=1", "origin", version], { cwd: place, signal });
  if (one.exitCode === 0) await run("checkout", "--quiet", "--detach", "FETCH_HEAD");
  else {
    // a server that does not give single commits away, or a shortened hash
    await run(...fetch, "origin", "+refs/*:refs/remotes/origin/*");
    await run("checkout", "--quiet", "--detach", version);
  }
  if (await statIfThere(path.join(place, ".gitmodules")))
    await run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1");
}

function refuseBranch({ statedIn, url, version }: RemoteProject, answer: string): void {
  if (answer.trim() === "") return;
  throw new UserError(`${statedIn} needs ${url} at ${version}, which is a branch`, {
    hint: `a branch moves, and the results with it; name a tag, or the commit where it is now: ${answer.slice(0, 40)}`,
  });
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
