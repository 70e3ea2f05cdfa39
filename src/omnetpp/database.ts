import type { FileHandle } from "node:fs/promises";
import type { Database, SqlJsStatic } from "sql.js/dist/sql-wasm-inline.js";
import { errorText, UserError } from "../errors.ts";
import { isWanted, type NamedRun } from "./run-values.ts";

const MIB = 1 << 20;
/** Maximum size of a file: the whole file is read into memory. */
const MOST_BYTES = 1 << 28;
/** After a file of this size, the library is loaded again for the next one: its memory never shrinks. */
const LARGE_BYTES = 1 << 24;
/** Maximum number of attributes to read of all items of a kind. */
const MOST_ATTRIBUTES = 100_000;

export type Value = number | string | Uint8Array | null;
export type DatabaseRow = readonly Value[];

/** A result file in SQLite's format, with its tables and the wanted run. */
export interface OpenedDatabase {
  database: Database;
  tables: ReadonlySet<string>;
  runId: number;
}

let loaded: Promise<SqlJsStatic> | undefined;

function load(): Promise<SqlJsStatic> {
  return import("sql.js/dist/sql-wasm-inline.js").then(({ default: init }) => init());
}

/**
 * Calls a function with a result file in SQLite's format. Returns its value, or undefined if the file does not contain
 * the run.
 * @param name of the file, for messages.
 * @param run undefined: the last run in the file.
 * @throws {UserError} if the file is too large or damaged.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "SQLite Result Files".
 */
export async function withDatabase<T>(
  handle: FileHandle,
  name: string,
  run: NamedRun | undefined,
  work: (opened: OpenedDatabase) => T | Promise<T>,
): Promise<T | undefined> {
  const { size } = await handle.stat();
  if (size > MOST_BYTES)
    throw new UserError(
      `the SQLite file ${name} has ${Math.ceil(size / MIB)} MiB, and only files of up to ${MOST_BYTES / MIB} MiB can be read, because SQLite files are read into memory as a whole`,
      {
        hint: "record vectors in the text format, which is read in parts, or open the file with opp_scavetool",
      },
    );
  loaded ??= load();
  const { Database } = await loaded;
  try {
    const content = Buffer.allocUnsafe(size);
    const { bytesRead } = await handle.read(content, 0, size, 0);
    const database = new Database(content.subarray(0, bytesRead));
    try {
      const tables = tablesOf(database);
      const runId = runIn(database, tables, run);
      return runId === undefined ? undefined : await work({ database, tables, runId });
    } finally {
      database.close();
      if (size > LARGE_BYTES) loaded = undefined;
    }
  } catch (error) {
    if (error instanceof UserError || (error as Error).name === "AbortError") throw error;
    throw new UserError(`cannot read the SQLite file ${name}: ${errorText(error)}`, { cause: error });
  }
}

/**
 * Returns the names of a database's tables. A view or a virtual table is none: with these, a hostile file could make a
 * query of it that never ends.
 */
function tablesOf(database: Database): Set<string> {
  const query =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' LIMIT 1000";
  return new Set(rows(database, query).map(([name]) => String(name)));
}

/** Returns the ID of the last wanted run in a database; undefined if there is none. */
function runIn(
  database: Database,
  tables: ReadonlySet<string>,
  wanted: NamedRun | undefined,
): number | undefined {
  if (!tables.has("run")) return undefined;
  const attributes = new Map<number, Map<string, string>>();
  const all = tables.has("runAttr")
    ? rows(database, `SELECT runId, attrName, attrValue FROM runAttr LIMIT ${MOST_ATTRIBUTES}`)
    : [];
  for (const [run, name, value] of all) {
    const own = attributes.get(Number(run)) ?? new Map<string, string>();
    attributes.set(Number(run), own.set(String(name), String(value)));
  }
  return rows(database, `SELECT runId FROM run ORDER BY runId LIMIT ${MOST_ATTRIBUTES}`)
    .map(([run]) => Number(run))
    .findLast((run) => Number.isSafeInteger(run) && isWanted(attributes.get(run) ?? new Map(), wanted));
}

/**
 * Returns a list of what a run has recorded in a file, which is empty if the file does not contain the run.
 * @param most number of entries in the list.
 * @param itemsIn returns the entries, at least one more than `most` if there are more.
 * @throws {UserError} if the file is too large or damaged.
 */
export async function listItems<T>(
  handle: FileHandle,
  name: string,
  run: NamedRun,
  most: number,
  itemsIn: (opened: OpenedDatabase) => T[],
): Promise<{ items: T[]; omitted: number; isPartial: false }> {
  const all = (await withDatabase(handle, name, run, itemsIn)) ?? [];
  return { items: all.slice(0, most), omitted: Math.max(0, all.length - most), isPartial: false };
}

/** Returns an attribute of items, such as their units, by their IDs. */
export function attributesIn(
  { database, tables }: OpenedDatabase,
  table: string,
  key: string,
  name: "unit" | "interpolationmode",
): Map<unknown, string> {
  if (!tables.has(table)) return new Map();
  const query = `SELECT ${key}, attrValue FROM ${table} WHERE attrName = '${name}' LIMIT ${MOST_ATTRIBUTES}`;
  return new Map(rows(database, query).map(([item, value]) => [item, String(value)]));
}

export function rows(database: Database, query: string): DatabaseRow[] {
  return database.exec(query)[0]?.values ?? [];
}

/** SQLite stores NaN as NULL. */
export function numberOf(value: Value | undefined): number {
  return typeof value === "number" ? value : NaN;
}
