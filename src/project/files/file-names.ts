import { UserError } from "../../errors.ts";

/**
 * Refuses file names that are not valid UTF-8: with replacement
 * characters, they would name other files on a worker.
 * @throws {UserError}
 */
export function refuseInvalidNames(files: readonly string[]): void {
  const strange = files.find((file) => file.includes("\ufffd"));
  if (strange === undefined) return;
  throw new UserError(`a file name is not valid UTF-8: ${strange}`, {
    hint: "rename the file, or add it to .gitignore",
  });
}

/** Names that some file system takes for a git directory; git does not write files with these names. */
const GIT_DIRECTORY = /^(?:\.git|git~1)[ .]*(?::.*)?$/is;

/**
 * Returns whether git refuses to write a file with this path.
 * @see git-config(1) core.protectNTFS, core.protectHFS.
 */
export function isInGitDirectory(file: string): boolean {
  return file
    .split("/")
    .some((name) =>
      GIT_DIRECTORY.test(name.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "")),
    );
}
