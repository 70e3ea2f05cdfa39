import { isPublicUrl } from "../../model/git-names.ts";
import type { GitOptions } from "./commands/ask.ts";
import { remoteNames, remoteUrl } from "./commands/configuration.ts";
import { publicHeads } from "./commands/remotes.ts";
import { commitsAmong, nearestCommit } from "./commands/revisions.ts";
import type { Checkout } from "./git.ts";
import { makeScratch, readingEnvironment } from "./scratch.ts";

/** A commit that everybody can fetch. */
export interface PublicCommit {
  url: string;
  commit: string;
}

const ANSWER_TIMEOUT_MS = 15_000;

/**
 * Returns the nearest public commit: the given one or an ancestor that a remote
 * serves to everybody, because workers have none of the user's keys and
 * passwords. Undefined if there is no such remote, or it does not answer in time.
 */
export async function nearestPublicCommit(
  checkout: Checkout,
  commit: string,
  signal: AbortSignal,
): Promise<PublicCommit | undefined> {
  if (checkout.env !== undefined) return undefined; // its git directory is in our cache and has no remote
  const { top: cwd } = checkout;
  await using own = await makeScratch(checkout, commit);
  const env = readingEnvironment(own.scratch, [checkout.objectDirectory]);
  const reading = { cwd: own.scratch, env, signal };
  const names = await remoteNames({ cwd, signal });
  const first = (name: string): number => ["origin", "upstream"].indexOf(name) >>> 0;
  for (const name of names.sort((a, b) => first(a) - first(b))) {
    const url = publicUrl((await remoteUrl(name, { cwd, signal })) ?? "");
    if (url === undefined) continue;
    const publicCommits = await knownHeads(url, reading);
    const nearest =
      publicCommits.length === 0 ? undefined : await nearestCommit(commit, publicCommits, reading);
    if (nearest !== undefined) return { url, commit: nearest };
  }
  return undefined;
}

/**
 * Returns the address at which a remote can be read without an account; undefined if there is none. For an
 * ssh address, it is the same path by https, which all large hosts serve.
 * @see git-fetch(1), "GIT URLS".
 */
export function publicUrl(remote: string): string | undefined {
  const url = withoutAccount(remote);
  return url !== undefined && isPublicUrl(url) ? url : undefined;
}

function withoutAccount(remote: string): string | undefined {
  const url = /^(https?|git|ssh):\/\/(?:[^/@]*@)?([^/]+)\/(.+)$/.exec(remote);
  if (url) {
    const [, scheme, host, repository] = url as unknown as [string, string, string, string];
    return scheme === "ssh"
      ? `https://${host.replace(/:\d+$/, "")}/${repository}`
      : `${scheme}://${host}/${repository}`;
  }
  const [, host, repository] = /^(?:[^/@]+@)?([^/:]+\.[^/:]+):(?!\/\/)\/?(.+)$/.exec(remote) ?? [];
  return host === undefined ? undefined : `https://${host}/${repository!}`;
}

/** Options of git commands that read the checkout's objects, without fetching missing ones. */
type Reading = GitOptions & { signal: AbortSignal };

/** Returns the commits that the remote's branches and tags point to and that exist in the checkout. */
async function knownHeads(url: string, reading: Reading): Promise<string[]> {
  const limit = AbortSignal.any([reading.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    return await commitsAmong(await publicHeads(url, limit), reading);
  } catch (error) {
    if (reading.signal.aborted) throw error;
    return []; // the remote did not answer in time
  }
}
