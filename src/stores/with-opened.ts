import path from "node:path";
import type { ResultFile } from "../model/result.ts";
import { makeTemporaryFolder } from "../system/temporary-folder.ts";
import type { ResultStore } from "./store.ts";

/** Calls a function with the directory of a stored result, which stays in the store. Returns the function's value. */
export async function withOpenedResult<T>(
  store: ResultStore,
  { stored, files }: { stored: string; files: readonly ResultFile[] },
  look: (directory: string) => Promise<T>,
): Promise<T> {
  await using temporary = await makeTemporaryFolder("result");
  return await look(await store.open(stored, files, path.join(temporary.path, "result")));
}
