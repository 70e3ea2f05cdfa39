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
 * Makes a folder that is removed when its work is done. What killed processes of this user have left there is removed, too, once
 * in a process.
 * @param parent where it is made: the user's folder for temporary files, by default.
 */
export async function makeTemporaryFolder(purpose: string, parent = tmpdir()): Promise<TemporaryFolder> {
  if (!cleaned.has(parent)) cleaned.set(parent, removeAbandoned(parent));
  await cleaned.get(parent);
  const folder = temporaryName(path.join(parent, purpose));
  await mkdir(folder, { mode: 0o700 });
  return { path: folder, [Symbol.asyncDispose]: () => removeTree(folder) };
}
