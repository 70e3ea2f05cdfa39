import path from "node:path";
import type { ResultFile } from "../model/result.ts";
import { makeTemporaryFolder } from "../system/temporary-folder.ts";
import type { ResultStore } from "./store.ts";

/** Looks into a stored result, which stays where it is. */
export async function withOpened<T>(
  store: ResultStore,
  { stored, files }: { stored: string; files: readonly ResultFile[] },
  look: (directory: string) => Promise<T>,
): Promise<T> {
  await using temporary = await makeTemporaryFolder("result");
  return await look(await store.open(stored, files, path.join(temporary.path, "result")));
}
