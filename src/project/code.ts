import path from "node:path";
import { UserError } from "../errors.ts";
import { statIfThere } from "../system/files.ts";
import { listTree, resolveCommit } from "./commit.ts";
import { headCommit, type Checkout, type TreeEntry } from "./git.ts";
import { git, splitNul } from "./plumbing.ts";
import { GITLINK } from "./submodules.ts";
import { treesOf, writeObject } from "./objects.ts";
import { makeScratch, readingEnvironment, type Scratch } from "./scratch.ts";
import { readWorkTree, type WorkTreeRequest } from "./work-tree.ts";

/** The code that a campaign runs, as git objects; nothing of it has been written to the repository. */
export interface Code extends AsyncDisposable {
  checkout: Checkout;
  /** The user's commit: what he named, or what his work tree is based on. */
  commit: string;
  /** Hash of the tree that runs. */
  tree: string;
  entries: TreeEntry[];
  /** Files that differ from the commit, or that it does not have. */
  changed: string[];
  /** The tree is that of the work tree. */
  checkedOut: boolean;
  scratch: Scratch;
  /** What a git process needs to see the objects; one that is to write some must not see them. */
  env: NodeJS.ProcessEnv;
  warnings: string[];
}

/**
 * The code that is to run: the work tree as it lies on the disk, or a commit.
 * @param ref undefined for the work tree.
 * @throws {UserError} where there is no such commit, and for what git cannot take of the work tree.
 */
export async function readCode(
  request: WorkTreeRequest,
  ref: string | undefined,
  signal?: AbortSignal,
): Promise<Code> {
  const { checkout } = request;
  const commit = await (ref === undefined ? headCommit(checkout) : resolveCommit(checkout, ref));
  const scratch = await makeScratch();
  try {
    const code = ref === undefined ? await workTree(request, commit, scratch, signal) : undefined;
    return {
      checkout,
      commit,
      scratch,
      ...(code ?? (await committed(checkout, commit, scratch, signal))),
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

type Read = Pick<Code, "tree" | "entries" | "changed" | "checkedOut" | "env" | "warnings">;

async function workTree(
  request: WorkTreeRequest,
  head: string,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<Read> {
  const { top } = request.checkout;
  const reading = readWorkTree(request, scratch, signal);
  const both = Promise.all([reading, treeOf(request.checkout, head, signal)]);
  const [read, headTree] = await both.catch(async (error: unknown) => {
    await reading.catch(() => undefined); // it writes into the scratch directory, which is removed then
    throw error;
  });
  const entries = await withoutOutputs(request, read.entries);
  const trees = treesOf(entries, head);
  const { hash: tree } = trees[0]!;
  const found = { ...read, entries, tree, checkedOut: true };
  if (tree === headTree) return { ...found, changed: [] };
  const inHead = ["ls-tree", "-r", "-d", "-z", "--full-tree", head];
  const known = await git(inHead, { cwd: top, signal, explain: unreadable(head, top) });
  const there = new Set(splitNul(known).map((line) => /^\d+ tree (\w+)\t/.exec(line)?.[1]));
  for (const each of trees) if (!there.has(each.hash)) await writeObject(scratch.objects, each);
  const diff = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", headTree, tree];
  const changed = splitNul(await git(diff, { cwd: top, env: read.env, signal }));
  const isOutput = await request.isOutput;
  return { ...found, changed: changed.filter((file) => isOutput?.(file) !== true) };
}

async function withoutOutputs({ isOutput }: WorkTreeRequest, entries: TreeEntry[]): Promise<TreeEntry[]> {
  const isLeftOut = await isOutput;
  return isLeftOut === undefined ? entries : entries.filter((entry) => !isLeftOut(entry.path));
}

async function treeOf({ top }: Checkout, commit: string, signal?: AbortSignal): Promise<string> {
  const question = ["rev-parse", `${commit}^{tree}`];
  return (await git(question, { cwd: top, signal, explain: unreadable(commit, top) })).trim();
}

function unreadable(commit: string, top: string): (reason: string) => UserError {
  return (reason) =>
    new UserError(`git cannot read the commit ${commit.slice(0, 12)} of ${top}: ${reason.split("\n")[0]!}`, {
      hint: "see whether the repository is whole: git fsck",
    });
}

async function committed(
  checkout: Checkout,
  commit: string,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<Read> {
  const env = readingEnvironment(scratch.objects, [checkout.objectDirectory]);
  const [tree, entries] = await Promise.all([treeOf(checkout, commit, signal), listTree(checkout, commit)]);
  const submodule = entries.find(({ mode }) => mode === GITLINK);
  if (submodule !== undefined) {
    throw new UserError(`the commit ${commit.slice(0, 12)} has a submodule, ${submodule.path}`, {
      hint: "check the commit out with its submodules, and leave --commit away",
    });
  }
  await refuseFiltered(checkout, entries, commit, signal);
  return { tree, entries, changed: [], checkedOut: false, env, warnings: [] };
}

/** A commit has the pointers of Git LFS alone; the files themselves lie in a work tree. */
async function refuseFiltered(
  checkout: Checkout,
  entries: readonly TreeEntry[],
  commit: string,
  signal?: AbortSignal,
): Promise<void> {
  const attributes = entries.filter((entry) => path.posix.basename(entry.path) === ".gitattributes");
  for (const { object } of attributes) {
    const text = await git(["cat-file", "blob", object], { cwd: checkout.top, signal });
    if (!/\sfilter=lfs\b/.test(text)) continue;
    throw new UserError(`the commit ${commit.slice(0, 12)} keeps files in Git LFS`, {
      hint: "check it out, fetch them with git lfs pull, and leave --commit away",
    });
  }
}

/** Sizes of those files that are there, in bytes. */
export async function fileSizes(top: string, files: readonly string[]): Promise<Map<string, number>> {
  const stats = await Promise.all(files.map((file) => statIfThere(path.join(top, file))));
  return new Map(files.flatMap((file, at) => (stats[at]?.isFile() ? [[file, stats[at].size]] : [])));
}
