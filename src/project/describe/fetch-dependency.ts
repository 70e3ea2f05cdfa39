import { createHash } from "node:crypto";
import { mkdir, realpath, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { RepositoryUrlSchema, VersionSchema } from "../../model/git-names.ts";
import { ProjectNameSchema } from "../../model/places.ts";
import { makeFolders, removeLeftovers, statIfThere, temporaryName } from "../../system/files.ts";
import { acquireLock } from "../../system/lock.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { VersionCheckout } from "../git/commands/remotes.ts";

const LOCK_TIMEOUT_MS = 30 * 60_000;

const RemoteSchema = v.object({ name: ProjectNameSchema, url: RepositoryUrlSchema, version: VersionSchema });

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
export interface FetchOptions {
  say?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * A checkout of a project at one version, which all studies of this user share; fetched where it is not here,
 * which may take minutes and is told.
 * @returns its top level.
 * @throws {UserError} where it cannot be fetched, or the version is a branch.
 */
export async function fetchDependency(
  remote: RemoteProject,
  { say, signal }: FetchOptions = {},
): Promise<string> {
  refuseInvalid(remote);
  const { name, url, version } = remote;
  const parent = path.join(cacheDirectory(), "dependencies", shortHash(`${url} ${version}`));
  const place = path.join(parent, name);
  await makeFolders(parent, 0o700);
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
      hint: "check the URL, your access to the repository, and that the version is one of its tags or commits",
    });
  await mkdir(place);
  const checkout = new VersionCheckout({ cwd: place, signal, explain });
  await checkout.initialise(url);
  refuseBranch(remote, await checkout.branchHead(version));
  await checkout.checkOut(version);
  if (await statIfThere(path.join(place, ".gitmodules"))) await checkout.fetchSubmodules();
}

/** What is no name, address or version must not become a path, an option or a command. */
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

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
