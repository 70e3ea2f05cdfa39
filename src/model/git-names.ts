import * as v from "valibot";
import { AbsolutePathSchema } from "./places.ts";

/** A full SHA-1 or SHA-256 hash in hexadecimal digits. */
export const HashSchema = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "it is not a git hash"),
);

const HOST = /^(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*)|\[[0-9a-f:.]+\])(?::\d+)?$/iu;

// eslint-disable-next-line no-control-regex -- the pattern rejects control characters
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * Returns whether a URL is that of a repository that can be read
 * without an account: by http, https or git's own protocol.
 */
export function isPublicUrl(url: string): boolean {
  const [, host] = /^(?:https?|git):\/\/([^/@]+)\/\S+$/.exec(url) ?? [];
  return host !== undefined && HOST.test(host) && !CONTROL.test(url);
}

/**
 * Returns whether git can do nothing but fetch from an address: it is no option, no command (`ext::`), and
 * uses no other remote helper.
 * @see git-fetch(1), "GIT URLS"; gitremote-helpers(7).
 */
export function isRepositoryUrl(url: string): boolean {
  if (CONTROL.test(url)) return false;
  const file = /^file:\/\/(?=\/)/.exec(url);
  if (file !== null || url.startsWith("/")) return true;
  const [, account, host] =
    /^(?:https?|git|ssh):\/\/(?:([^/@]*)@)?([^/@]+)\/\S+$/.exec(url) ??
    /^(?:([^/@:]+)@)?([^/@:]+):(?!:|-|\/\/)\S+$/.exec(url) ??
    [];
  return host !== undefined && HOST.test(host) && account?.startsWith("-") !== true;
}

export const RepositoryUrlSchema = v.pipe(
  v.string(),
  v.check(
    isRepositoryUrl,
    "it is not the address of a git repository: https://…, ssh://…, git://…, name@host:path, file:///… or an absolute path",
  ),
);

/** Where a worker gets objects: a public repository, or a git directory on its own machine. */
export const SourceUrlSchema = v.union(
  [AbsolutePathSchema, v.pipe(v.string(), v.check(isPublicUrl))],
  "it must be a public address of a git repository, or the absolute path of a git directory",
);

/** A tag or a commit, as an argument of git. @see git-check-ref-format(1). */
export const VersionSchema = v.pipe(
  v.string(),
  v.check(
    (text) =>
      /^[\p{L}\p{N}_][^\s~^:?*[\\]*$/u.test(text) &&
      !CONTROL.test(text) &&
      !/\.\.|@\{|\/\/|[./]$|\.lock$/.test(text),
    "it is neither a tag name nor a commit",
  ),
);
