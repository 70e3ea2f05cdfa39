import type { FileHandle } from "node:fs/promises";
import { isDatabase } from "./database-header.ts";
import { wordsOf } from "./quoted-text.ts";
import { isWanted, type NamedRun } from "./run-values.ts";

/** The attributes of the first run are within this many bytes. */
const HEAD_BYTES = 1 << 16;
/** A larger SQLite file is not read into memory only for this. */
const MOST_DATABASE_BYTES = 1 << 24;
/** The run attribute with the value of the option `seed-set`. */
const ATTRIBUTE = "seedset";

/**
 * Returns the seed set with which a run was executed, from one of its result files; undefined if the file does not say.
 * @throws {UserError} if a SQLite file is damaged.
 * @see OMNeT++ Simulation Manual, "Random Number Generators", `seed-set`.
 */
export async function seedSetIn(
  handle: FileHandle,
  name: string,
  run: NamedRun,
): Promise<string | undefined> {
  if (await isDatabase(handle)) return await seedSetInDatabase(handle, name, run);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
  const attributes = new Map<string, string>();
  for (const line of lines) {
    if (/^(?:vector|scalar|statistic|par) /.test(line)) break; // attributes of these follow
    const [keyword, key, value] = wordsOf(line, 3);
    if (keyword === "attr" && value !== undefined) attributes.set(key!, value);
  }
  return isWanted(attributes, run) ? attributes.get(ATTRIBUTE) : undefined;
}

async function seedSetInDatabase(
  handle: FileHandle,
  name: string,
  run: NamedRun,
): Promise<string | undefined> {
  if ((await handle.stat()).size > MOST_DATABASE_BYTES) return undefined;
  const { rows, withDatabase } = await import("./database.ts");
  return await withDatabase(handle, name, run, ({ database, tables, runId }) => {
    if (!tables.has("runAttr")) return undefined;
    const query = `SELECT attrValue FROM runAttr WHERE runId = ${runId} AND attrName = '${ATTRIBUTE}' LIMIT 1`;
    const [[value] = []] = rows(database, query);
    return typeof value === "string" ? value : undefined;
  });
}
