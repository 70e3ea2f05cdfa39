import type { Stats } from "node:fs";
import path from "node:path";
import type { BuildManifest, Mode } from "../../model/build.ts";
import { no } from "../../model/verdict.ts";
import { linesOf, lstatIfExists } from "../../system/files.ts";
import { isInside } from "../../system/paths.ts";
import { findBuildData } from "./build-data.ts";
import type { ProjectDescriptor } from "../describe/descriptor.ts";
import type { TreeEntry } from "../git/git.ts";
import { otherModeOf } from "../../omnetpp/other-mode.ts";
import { fileOf } from "../../omnetpp/targets.ts";

/** The binaries in the user's own checkout. */
export interface OwnBuild extends Omit<BuildManifest, "protocol"> {
  /** Modification time of the oldest product, in ms since 1970. */
  builtAt: number;
  /**
   * Size and modification time of each product and data file, to distinguish this build from the next one.
   */
  stamps: string[];
}

/** The user's own binaries, or why they cannot be used, as half a sentence. */
export type OwnBinaries = { ok: true; build: OwnBuild } | { ok: false; reason: string };

export interface OwnBuildRequest {
  top: string;
  project: ProjectDescriptor;
  mode: Mode;
  /** The files of the work tree, as they will run. */
  tree: readonly TreeEntry[];
  /** The files in `tree` that differ from the commit. */
  changed: readonly string[];
  /** The files in `tree` that decide the build. */
  sources: readonly TreeEntry[];
}

/**
 * Returns the user's own binaries if they were built from the files of the work tree: every product is newer
 * than every source of the project, committed or not.
 */
export async function findOwnBuild(question: OwnBuildRequest): Promise<OwnBinaries> {
  const { top, project, mode, tree, changed } = question;
  if (project.targets.length === 0) return no("the project does not specify what it builds");
  const targets = project.targets.map((target) => fileOf(target, mode));
  const products = targets.map(({ file }) => file);
  const outside = products.find((product) => !isInside(top, path.join(top, product)));
  if (outside !== undefined) return no(`${path.join(top, outside)} is outside the checkout`);
  const stats = await Promise.all(products.map((product) => lstatIfExists(path.join(top, product))));
  const missing = stats.findIndex((product) => product?.isFile() !== true);
  if (missing !== -1) {
    const other = await otherModeOf(path.join(top, products[missing]!));
    return no(`${products[missing]!} is not built${other === undefined ? "" : `; ${other}`}`);
  }
  const committed = products.find(
    (product) => tree.some((entry) => entry.path === product) && !changed.includes(product),
  );
  if (committed !== undefined)
    return no(`${committed} is in git, so the sources it was built from are unknown`);
  const sent = new Set(tree.map((entry) => entry.path));
  const oldest = Math.min(...stats.map((product) => product!.mtimeMs));
  const newer = await newerCode(question, oldest);
  if (newer !== undefined) return no(`${newer} is newer than ${products[0]!}`);
  const data = await findBuildData(top, project, (file) => sent.has(file) || products.includes(file));
  const written = await Promise.all(data.map((file) => lstatIfExists(path.join(top, file))));
  const build = {
    products,
    targets,
    data,
    nedExclusions: project.nedExclusions ?? (await linesOf(path.join(top, project.folder, ".nedexclusions"))),
    builtAt: oldest,
    stamps: [...stats, ...written].map(stampOf),
  };
  return { ok: true, build };
}

/** Returns whether the user's build is still the one that was found. */
export async function isUnchanged(
  { products, data = [], stamps }: Pick<OwnBuild, "products" | "data" | "stamps">,
  top: string,
): Promise<boolean> {
  const files = await Promise.all([...products, ...data].map((file) => lstatIfExists(path.join(top, file))));
  return files.every((file, index) => stampOf(file) === stamps[index]);
}

function stampOf(file: Stats | undefined): string {
  return `${file?.size} ${file?.mtimeMs}`;
}

/**
 * Returns a source of the project that was changed at or after a time; undefined if there is none.
 * @param timeMs in ms since 1970.
 */
export async function newerCode(
  { top, project, sources }: Pick<OwnBuildRequest, "top" | "project" | "sources">,
  timeMs: number,
): Promise<string | undefined> {
  const generated = [".oppfeaturestate"].map((name) => path.join(project.folder, name));
  const checked = await Promise.all(
    [...sources.map((entry) => entry.path), ...generated].map(async (file) => {
      const stats = await lstatIfExists(path.join(top, file));
      return stats !== undefined && stats.mtimeMs >= timeMs ? file : undefined;
    }),
  );
  return checked.find((file) => file !== undefined);
}
