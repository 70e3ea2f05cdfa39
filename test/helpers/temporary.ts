import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { errorCode } from "../../src/errors.ts";

export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute, without symbolic links. */
  path: string;
}

/** Creates an empty directory of mode 700, which is removed with its content at the end of the block. */
export async function temporaryDirectory(prefix = "swarm-test-"): Promise<TemporaryDirectory> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), prefix)));
  return { path: directory, [Symbol.asyncDispose]: () => removeDirectory(directory) };
}

/** Removes a directory, even while other processes write files into it. */
export function removeInUse(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true, maxRetries: 20 });
}

/** Removes a directory, even if a test has made folders in it read-only. */
export async function removeDirectory(directory: string): Promise<void> {
  try {
    await removeInUse(directory);
  } catch (error) {
    if (errorCode(error) !== "EACCES") throw error;
    await promisify(execFile)("chmod", ["-R", "u+rwX", directory]);
    await removeInUse(directory);
  }
}
