import type { ChainableCommander } from "ioredis";
import { errorText } from "../errors.ts";

/** Number of jobs that one pipeline asks about. */
const CHUNK = 1000;

/** Returns whether Redis refused a command because the key has another type. */
export function isWrongType(error: unknown): boolean {
  return errorText(error).startsWith("WRONGTYPE");
}

/** Returns the answers of a pipeline, undefined for keys of a wrong type. @throws if Redis did not answer. */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, value]) => {
    if (error !== null && !isWrongType(error)) throw error;
    return error === null ? value : undefined;
  });
}

/** Yields consecutive parts of an array. */
export function* chunks<T>(all: readonly T[], size = CHUNK): Generator<T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}
