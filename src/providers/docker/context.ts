import { existsSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { create } from "tar";
import { installedFile } from "../../system/installation.ts";

/** The parts of this installation that the worker image contains or the Dockerfile reads. */
const OWN = ["package.json", "bin", "dist", "docker/entrypoint.sh", "examples/mm1", "native"];
/** Name of the user's OMNeT++ archive in the context. */
export const ARCHIVE_IN_CONTEXT = "omnetpp.tgz";

/**
 * Returns the context for `docker build` as a tar stream: the Dockerfile and, in `inet-swarm/`, this installation. The
 * image thus contains exactly this version, and building it needs no package registry.
 * @param archive an OMNeT++ archive on this machine that is added to the context.
 */
export function buildContext(archive?: string): Readable {
  const root = installedFile(".");
  const names = OWN.filter((name) => existsSync(path.join(root, name)));
  const files = [...names, "docker/Dockerfile", ...(archive === undefined ? [] : [path.resolve(archive)])];
  const stream = create(
    {
      cwd: root,
      portable: true,
      preservePaths: true,
      filter: (file) => !file.endsWith(".d.ts"),
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
