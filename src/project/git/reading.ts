import type { Checkout, TreeEntry } from "./git.ts";
import type { Scratch } from "./scratch.ts";
import type { Warning } from "./warnings.ts";

/** The files of a work tree. Their contents are stored in the repository, or as objects outside it. */
export interface WorkTreeFiles {
  entries: TreeEntry[];
  /** Environment of a git process that sees the objects. */
  env: NodeJS.ProcessEnv;
  warnings: Warning[];
}

export interface WorkTreeRequest {
  checkout: Checkout;
  /** Files and folders that are included although git ignores them, relative to the top level. */
  ship: readonly string[];
  /** Whether an untracked file is left out, in addition to generated ones: results, binaries. */
  isLeftOut: Promise<(file: string) => boolean>;
  /** Whether runs have written a file, even if git tracks it. */
  isOutput?: Promise<(file: string) => boolean>;
}

/** The state while a work tree is read. */
export interface Reading extends WorkTreeRequest, Scratch {
  /** Object directories of the repositories read so far. */
  alternates: string[];
  /** In a submodule, its path within the whole tree, ending in a slash; otherwise empty. */
  prefix: string;
}
