import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { create } from "tar";
import { installedFile } from "../../system/installation.ts";

/** The parts of this installation that the worker image contains or the Dockerfile reads. */
const OWN = ["package.json", "bin", "dist", "docker/entrypoint.sh", "src/dashboard/page", "examples/mm1"];
/** Packages that are not bundled but imported by name. */
const EXTERNAL = ["@bull-board/api", "@bull-board/hono", "@bull-board/ui"];
/** Peer dependencies that are only needed for types. Other optional ones are needed at run time: bull-board's bullmq. */
const FOR_TYPES = ["typescript"];
/** Name of the user's OMNeT++ archive in the context. */
export const ARCHIVE_IN_CONTEXT = "omnetpp.tgz";

/**
 * Returns the context for `docker build` as a tar stream: the Dockerfile and, in `inet-swarm/`, this installation. The
 * image thus contains exactly this version, and building it needs no package registry.
 * @param archive an OMNeT++ archive on this machine that is added to the context.
 */
export async function buildContext(archive?: string): Promise<Readable> {
  const root = installedFile(".");
  const packages = await externalPackages(root);
  const names = [...OWN, ...packages].filter((name) => existsSync(path.join(root, name)));
  const files = [...names, "docker/Dockerfile", ...(archive === undefined ? [] : [path.resolve(archive)])];
  const stream = create(
    {
      cwd: root,
      portable: true,
      preservePaths: true,
      filter: (file) => !/\.(map|d\.[cm]?ts)$/.test(file) && !/\/node_modules\/\.cache/.test(file),
      onWriteEntry(entry) {
        entry.path = placeInContext(entry.path, archive);
      },
    },
    files,
  );
  return stream as unknown as Readable;
}

function placeInContext(file: string, archive: string | undefined): string {
  if (archive !== undefined && path.resolve(archive) === path.resolve("/", file)) return ARCHIVE_IN_CONTEXT;
  if (file === "docker/Dockerfile") return "Dockerfile";
  return `inet-swarm/${file}`;
}

/** Returns the folders, relative to the root, of the packages that are imported by name, and of their dependencies. */
async function externalPackages(root: string): Promise<string[]> {
  const found = new Set<string>();
  const visit = async (name: string, from: string): Promise<void> => {
    const folder = locate(name, from, root);
    if (folder === undefined || found.has(folder)) return;
    found.add(folder);
    const text = await readFile(path.join(root, folder, "package.json"), "utf8");
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(text) as Manifest;
    const needed = Object.keys({ ...dependencies, ...peerDependencies });
    for (const each of needed) if (!FOR_TYPES.includes(each)) await visit(each, folder);
  };
  for (const name of EXTERNAL) await visit(name, "");
  return [...found];
}

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Returns the folder of a package as Node.js finds it: in the nearest `node_modules`. */
function locate(name: string, from: string, root: string): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "node_modules", name);
    if (existsSync(path.join(root, candidate, "package.json"))) return candidate;
    if (folder === "" || folder === ".") return undefined;
  }
}
