import type { Stats } from "node:fs";
import path from "node:path";
import type { BuildManifest, Mode } from "../../model/build.ts";
import { linesOf, statIfThere } from "../../system/files.ts";
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
  /** Size and modification time of each product and of the data: what tells this build from the next one. */
  stamps: string[];
}

export interface OwnBuildQuestion {
  top: string;
  project: ProjectDescriptor;
  mode: Mode;
  /** The files of the work tree that are to run. */
  tree: readonly TreeEntry[];
  /** Those of them that differ from the commit. */
  changed: readonly string[];
  /** Those that decide the build. */
  sources: readonly TreeEntry[];
}

/**
 * The user's own binaries, where they are those of his work tree: every product is newer than every source of
 * the project, committed or not.
 * @returns the reason, as half a sentence, where they are not.
 */
export async function findOwnBuild(question: OwnBuildQuestion): Promise<OwnBuild | string> {
  const { top, project, mode, tree, changed } = question;
  if (project.targets.length === 0) return "the project does not specify what it builds";
  const targets = project.targets.map((target) => fileOf(target, mode));
  const products = targets.map(({ file }) => file);
  const outside = products.find((product) => !isInside(top, path.join(top, product)));
  if (outside !== undefined) return `${path.join(top, outside)} is outside the checkout`;
  const stats = await Promise.all(products.map((product) => statIfThere(path.join(top, product))));
  const missing = stats.findIndex((product) => product?.isFile() !== true);
  if (missing !== -1) {
    const other = await otherModeOf(path.join(top, products[missing]!));
    return `${products[missing]!} is not built${other === undefined ? "" : `; ${other}`}`;
  }
  const committed = products.find(
    (product) => tree.some((entry) => entry.path === product) && !changed.includes(product),
  );
  if (committed !== undefined) return `${committed} is in git, so the sources it was built from are unknown`;
  const sent = new Set(tree.map((entry) => entry.path));
  const oldest = Math.min(...stats.map((product) => product!.mtimeMs));
  const newer = await newerCode(question, oldest);
  if (newer !== undefined) return `${newer} is newer than ${products[0]!}`;
  const data = await findBuildData(top, project, (file) => sent.has(file) || products.includes(file));
  const written = await Promise.all(data.map((file) => statIfThere(path.join(top, file))));
  return {
    products,
    targets,
    data,
    nedExclusions: project.nedExclusions ?? (await linesOf(path.join(top, project.folder, ".nedexclusions"))),
    builtAt: oldest,
    stamps: [...stats, ...written].map(stampOf),
  };
}

/** Whether a build of the user is still the one that was found. */
export async function isUnchanged(
  { products, data = [], stamps }: Pick<OwnBuild, "products" | "data" | "stamps">,
  top: string,
): Promise<boolean> {
  const files = await Promise.all([...products, ...data].map((file) => statIfThere(path.join(top, file))));
  return files.every((file, at) => stampOf(file) === stamps[at]);
}

function stampOf(file: Stats | undefined): string {
  return `${file?.size} ${file?.mtimeMs}`;
}

/** A source of the project that was changed at a time, in ms since 1970, or after it. */
export async function newerCode(
  { top, project, sources }: Pick<OwnBuildQuestion, "top" | "project" | "sources">,
  timeMs: number,
): Promise<string | undefined> {
  const generated = [".oppfeaturestate"].map((name) => path.join(project.folder, name));
  const checked = await Promise.all(
    [...sources.map((entry) => entry.path), ...generated].map(async (file) => {
      const stats = await statIfThere(path.join(top, file));
      return stats !== undefined && stats.mtimeMs >= timeMs ? file : undefined;
    }),
  );
  return checked.find((file) => file !== undefined);
}
