import { isPublicUrl } from "../../model/git-names.ts";
import type { Checkout } from "./git.ts";
import { fetchingBy, git, PUBLIC_PROTOCOLS, tryGit, type GitOptions } from "./plumbing.ts";
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
  const names = (await git(["remote"], { cwd, signal })).split("\n").filter((name) => name !== "");
  const first = (name: string): number => ["origin", "upstream"].indexOf(name) >>> 0;
  for (const name of names.sort((a, b) => first(a) - first(b))) {
    const answer = await tryGit(["remote", "get-url", "--", name], { cwd, signal });
    const url = publicUrl(answer.stdout.replace(/\n$/, ""));
    if (answer.exitCode !== 0 || url === undefined) continue;
    const publicCommits = await publicHeads(url, reading);
    const nearest = publicCommits.length === 0 ? undefined : await nearestOf(commit, publicCommits, reading);
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

/**
 * Environment without any of the user's configuration, as
 * on a worker: no passwords, keys or replaced addresses.
 * @see git-config(1) url.<base>.insteadOf, http.extraHeader; curl reads ~/.netrc.
 */
const ANONYMOUS = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", HOME: "/nonexistent" };

/** Options of git processes that read the checkout's objects, without fetching missing ones. */
type Reading = Omit<GitOptions, "input" | "signal"> & { signal: AbortSignal };

/** Returns the commits that the remote's branches and tags point to and that exist in the checkout. */
async function publicHeads(url: string, reading: Reading): Promise<string[]> {
  const { signal } = reading;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  const options = ["-c", "credential.helper=", "-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=10"];
  const env = { ...fetchingBy(PUBLIC_PROTOCOLS), ...ANONYMOUS };
  try {
    const command = [...options, "ls-remote", "--", url];
    const answer = await tryGit(command, { cwd: "/", env, signal: limit });
    if (answer.exitCode !== 0) return [];
    const hashes = [...answer.stdout.matchAll(/^([0-9a-f]{40,64})\t/gm)].map((match) => match[1]!);
    return await existingCommits([...new Set(hashes)], reading);
  } catch (error) {
    if (signal.aborted) throw error;
    return []; // the remote did not answer in time
  }
}

async function existingCommits(hashes: readonly string[], reading: Reading): Promise<string[]> {
  const input = `${hashes.join("\n")}\n`;
  const answer = await git(["cat-file", "--batch-check"], { ...reading, input });
  return [...answer.matchAll(/^([0-9a-f]+) commit \d+$/gm)].map((match) => match[1]!);
}

async function nearestOf(
  commit: string,
  publicCommits: readonly string[],
  reading: Reading,
): Promise<string | undefined> {
  const command = ["rev-list", "--boundary", "--topo-order", "--stdin"];
  const input = `${commit}\n${publicCommits.map((head) => `^${head}\n`).join("")}`;
  const lines = (await git(command, { ...reading, input })).split("\n").filter((line) => line !== "");
  if (lines.every((line) => line.startsWith("-")) || lines.length === 0) return commit;
  return lines.find((line) => line.startsWith("-"))?.slice(1);
}
