import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ResultFile } from "../model/result.ts";
import type { ResultStore } from "./store.ts";

/** Looks into a stored result, which stays where it is. */
export async function withOpened<T>(
  store: ResultStore,
  { stored, files }: { stored: string; files: readonly ResultFile[] },
  look: (directory: string) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(path.join(tmpdir(), "swarm-result-"));
  try {
    return await look(await store.open(stored, files, path.join(temporary, "result")));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
