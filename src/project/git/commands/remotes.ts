import { answerTo, ask, type CommandOptions, type GitOptions } from "./ask.ts";
import { fetchingEnvironment, PUBLIC_PROTOCOLS } from "./environment.ts";
import {
  ANONYMOUS,
  AS_STORED,
  AS_STORED_PERMITS,
  FETCHING_PERMITS,
  QUIET,
  QUIET_PERMITS,
} from "./settings.ts";

/**
 * The environment of an anonymous user: a worker has none of the user's passwords, keys and address
 * replacements.
 * @see git-config(1) url.<base>.insteadOf, http.extraHeader; curl reads ~/.netrc.
 */
const NOBODY = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", HOME: "/nonexistent" };

/** Returns the hashes to which a remote's branches and tags point; empty if the remote cannot be read anonymously. */
export async function publicHeads(url: string, signal: AbortSignal): Promise<string[]> {
  const env = { ...fetchingEnvironment(PUBLIC_PROTOCOLS), ...NOBODY };
  const permits = [...FETCHING_PERMITS, "allowUnsafeCredentialHelper"] as const;
  const command = [...ANONYMOUS, "ls-remote", "--", url];
  const { exitCode, stdout } = await answerTo(command, { cwd: "/", env, signal, permits });
  if (exitCode !== 0) return [];
  return [...new Set([...stdout.matchAll(/^([0-9a-f]{40,64})\t/gm)].map((match) => match[1]!))];
}

/**
 * Creates an empty repository without a work tree.
 * @param like a hash, which determines whether SHA-1 or SHA-256 is used.
 */
export async function initialiseBare(like: string, options: GitOptions): Promise<void> {
  const format = like.length === 64 ? "sha256" : "sha1";
  const command = ["init", "--bare", "--quiet", "--template=", `--object-format=${format}`, "."];
  await ask(command, { ...options, permits: ["allowUnsafeTemplateDir"] });
}

/** Fetches a commit without its history. @returns the reason if this fails. */
export async function fetchCommit(
  url: string,
  commit: string,
  options: GitOptions,
): Promise<string | undefined> {
  return await fetchQuietly(["--depth=1", "--", url, commit], options);
}

/** Fetches all branches and tags. @returns the reason if this fails. */
export async function fetchAll(url: string, options: GitOptions): Promise<string | undefined> {
  return await fetchQuietly(["--", url, "+refs/*:refs/remotes/all/*"], options);
}

async function fetchQuietly(what: readonly string[], options: GitOptions): Promise<string | undefined> {
  const command = [...QUIET, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", ...what];
  const env = fetchingEnvironment([...PUBLIC_PROTOCOLS, "file"]);
  const permits = [...FETCHING_PERMITS, ...QUIET_PERMITS];
  const { exitCode, stderr } = await answerTo(command, { ...options, env, permits });
  return exitCode === 0 ? undefined : stderr.trim();
}

const USERS_PROTOCOLS = [...PUBLIC_PROTOCOLS, "ssh"];

/** Checks out a version of another repository, which the user can read, into an empty folder, step by step. */
export class VersionCheckout {
  readonly #options: GitOptions;

  /** @param options `cwd` is the empty folder. */
  constructor(options: GitOptions) {
    this.#options = options;
  }

  /** Creates a repository in the folder, with the other repository as its remote. */
  async initialise(url: string): Promise<void> {
    await this.#run(["init", "--quiet", "--template=", "."]);
    await this.#run(["remote", "add", "--", "origin", url]);
  }

  /** Returns the commit of a branch; undefined if the remote has no branch of that name. */
  async branchHead(name: string): Promise<string | undefined> {
    const answer = await this.#run(["ls-remote", "--", "origin", `refs/heads/${name}`]);
    return answer.trim() === "" ? undefined : answer.split("\t", 1)[0];
  }

  /** Fetches a tag or commit and writes its files. */
  async checkOut(version: string): Promise<void> {
    const fetch = ["fetch", "--quiet", "--no-tags"];
    const one = await answerTo(
      [...AS_STORED, ...fetch, "--depth=1", "--", "origin", version],
      this.#fetching([...USERS_PROTOCOLS, "file"]),
    );
    if (one.exitCode === 0) {
      await this.#run(["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
      return;
    }
    // the server does not serve single commits, or the hash is abbreviated
    await this.#run([...fetch, "--", "origin", "+refs/*:refs/remotes/origin/*"]);
    const found = await this.#run(["rev-parse", "--verify", "--end-of-options", `${version}^{commit}`]);
    await this.#run(["checkout", "--quiet", "--detach", found.trim()]);
  }

  /** Fetches the submodules, but, like git itself, none from a path on this machine. */
  async fetchSubmodules(): Promise<void> {
    const update = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"];
    await ask([...AS_STORED, ...update], this.#fetching(USERS_PROTOCOLS));
  }

  async #run(command: readonly string[]): Promise<string> {
    return await ask([...AS_STORED, ...command], this.#fetching([...USERS_PROTOCOLS, "file"]));
  }

  #fetching(protocols: readonly string[]): CommandOptions {
    const permits = [...FETCHING_PERMITS, ...AS_STORED_PERMITS, "allowUnsafeTemplateDir"] as const;
    return { ...this.#options, env: fetchingEnvironment(protocols), permits };
  }
}
