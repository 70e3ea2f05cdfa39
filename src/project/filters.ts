import { lstat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import { statIfThere } from "../system/files.ts";
import type { Checkout } from "./git.ts";
import { git, splitNul } from "./plumbing.ts";
import type { Git } from "./work-tree.ts";

/** Filters such as Git LFS keep something else in the repository than on the disk: they are switched off. */
export async function filterSettings(
  checkout: Checkout,
  signal?: AbortSignal,
): Promise<{ names: string[]; settings: string[] }> {
  const { top } = checkout;
  const listed = await git(["config", "--null", "--name-only", "--list"], { cwd: top, signal });
  const names = splitNul(listed).flatMap((name) => /^filter\.(.+)\.[^.]+$/.exec(name)?.[1] ?? []);
  const unique = [...new Set([...names, "lfs"])];
  const settings = unique.flatMap((name) => [
    "-c",
    `filter.${name}.process=`,
    "-c",
    `filter.${name}.required=false`,
  ]);
  return { names: unique, settings };
}

const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** Tracked files that pass a filter are taken as they lie on the disk, whatever the index says of them. */
export async function addUnfiltered(checkout: Checkout, filters: readonly string[], run: Git): Promise<void> {
  if (!(await run.read(["ls-files", "-z", "--", ":(glob)**/.gitattributes"]))) return;
  const patterns = filters.map((name) => `:(attr:filter=${name})`);
  const listed = splitNul(await run.read(["ls-files", "-z", "--", ...patterns]));
  const files = await existing(checkout.top, listed);
  const hashes = await addAsTheyLie(checkout, files, run);
  for (const [at, file] of files.entries()) {
    const { size } = await lstat(path.join(checkout.top, file));
    if (size < 1024) await refusePointer(run, hashes[at]!, file);
  }
}

/** Puts files into the index byte by byte: no filter, no other line ends. @returns their hashes. */
export async function addAsTheyLie(
  checkout: Checkout,
  files: readonly string[],
  run: Git,
): Promise<string[]> {
  if (files.length === 0) return [];
  const absolute = files.map((file) => path.join(checkout.top, file));
  const printed = await run.write(
    ["hash-object", "-w", "--no-filters", "--stdin-paths"],
    `${absolute.join("\n")}\n`,
  );
  const hashes = printed.trim().split("\n");
  const entries = await Promise.all(
    files.map(async (file, at) => {
      const { mode } = await lstat(absolute[at]!);
      return `${(mode & 0o111) === 0 ? "100644" : "100755"} ${hashes[at]!}\t${file}`;
    }),
  );
  await run.write(["update-index", "-z", "--index-info"], entries.join("\0") + "\0");
  return hashes;
}

async function refusePointer(run: Git, object: string, file: string): Promise<void> {
  if (!(await run.read(["cat-file", "blob", object])).startsWith(LFS_POINTER)) return;
  throw new UserError(`${file} is kept by Git LFS, and only its pointer is here`, {
    hint: "fetch the file itself: git lfs install && git lfs pull",
  });
}

/** Those that are regular files on the disk. */
export async function existing(top: string, files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map((file) => statIfThere(path.join(top, file))));
  return files.filter((_, index) => found[index]?.isFile() === true);
}
