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
 * The nearest commit, the given one or one before it, that a remote gives to everybody: a worker has none of
 * the user's keys and passwords. Undefined where there is no such remote, or it does not answer in time.
 */
export async function nearestPublicCommit(
  checkout: Checkout,
  commit: string,
  signal: AbortSignal,
): Promise<PublicCommit | undefined> {
  if (checkout.env !== undefined) return undefined; // it is in our cache, without a remote
  const { top: cwd } = checkout;
  await using own = await makeScratch(checkout, commit);
  const env = readingEnvironment(own.scratch, [checkout.objectDirectory]);
  const reading = { cwd: own.scratch, env, signal };
  const names = await remoteNames({ cwd, signal });
  const first = (name: string): number => ["origin", "upstream"].indexOf(name) >>> 0;
  for (const name of names.sort((a, b) => first(a) - first(b))) {
    const url = publicUrl((await remoteUrl(name, { cwd, signal })) ?? "");
    if (url === undefined) continue;
    const heads = await knownHeads(url, reading);
    const nearest = heads.length === 0 ? undefined : await nearestCommit(commit, heads, reading);
    if (nearest !== undefined) return { url, commit: nearest };
  }
  return undefined;
}

/**
 * The address under which a remote can be read without a name, or undefined where there is none. Of an ssh
 * address that is the same path by https, which all the large hosts serve.
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

/** How the objects of the checkout are read: nothing is fetched that is not there. */
type Reading = GitOptions & { signal: AbortSignal };

/** What the remote's branches and tags point to, as far as it is here too. */
async function knownHeads(url: string, reading: Reading): Promise<string[]> {
  const limit = AbortSignal.any([reading.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  try {
    return await commitsAmong(await publicHeads(url, limit), reading);
  } catch (error) {
    if (reading.signal.aborted) throw error;
    return []; // it took too long
  }
}
