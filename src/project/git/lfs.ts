import { open } from "node:fs/promises";
import path from "node:path";

/** A pointer file is shorter than this. @see Git LFS, docs/spec.md. */
export const POINTER_BYTES = 1024;

const FIRST_LINE = "version https://git-lfs.github.com/spec/";
const NAMED = 10;

/** Returns whether attributes assign files to Git LFS. */
export function namesLfs(attributes: string): boolean {
  return /\sfilter=lfs\b/.test(attributes);
}

/** Returns whether a file's content is only a Git LFS pointer. */
export function isPointer(content: string): boolean {
  return content.startsWith(FIRST_LINE);
}

/**
 * Returns the files that contain a Git LFS pointer instead of their content.
 * @param files short ones, relative to the folder.
 */
export async function findPointers(top: string, files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    await using handle = await open(path.join(top, file));
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_LINE.length), 0, FIRST_LINE.length, 0);
    if (isPointer(buffer.toString("latin1", 0, bytesRead))) found.push(file);
  }
  return found;
}

/**
 * Returns a warning about files that contain only a Git LFS pointer; none if there are no such files.
 * @param where location of the pointers, as part of a sentence.
 */
export function pointerWarnings(files: readonly string[], where: string): string[] {
  if (files.length === 0) return [];
  const more = files.length > NAMED ? ` and ${files.length - NAMED} more` : "";
  const names = `${files.slice(0, NAMED).join(", ")}${more}`;
  return [
    `only Git LFS pointers are ${where} of ${names}; if runs read these files, fetch them: git lfs pull`,
  ];
}
