import type { Checkout, TreeEntry } from "./git.ts";
import type { Scratch } from "./scratch.ts";
import type { Warning } from "./warnings.ts";

/** The files of a work tree. Their contents lie in the repository, or as objects beside it. */
export interface WorkTreeFiles {
  entries: TreeEntry[];
  /** What a git process needs to see the objects. */
  env: NodeJS.ProcessEnv;
  warnings: Warning[];
}

export interface WorkTreeRequest {
  checkout: Checkout;
  /** Files and folders that are taken though git ignores them, relative to the top level. */
  ship: readonly string[];
  /** Of the untracked files, what is left out besides the generated ones: results, binaries. */
  isLeftOut: Promise<(file: string) => boolean>;
  /** What runs have written, also if git tracks it. */
  isOutput?: Promise<(file: string) => boolean>;
}

/** A reading of a work tree that is under way. */
export interface Reading extends WorkTreeRequest, Scratch {
  /** Object directories of the repositories read so far. */
  alternates: string[];
  /** Of a submodule: its path within the whole tree, with a slash at its end. */
  prefix: string;
}
