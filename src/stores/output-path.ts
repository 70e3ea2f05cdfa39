import path from "node:path";
import { isGitFolder } from "../model/names.ts";
import { no, YES, type Verdict } from "../model/verdict.ts";
import { isInside } from "../system/paths.ts";

/**
 * Returns whether a file of this name may be collected; the reason why not is a text that follows "is".
 * Both workers and clients apply this rule, because a client does not trust what a worker sends.
 * @param file path with `/`, relative or absolute.
 */
export function checkName(file: string): Verdict {
  if (file.includes("\ufffd")) return no("not named in valid UTF-8");
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(file)) return no("named with a control character");
  for (const name of file.replace(/^\//, "").split("/")) {
    if (name === "" || name === "." || name === "..") return no("named by a path that is not normalized");
    if (isGitFolder(name)) return no("inside .git");
    if (/^\.swarm(?:-tmp-.*)?$/is.test(name)) return no("inside .swarm, which is reserved for inet-swarm");
  }
  return YES;
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
 * Returns whether a file may be collected; the reason why not is a text that follows "is".
 * @param file absolute path.
 */
export function checkPlace({ top, outside }: OutputPlaces, file: string): Verdict {
  const named = checkName(file.startsWith(`${top}/`) ? file.slice(top.length) : file);
  if (!named.ok) return named;
  if (file !== top && isInside(top, file)) return YES;
  return isAllowedOutside(outside, file)
    ? YES
    : no("outside the checkout, where only the configured result directory and output files are collected");
}

/**
 * Returns whether a symbolic link may be collected: its target has to be in one of the permitted places. Checks
 * only the paths; the client also resolves the links on its disk.
 * @param file absolute path of the link.
 */
export function checkLink(places: OutputPlaces, file: string, target: string): Verdict {
  if (target === "" || path.isAbsolute(target))
    return no(`a symbolic link with an absolute target, ${target}`);
  const resolved = path.resolve(path.dirname(file), target);
  if (resolved === places.top || checkPlace(places, resolved).ok) return YES;
  return no(`a symbolic link that leads out of the collected folders, to ${target}`);
}
