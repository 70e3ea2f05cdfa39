import { UserError } from "../../errors.ts";

/** @throws {UserError} for a name that is not UTF-8: what stands for it here would be another file on a worker. */
export function refuseStrangeNames(files: readonly string[]): void {
  const strange = files.find((file) => file.includes("\ufffd"));
  if (strange === undefined) return;
  throw new UserError(`a file name is not valid UTF-8: ${strange}`, {
    hint: "rename the file, or add it to .gitignore",
  });
}

/** The names by which some file system may find a git directory, which git writes nowhere. */
const GIT_DIRECTORY = /^(?:\.git|git~1)[ .]*(?::.*)?$/is;

/** Whether git refuses to write a file of this name. @see git-config(1) core.protectNTFS, core.protectHFS. */
export function isInGitDirectory(file: string): boolean {
  return file
    .split("/")
    .some((name) =>
      GIT_DIRECTORY.test(name.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "")),
    );
}
