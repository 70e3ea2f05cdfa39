import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { shortHash } from "../../short-hash.ts";
import { lstatIfExists } from "../../system/files.ts";
import { installedFile } from "../../system/installation.ts";
import type { BuildArguments, ImageNames } from "../services.ts";

/**
 * The images that were published for this version of the tool, by their digests. If undefined, images are built on the
 * manager.
 */
export const PUBLISHED: { worker: string; distcc: string } | undefined = undefined as
  { worker: string; distcc: string } | undefined;

/** Versions with which the stack file was tested. */
const SERVICE_IMAGES = {
  redis: "redis:7.4-bookworm",
  mongo: "mongo:7.0",
  visualizer: "dockersamples/visualizer:stable",
  registry: "registry:2.8",
} as const;

/** The registry on machines that swarm-tool created; each machine has its own at its loopback address. */
export const OWN_REGISTRY = "127.0.0.1:5000";

/** All images of a stack, by service. */
export type StackImages = Record<keyof ImageNames, string>;

/** Images that are built on the manager if there are neither published nor the user's own ones. */
export const BUILT_IMAGES = ["distcc", "worker"] as const;
export type BuiltImage = (typeof BUILT_IMAGES)[number];

/**
 * Returns the images of all services.
 * @param tag of images that are built on the manager; identifies the build.
 * @param registry to which built images are pushed, if any.
 */
export function stackImages(
  given: ImageNames,
  { own }: BuildArguments,
  tag: string,
  registry: string | undefined,
): StackImages {
  const published = own ? undefined : PUBLISHED;
  const built = (name: string): string =>
    `${registry === undefined ? "" : `${registry}/`}inet-swarm-${name}:${tag}`;
  return {
    worker: given.worker ?? published?.worker ?? built("worker"),
    distcc: given.distcc ?? published?.distcc ?? built("distcc"),
    redis: given.redis ?? SERVICE_IMAGES.redis,
    mongo: given.mongo ?? SERVICE_IMAGES.mongo,
    visualizer: given.visualizer ?? SERVICE_IMAGES.visualizer,
    registry: given.registry ?? SERVICE_IMAGES.registry,
  };
}

/**
 * Returns a tag that depends on the content of this installation and the build arguments, but not on the paths of the
 * installation and the archive.
 */
export async function imageTag(build: BuildArguments): Promise<string> {
  const hash = createHash("sha256").update(await describeBuild(build));
  const root = installedFile(".");
  for (const file of await ownFiles()) hash.update(path.relative(root, file)).update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}

/** Returns the name of the image that contains only OMNeT++, from which the worker's image is built. */
export async function omnetppImage(build: BuildArguments): Promise<string> {
  return `inet-swarm-omnetpp:${shortHash(await describeBuild(build), 12)}`;
}

async function describeBuild({ own: _, omnetppArchive: archive, ...build }: BuildArguments): Promise<string> {
  const url = archive !== undefined && isUrl(archive) ? archive : undefined;
  const digest = build.omnetppDigest ?? (archive === undefined ? undefined : await digestOf(archive));
  const values = Object.entries({ ...build, url, omnetppDigest: digest });
  return JSON.stringify(values.filter(([, value]) => value !== undefined).sort());
}

/** Returns whether an archive is given by its URL. */
export function isUrl(archive: string): boolean {
  return /^https?:/.test(archive);
}

/** Returns the SHA-256 of an archive; undefined if it is not on this machine, or is a URL. */
export async function digestOf(archive: string): Promise<string | undefined> {
  if (isUrl(archive) || (await lstatIfExists(archive)) === undefined) return undefined;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function ownFiles(): Promise<string[]> {
  const folders = ["bin", "dist", "docker"].map(installedFile);
  const entries = await Promise.all(
    folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })),
  );
  return entries
    .flat()
    .filter((entry) => entry.isFile() && /\.js$|^Dockerfile$|\.sh$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
