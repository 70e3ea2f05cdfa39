import path from "node:path";
import { isGitFolder } from "../model/names.ts";
import { isInside } from "../system/paths.ts";

/**
 * Returns why a file of this name is never collected, as a text that follows "is"; undefined if it may be collected.
 * Both workers and clients apply this rule, because a client does not trust what a worker sends.
 * @param file path with `/`, relative or absolute.
 */
export function forbiddenName(file: string): string | undefined {
  if (file.includes("\ufffd")) return "not named in valid UTF-8";
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(file)) return "named with a control character";
  for (const name of file.replace(/^\//, "").split("/")) {
    if (name === "" || name === "." || name === "..") return "named by a path that is not normalized";
    if (isGitFolder(name)) return "inside .git";
    if (/^\.swarm(?:-tmp-.*)?$/is.test(name)) return "inside .swarm, which is reserved for inet-swarm";
  }
  return undefined;
}

/**
 * Returns whether a campaign may write a file outside of its checkout.
 * @param outside absolute paths of folders (with a trailing slash) and files. Allowed are all files in such a folder, and
 *   all that differ from such a file only by the extension, because `x.vec` comes with `x.vci`.
 */
export function isAllowedOutside(outside: readonly string[], file: string): boolean {
  return outside.some((place) => {
    if (place.endsWith("/")) return file.startsWith(place);
    const { dir, name } = path.parse(place);
    return file === place || (path.dirname(file) === dir && path.basename(file).startsWith(`${name}.`));
  });
}

/** Where a campaign may write. */
export interface OutputPlaces {
  /** Absolute git top level. */
  top: string;
  outside: readonly string[];
}

/**
 * Returns why a file may not be collected, as a text that follows "is"; undefined if it may be collected.
 * @param file absolute path.
 */
export function whyRefused({ top, outside }: OutputPlaces, file: string): string | undefined {
  const forbidden = forbiddenName(file.startsWith(`${top}/`) ? file.slice(top.length) : file);
  if (forbidden !== undefined) return forbidden;
  if (file !== top && isInside(top, file)) return undefined;
  return isAllowedOutside(outside, file)
    ? undefined
    : "outside the checkout, where only the configured result directory and output files are collected";
}

/**
 * Returns why a symbolic link may not be collected; undefined if its target is in one of the permitted places. Checks
 * only the paths; the client also resolves the links on its disk.
 * @param file absolute path of the link.
 */
export function whyLinkRefused(places: OutputPlaces, file: string, target: string): string | undefined {
  if (target === "" || path.isAbsolute(target)) return `a symbolic link with an absolute target, ${target}`;
  const resolved = path.resolve(path.dirname(file), target);
  if (resolved === places.top || whyRefused(places, resolved) === undefined) return undefined;
  return `a symbolic link that leads out of the collected folders, to ${target}`;
}
