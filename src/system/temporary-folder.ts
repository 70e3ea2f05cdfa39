import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { removeAbandoned, temporaryName } from "./files.ts";
import { removeTree } from "./remove-tree.ts";

export interface TemporaryFolder extends AsyncDisposable {
  path: string;
}

const cleaned = new Map<string, Promise<void>>();

/**
 * Creates a folder that is removed when the returned object is disposed of. The first call of a process also removes
 * the folders that killed processes of this user have left.
 * @param purpose part of the folder's name.
 * @param parent folder in which it is created (default: the system's folder for temporary files).
 */
export async function makeTemporaryFolder(purpose: string, parent = tmpdir()): Promise<TemporaryFolder> {
  if (!cleaned.has(parent)) cleaned.set(parent, removeAbandoned(parent));
  await cleaned.get(parent);
  const folder = temporaryName(path.join(parent, purpose));
  await mkdir(folder, { mode: 0o700 });
  return { path: folder, [Symbol.asyncDispose]: () => removeTree(folder) };
}
