import path from "node:path";
import * as v from "valibot";

// Paths and names that become paths, or arguments of a program, on another machine.

const noNul = v.check((text: string) => !text.includes("\0"), "it contains a NUL character");

/** A folder or file within a tree; empty for the tree itself. */
export const RelativePathSchema = v.pipe(
  v.string(),
  noNul,
  v.check(isRelative, "it must be a relative path that stays inside the folder"),
);

function isRelative(text: string): boolean {
  if (text === "") return true;
  const normalized = path.posix.normalize(text);
  return normalized === text && !text.endsWith("/") && !/^(?:\/|\.{1,2}$|\.\.\/)/.test(text);
}

/** A folder or file on a machine. */
export const AbsolutePathSchema = v.pipe(
  v.string(),
  noNul,
  v.check(
    (text) => text.startsWith("/") && path.posix.resolve(text) === text,
    "it must be an absolute path without . and ..",
  ),
);

/** The name of a file or folder in another one. */
export const FileNameSchema = v.pipe(
  v.string(),
  noNul,
  v.check((text) => !/^\.{0,2}$|\//.test(text), "it must be the name of a file or folder"),
);

/** The name of a folder that programs get as an argument. */
export const FolderNameSchema = v.pipe(
  FileNameSchema,
  v.check((text) => !text.startsWith("-"), "it begins with a dash, so programs would read it as an option"),
);

export const VariableNameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_]\w*$/, "it is not a valid name of an environment variable"),
);

/** What a project is called by those that need it. */
export const ProjectNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_.+()[\] -]*[\p{L}\p{N}\p{M}_.+()[\]-])?$/u,
    "a name has only letters, digits, spaces and the characters . _ + - ( ) [ ], and begins with a letter or digit",
  ),
);
