import path from "node:path";
import * as v from "valibot";

// Schemas for names and paths that become paths or program arguments on another machine.

const noNul = v.check((text: string) => !text.includes("\0"), "it contains a NUL character");

/** The path of a folder or file within a tree; empty for the tree itself. */
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

/** The absolute path of a folder or file. */
export const AbsolutePathSchema = v.pipe(
  v.string(),
  noNul,
  v.check(
    (text) => text.startsWith("/") && path.posix.resolve(text) === text,
    "it must be an absolute path without . and ..",
  ),
);

/** The name of a file or folder, without a path. */
export const FileNameSchema = v.pipe(
  v.string(),
  noNul,
  v.check((text) => !/^\.{0,2}$|\//.test(text), "it must be the name of a file or folder"),
);

/** The name of a folder that is passed to programs as an argument. */
export const FolderNameSchema = v.pipe(
  FileNameSchema,
  v.check((text) => !text.startsWith("-"), "it begins with a dash, so programs would read it as an option"),
);

export const VariableNameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_]\w*$/, "it is not a valid name of an environment variable"),
);

/** The name by which other projects refer to a project. */
export const ProjectNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_.+()[\] -]*[\p{L}\p{N}\p{M}_.+()[\]-])?$/u,
    "a name has only letters, digits, spaces and the characters . _ + - ( ) [ ], and begins with a letter or digit",
  ),
);
