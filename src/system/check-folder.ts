import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { errorCode, errorText, UserError } from "../errors.ts";
import { temporaryName } from "./files.ts";

const PROBE_BYTES = 4096;

/**
 * Creates one of our folders if it is missing, and checks that a file can be written, read and removed in it. If a
 * program has taken away the owner's permissions, they are restored.
 * @throws {UserError} if the folder cannot be used.
 */
export async function checkFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await probe(directory).catch(async (error: unknown) => {
      if (errorCode(error) !== "EACCES") throw error;
      await chmod(directory, 0o700);
      await probe(directory);
    });
  } catch (error) {
    const reason = errorText(error).replace(/, .*/s, "");
    throw new UserError(`cannot use ${directory}: ${reason}`, { cause: error });
  }
}

async function probe(directory: string): Promise<void> {
  const file = temporaryName(path.join(directory, "probe"));
  const content = randomBytes(PROBE_BYTES);
  try {
    await writeFile(file, content, { flag: "wx" });
    if (!content.equals(await readFile(file)))
      throw new Error("a file does not contain what was written to it");
  } finally {
    await rm(file, { force: true });
  }
}
