import { realpath } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { FolderNameSchema } from "../../model/places.ts";
import { readTextIfExists } from "../../system/files.ts";
import { hashOf, hasObject, locateRepository } from "./commands/revisions.ts";

export type { TreeEntry } from "./commands/files.ts";

/** A git checkout. Queries never change it: they take no locks and do not refresh the index. */
export interface Checkout {
  /** Top level of the work tree, absolute, without symbolic links. */
  top: string;
  /** The git directory of this work tree, absolute. */
  gitDirectory: string;
  /** Folder of the objects, which all work trees of a repository share. */
  objectDirectory: string;
  /** File with ignore patterns in addition to those of the `.gitignore` files; it need not exist. */
  excludeFile: string;
  /** File with attributes in addition to those of the `.gitattributes` files; it need not exist. */
  attributesFile: string;
  /** File with the commits whose parents are missing; it exists only in a shallow clone. */
  shallowFile: string;
  /** Aborted if the answers are no longer needed. */
  signal: AbortSignal | undefined;
  /** Environment for git processes that query the repository, if it cannot be found from its work tree. */
  env?: NodeJS.ProcessEnv;
}

/**
 * Returns the checkout that contains a folder.
 * @throws {UserError} if the folder is not in a checkout, git is missing, or git refuses the repository.
 */
export async function openCheckout(directory: string, signal?: AbortSignal): Promise<Checkout> {
  const files = ["objects", "info/exclude", "info/attributes", "shallow"];
  const explain = (reason: string): UserError => outsideOfCheckout(directory, reason);
  const lines = await locateRepository(files, { cwd: directory, signal, explain });
  const [top, gitDirectory, ...found] = lines;
  if (!top || !gitDirectory) throw outsideOfCheckout(directory, "it has no work tree");
  if (found.length !== files.length) {
    throw new UserError(`the path of the checkout of ${directory} has a line break`, {
      hint: "rename the folder",
    });
  }
  const [objects, excludeFile, attributesFile, shallowFile] = found.map((file) =>
    path.resolve(directory, file),
  ) as [string, string, string, string];
  const objectDirectory = await realpath(objects);
  const own = { objectDirectory, excludeFile, attributesFile, shallowFile };
  return { top: await realpath(top), gitDirectory, ...own, signal };
}

/**
 * Returns the name of the checkout's folder, which is also used on workers.
 * @throws {UserError} for a name that a program there would take for an option.
 */
export function checkoutName({ top }: Pick<Checkout, "top">): string {
  const name = path.basename(top);
  const result = v.safeParse(FolderNameSchema, name);
  if (result.success) return name;
  throw new UserError(`the folder name of the checkout ${top} is not usable: ${result.issues[0].message}`, {
    hint: "rename the folder",
  });
}

/** Returns a function that explains why git cannot read the files of a work tree. */
export function unreadableRepository(top: string): (reason: string) => UserError {
  return (reason) =>
    new UserError(`git cannot read the files of ${top}: ${reason}`, {
      hint: "check the repository: git fsck",
    });
}

/** Returns the folder of the objects of a git directory, which may be that of one of several work trees. */
export async function objectsOf(gitDirectory: string): Promise<string> {
  const common = await readTextIfExists(path.join(gitDirectory, "commondir"));
  return path.resolve(gitDirectory, common?.replace(/\n$/, "") ?? "", "objects");
}

/** A folder is not in a checkout. */
export class NoCheckout extends UserError {
  override name = "NoCheckout";
}

function outsideOfCheckout(directory: string, reason: string): UserError {
  if (!/not a git repository|no work tree/.test(reason))
    return new UserError(`git cannot read ${directory}: ${reason}`);
  return new NoCheckout(`${directory} is not in a git checkout`, {
    hint: "the swarm identifies the project's code by its commit; create a repository in the folder that contains all of the project (its sources, too) with: git init && git add -A && git commit",
  });
}

/**
 * Returns the hash of the commit that is checked out.
 * @throws {UserError} if there is no commit yet.
 */
export async function headCommit({ top, signal, env = {} }: Checkout): Promise<string> {
  const explain = (): UserError =>
    new UserError(`${top} has no commit yet`, { hint: "commit your files first: git add -A && git commit" });
  return await hashOf("HEAD^{commit}", { cwd: top, signal, env, explain });
}

/**
 * Returns whether a repository has a commit, without fetching anything.
 * @param commit a full hash.
 */
export async function hasCommit({ top, signal }: Checkout, commit: string): Promise<boolean> {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return false;
  return await hasObject(`${commit}^{commit}`, { cwd: top, signal });
}
