import path from "node:path";
import { UserError } from "../../errors.ts";
import { lstatIfExists } from "../../system/files.ts";
import type { GitOptions } from "./commands/ask.ts";
import { objectSizes } from "./commands/contents.ts";
import { changedFiles, filesOfTree, treesOfFolders } from "./commands/files.ts";
import { hashOf } from "./commands/revisions.ts";
import { resolveCommit } from "./commit.ts";
import { headCommit, type Checkout, type TreeEntry } from "./git.ts";
import { isPointer, namesLfs, pointerWarnings, POINTER_BYTES } from "./lfs.ts";
import { GITLINK } from "./submodules.ts";
import { readObjects, treesOf, writeObject } from "./objects.ts";
import { makeScratch, readingEnvironment, type Scratch } from "./scratch.ts";
import { formatWarnings, type Warning } from "./warnings.ts";
import { readWorkTree } from "./work-tree.ts";
import type { WorkTreeRequest } from "./reading.ts";

/** The code that a campaign runs, as git objects, none of which is written to the user's repository. */
export interface Code extends AsyncDisposable {
  checkout: Checkout;
  /** The commit that the user named, or on which the work tree is based. */
  commit: string;
  /** Hash of the tree that is executed. */
  tree: string;
  entries: TreeEntry[];
  /** Files that differ from the commit or are missing from it. */
  changed: string[];
  /** The tree is the user's work tree. */
  checkedOut: boolean;
  scratch: Scratch;
  /** Environment of git processes that read the objects; processes that write objects must not see them. */
  env: NodeJS.ProcessEnv;
  warnings: string[];
}

/**
 * Reads the code to run: the work tree, as it is on the disk, or a commit.
 * @param ref undefined for the work tree.
 * @throws {UserError} if there is no such commit, or git cannot read the work tree.
 */
export async function readCode(
  request: WorkTreeRequest,
  ref: string | undefined,
  signal?: AbortSignal,
): Promise<Code> {
  const { checkout } = request;
  const commit = await (ref === undefined ? headCommit(checkout) : resolveCommit(checkout, ref));
  const scratch = await makeScratch(checkout, commit);
  try {
    const code = ref === undefined ? await readFromDisk(request, commit, scratch, signal) : undefined;
    return {
      checkout,
      commit,
      scratch,
      ...(code ?? (await readFromCommit(checkout, commit, scratch, signal))),
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

type Read = Pick<Code, "tree" | "entries" | "changed" | "checkedOut" | "env" | "warnings">;

async function readFromDisk(
  request: WorkTreeRequest,
  head: string,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<Read> {
  const { top } = request.checkout;
  const reading = readWorkTree(request, scratch, signal);
  const committedEnv = readingEnvironment(scratch.scratch, [request.checkout.objectDirectory]);
  const both = Promise.all([reading, treeOf(request.checkout, head, committedEnv, signal)]);
  const [read, headTree] = await both.catch(async (error: unknown) => {
    await reading.catch(() => undefined); // it writes to the scratch directory, which is removed next
    throw error;
  });
  const entries = await withoutOutputs(request, read.entries);
  const trees = treesOf(entries, head);
  const { hash: tree } = trees[0]!;
  const found = { ...read, warnings: formatWarnings(read.warnings), entries, tree, checkedOut: true };
  if (tree === headTree) return { ...found, changed: [] };
  const options = { cwd: top, env: committedEnv, signal, explain: unreadable(head, top) };
  const there = await treesOfFolders(head, options);
  for (const each of trees) if (!there.has(each.hash)) await writeObject(scratch.objects, each);
  const changed = await changedFiles(headTree, tree, { cwd: top, env: read.env, signal });
  const isOutput = await request.isOutput;
  return { ...found, changed: changed.filter((file) => isOutput?.(file) !== true) };
}

async function withoutOutputs({ isOutput }: WorkTreeRequest, entries: TreeEntry[]): Promise<TreeEntry[]> {
  const isLeftOut = await isOutput;
  return isLeftOut === undefined ? entries : entries.filter((entry) => !isLeftOut(entry.path));
}

async function treeOf(
  { top }: Checkout,
  commit: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  return await hashOf(`${commit}^{tree}`, { cwd: top, env, signal, explain: unreadable(commit, top) });
}

function unreadable(commit: string, top: string): (reason: string) => UserError {
  return (reason) =>
    new UserError(`git cannot read the commit ${commit.slice(0, 12)} of ${top}: ${reason.split("\n")[0]!}`, {
      hint: "check the repository: git fsck",
    });
}

async function readFromCommit(
  checkout: Checkout,
  commit: string,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<Read> {
  const env = readingEnvironment(scratch.scratch, [checkout.objectDirectory]);
  const options = { cwd: checkout.top, env, signal, explain: unreadable(commit, checkout.top) };
  const [tree, all] = await Promise.all([
    treeOf(checkout, commit, env, signal),
    filesOfTree(commit, options),
  ]);
  const entries = all.filter(({ mode }) => mode !== GITLINK);
  const submodules = all.filter(({ mode }) => mode === GITLINK).map((entry) => entry.path);
  const sizes = await objectSizes(objectsOf(entries), options);
  refuseMissing(entries, sizes, commit);
  const pointers = await committedPointers(entries, sizes, options);
  const warnings = [
    ...formatWarnings(submodules.map(submoduleWarning)),
    ...pointerWarnings(pointers, "in the commit"),
  ];
  return { tree, entries, changed: [], checkedOut: false, env, warnings };
}

function submoduleWarning(folder: string): Warning {
  const advice =
    "not sent with --commit; if runs need them, check out the commit with its submodules and run without --commit";
  return {
    file: `the submodule ${folder}`,
    one: `of the commit is ${advice.replace("them", "its files")}`,
    many: `submodules of the commit are ${advice}`,
  };
}

/** Refuses an incomplete commit: a partial clone contains only files of commits that were checked out. */
function refuseMissing(
  entries: readonly TreeEntry[],
  sizes: ReadonlyMap<string, number>,
  commit: string,
): void {
  const missing = entries.filter(({ object }) => !sizes.has(object));
  if (missing.length === 0) return;
  const which =
    missing.length === 1 ? missing[0]!.path : `${missing.length} files, such as ${missing[0]!.path}`;
  throw new UserError(`the commit ${commit.slice(0, 12)} is incomplete in this clone: ${which}`, {
    hint: "check out the commit, which fetches its files, and remove the option --commit",
  });
}

/** Returns the files of a commit whose content is stored by Git LFS. */
async function committedPointers(
  entries: readonly TreeEntry[],
  sizes: ReadonlyMap<string, number>,
  options: GitOptions,
): Promise<string[]> {
  const attributes = entries.filter((entry) => path.posix.basename(entry.path) === ".gitattributes");
  let usesLfs = false;
  for await (const [, text] of readObjects(objectsOf(attributes), options)) usesLfs ||= namesLfs(text);
  if (!usesLfs) return [];
  const small = entries.filter(({ object }) => sizes.get(object)! <= POINTER_BYTES);
  const pointers = new Set<string>();
  for await (const [object, content] of readObjects(objectsOf(small), options))
    if (isPointer(content)) pointers.add(object);
  return small.filter(({ object }) => pointers.has(object)).map((entry) => entry.path);
}

function objectsOf(entries: readonly TreeEntry[]): string[] {
  return entries.map(({ object }) => object);
}

/** Returns the sizes of the files that exist, in bytes. */
export async function fileSizes(top: string, files: readonly string[]): Promise<Map<string, number>> {
  const stats = await Promise.all(files.map((file) => lstatIfExists(path.join(top, file))));
  return new Map(files.flatMap((file, index) => (stats[index]?.isFile() ? [[file, stats[index].size]] : [])));
}
