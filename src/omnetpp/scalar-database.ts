import type { FileHandle } from "node:fs/promises";
import { MOST_ITEMS, type RunValues } from "../model/result-item.ts";
import {
  attributesIn,
  numberOf,
  rows,
  withDatabase,
  type DatabaseRow,
  type OpenedDatabase,
} from "./database.ts";
import { ItemCollector, type NamedRun } from "./run-values.ts";

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

/**
 * Returns the numbers that a run has recorded in a scalar file in SQLite, as `readScalarFile` does.
 * @param name of the file, for messages.
 * @param most maximum number of items.
 * @throws {UserError} if the file is too large or damaged.
 */
export async function readScalarDatabase(
  handle: FileHandle,
  name: string,
  run: NamedRun | undefined,
  most = MOST_ITEMS,
): Promise<RunValues | undefined> {
  return await withDatabase(handle, name, run, (opened) => valuesIn(opened, most));
}

function valuesIn(opened: OpenedDatabase, most: number): RunValues {
  const { database, tables, runId: id } = opened;
  const items = new ItemCollector(most);
  const rowsOf = (table: string, columns: string): DatabaseRow[] => {
    if (!tables.has(table)) return [];
    const [[count] = []] = rows(database, `SELECT count(*) FROM ${table} WHERE runId = ${id}`);
    items.omit(Math.max(0, Number(count) - most));
    return rows(database, `SELECT ${columns} FROM ${table} WHERE runId = ${id} LIMIT ${most}`);
  };

  const scalarUnits = attributesIn(opened, "scalarAttr", "scalarId", "unit");
  for (const [key, module, name, value] of rowsOf(
    "scalar",
    "scalarId, moduleName, scalarName, scalarValue",
  )) {
    const item = items.add("scalar", String(module), String(name), numberOf(value));
    if (item !== undefined) item.unit = scalarUnits.get(key) ?? null;
  }
  const statisticUnits = attributesIn(opened, "statisticAttr", "statId", "unit");
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
