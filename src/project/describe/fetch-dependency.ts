import { mkdir, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import { RepositoryUrlSchema, VersionSchema } from "../../model/git-names.ts";
import { ProjectNameSchema } from "../../model/places.ts";
import { makeFolders, removeLeftovers, lstatIfExists, temporaryName } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { VersionCheckout } from "../git/commands/remotes.ts";

const LOCK_TIMEOUT_MS = 30 * 60_000;

const RemoteSchema = v.object({ name: ProjectNameSchema, url: RepositoryUrlSchema, version: VersionSchema });

export interface RemoteProject {
  /** Name of the project and of its folder. */
  name: string;
  url: string;
  /** A tag or a commit; not a branch, which changes over time. */
  version: string;
  /** The file that contains this information. */
  statedIn: string;
}

/** How the user is informed while a project is fetched, and how the wait can be aborted. */
export interface FetchOptions {
  say?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Returns the top level of a checkout of a project at one version, which all studies of the user share. If it
 * does not exist yet, it is fetched, which may take minutes and is reported.
 * @throws {UserError} if it cannot be fetched, or the version is a branch.
 */
export async function fetchDependency(
  remote: RemoteProject,
  { say, signal }: FetchOptions = {},
): Promise<string> {
  refuseInvalid(remote);
  const { name, url, version } = remote;
  const parent = path.join(cacheDirectory(), "dependencies", shortHash(`${url} ${version}`, 16));
  const place = path.join(parent, name);
  await makeFolders(parent, 0o700);
  await using _ = await acquireLock(`${parent}.lock`, { timeoutMs: LOCK_TIMEOUT_MS, signal });
  if (await lstatIfExists(place)) return await realpath(place);
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
      hint: "check the URL, your access to the repository, and that the version is one of its tags or commits",
    });
  await mkdir(place);
  const checkout = new VersionCheckout({ cwd: place, signal, explain });
  await checkout.initialise(url);
  refuseBranch(remote, await checkout.branchHead(version));
  await checkout.checkOut(version);
  if (await lstatIfExists(path.join(place, ".gitmodules"))) await checkout.fetchSubmodules();
}

/** Rejects invalid names, addresses and versions, which could become paths, options or commands. */
function refuseInvalid({ statedIn, ...values }: RemoteProject): void {
  const result = v.safeParse(RemoteSchema, values);
  if (result.success) return;
  const [issue] = result.issues;
  const field = v.getDotPath(issue) as keyof typeof values;
  throw new UserError(
    `${statedIn}: the ${field} ${JSON.stringify(values[field])} is not valid: ${issue.message}`,
  );
}

/** @param head the commit of the branch that has the version's name. */
function refuseBranch({ statedIn, url, version }: RemoteProject, head: string | undefined): void {
  if (head === undefined) return;
  throw new UserError(`${statedIn} needs ${url} at ${version}, which is a branch`, {
    hint: `a branch moves, so results would change with it; give a tag, or the branch's current commit: ${head}`,
  });
}
