import { readFile, stat } from "node:fs/promises";
import type { Database, SqlJsStatic } from "sql.js/dist/sql-wasm-inline.js";
import { UserError } from "../errors.ts";
import { MOST_ITEMS, type RunValues } from "../model/result-item.ts";
import { isWanted, ItemCollector, type NamedRun } from "./run-values.ts";

/** Maximum size of a file: the whole file is read into memory. */
const MOST_BYTES = 1 << 28;
/** After a file of this size, the library is loaded again for the next one: its memory never shrinks. */
const LARGE_BYTES = 1 << 24;
/** Maximum number of attributes to read of all items of a kind. */
const MOST_ATTRIBUTES = 100_000;

/** Columns of a statistic, by the names of the fields in text files. */
const FIELDS = [
  ["count", "statCount"],
  ["mean", "statMean"],
  ["stddev", "statStddev"],
  ["min", "statMin"],
  ["max", "statMax"],
  ["sum", "statSum"],
  ["weights", "statWeights"],
] as const;

type Row = readonly (number | string | Uint8Array | null)[];

let loaded: Promise<SqlJsStatic> | undefined;

function load(): Promise<SqlJsStatic> {
  return import("sql.js/dist/sql-wasm-inline.js").then(({ default: init }) => init());
}

/**
 * Returns the numbers that a run has recorded in a scalar file in SQLite, as `readScalarFile` does.
 * @param most maximum number of items.
 * @throws {UserError} if the file is too large.
 * @throws {Error} if it is damaged.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "SQLite Result Files".
 */
export async function readScalarDatabase(
  file: string,
  run: NamedRun | undefined,
  most = MOST_ITEMS,
): Promise<RunValues | undefined> {
  const { size } = await stat(file);
  if (size > MOST_BYTES)
    throw new UserError(`the SQLite file ${file} is larger than ${MOST_BYTES / (1 << 20)} MiB`, {
      hint: "record vectors into a file of their own, or use the text format",
    });
  loaded ??= load();
  const { Database } = await loaded;
  const database = new Database(await readFile(file));
  try {
    return valuesIn(database, run, most);
  } finally {
    database.close();
    if (size > LARGE_BYTES) loaded = undefined;
  }
}

function valuesIn(database: Database, wanted: NamedRun | undefined, most: number): RunValues | undefined {
  const tables = tablesOf(database);
  const id = runIn(database, tables, wanted);
  if (id === undefined) return undefined;
  const items = new ItemCollector(most);
  const rowsOf = (table: string, columns: string): Row[] => {
    if (!tables.has(table)) return [];
    const [[count] = []] = rows(database, `SELECT count(*) FROM ${table} WHERE runId = ${id}`);
    items.omit(Math.max(0, Number(count) - most));
    return rows(database, `SELECT ${columns} FROM ${table} WHERE runId = ${id} LIMIT ${most}`);
  };
  const unitsOf = (table: string, key: string): Map<unknown, string> =>
    tables.has(table) ? unitsIn(database, table, key) : new Map<unknown, string>();

  const scalarUnits = unitsOf("scalarAttr", "scalarId");
  for (const [key, module, name, value] of rowsOf(
    "scalar",
    "scalarId, moduleName, scalarName, scalarValue",
  )) {
    const item = items.add("scalar", String(module), String(name), numberOf(value));
    if (item !== undefined) item.unit = scalarUnits.get(key) ?? null;
  }
  const statisticUnits = unitsOf("statisticAttr", "statId");
  const columns = `statId, moduleName, statName, isWeighted, ${FIELDS.map(([, column]) => column).join(", ")}`;
  for (const [key, module, name, isWeighted, ...values] of rowsOf("statistic", columns)) {
    const other = isWeighted === 1 ? "sum" : "weights"; // which is not recorded
    const statistic = {
      module: String(module),
      name: String(name),
      unit: statisticUnits.get(key) ?? null,
    };
    FIELDS.forEach(([field], index) => {
      if (field !== other) items.addField(statistic, field, numberOf(values[index]));
    });
  }
  for (const [module, name, value] of rowsOf("parameter", "moduleName, paramName, paramValue"))
    items.addParameter(String(module), String(name), String(value));
  return items.result();
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

/** Returns the units of items, by their IDs. */
function unitsIn(database: Database, table: string, key: string): Map<unknown, string> {
  const query = `SELECT ${key}, attrValue FROM ${table} WHERE attrName = 'unit' LIMIT ${MOST_ATTRIBUTES}`;
  return new Map(rows(database, query).map(([item, unit]) => [item, String(unit)]));
}

function rows(database: Database, query: string): Row[] {
  return database.exec(query)[0]?.values ?? [];
}

/** SQLite stores NaN as NULL. */
function numberOf(value: Row[number] | undefined): number {
  return typeof value === "number" ? value : NaN;
}
