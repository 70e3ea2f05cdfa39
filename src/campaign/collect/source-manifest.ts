import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync, renameSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { TreeEntry } from "../../project/git/git.ts";
import { lstatIfExists, temporaryName } from "../../system/files.ts";
import { allRecords } from "./records.ts";

// Manifests of sources, so that a later command can name the files that have changed since. One file for each
// source, `.swarm/sources/TREE.gz`, with lines `<mode> <hash> <path>`, separated by NUL.

/** An edited record may contain any text instead of a hash. */
const HASH = /^[0-9a-f]{40,64}$/;
const MOST_KEPT = 10;
/** A larger text was not written by inet-swarm. */
const MOST_BYTES = 256 << 20;

function manifestFile(resultDirectory: string, tree: string): string {
  return path.join(resultDirectory, ".swarm", "sources", `${tree}.gz`);
}

/** Writes the manifest of a source, and removes old ones if there are too many. */
export async function writeManifest(
  resultDirectory: string,
  tree: string,
  entries: readonly TreeEntry[],
): Promise<void> {
  const file = manifestFile(resultDirectory, tree);
  if (existsSync(file)) {
    const now = new Date();
    utimesSync(file, now, now); // marks it as used, so that others are removed first
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  const text = entries.map(({ mode, object, path: name }) => `${mode} ${object} ${name}`).join("\0");
  const temporary = temporaryName(file);
  writeFileSync(temporary, gzipSync(text, { level: 1 }), { flag: "wx" });
  renameSync(temporary, file);
  await prune(path.dirname(file), resultDirectory, tree);
}

/** Removes manifests: first those that no record names, then the oldest. */
async function prune(folder: string, resultDirectory: string, current: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".gz"));
  if (names.length <= MOST_KEPT) return;
  const named = new Set([current]);
  for await (const { tree } of allRecords(resultDirectory)) if (tree !== undefined) named.add(tree);
  const ages = await Promise.all(
    names.map(async (name) => {
      const isNamed = named.has(path.basename(name, ".gz"));
      const changedAt = (await lstatIfExists(path.join(folder, name)))?.mtimeMs ?? 0;
      return { name, rank: isNamed ? changedAt : -1 };
    }),
  );
  const kept = ages
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank)
    .slice(0, MOST_KEPT);
  for (const { name } of ages)
    if (!kept.some((each) => each.name === name)) await rm(path.join(folder, name), { force: true });
}

/**
 * Returns the files in which a source differs from an earlier one, sorted.
 * @returns undefined if the manifest of the earlier source no longer exists.
 */
export function changedSince(
  resultDirectory: string,
  tree: string,
  entries: readonly TreeEntry[],
): string[] | undefined {
  const before = HASH.test(tree) ? readManifest(manifestFile(resultDirectory, tree)) : undefined;
  if (before === undefined) return undefined;
  const changed: string[] = [];
  for (const { mode, object, path: name } of entries) {
    if (before.get(name) !== `${mode} ${object}`) changed.push(name);
    before.delete(name);
  }
  return [...changed, ...before.keys()].sort();
}

/** Returns the names of the files of a source; undefined if its manifest no longer exists. */
export function sourceFiles(
  resultDirectory: string,
  tree: string,
): { has(file: string): boolean } | undefined {
  return HASH.test(tree) ? readManifest(manifestFile(resultDirectory, tree)) : undefined;
}

function readManifest(file: string): Map<string, string> | undefined {
  try {
    const text = gunzipSync(readFileSync(file), { maxOutputLength: MOST_BYTES }).toString();
    const lines = text.split("\0").map((line) => /^(\d+ [0-9a-f]+) (.+)$/s.exec(line));
    return new Map(lines.flatMap((match) => (match ? [[match[2]!, match[1]!] as const] : [])));
  } catch {
    return undefined; // removed or damaged: the changed files cannot be named
  }
}
