import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { itemKey, type RunValues } from "../../src/model/result-item.ts";
import { readScalarFile } from "../../src/omnetpp/scalar-file.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const fixture = (name: string): string => path.join(import.meta.dirname, "../fixtures/omnetpp/scalars", name);

/** Recorded by OMNeT++ 6.2.0, both from the same run; read by `opp_scavetool export --add-fields-as-scalars`. */
const recorded = [fixture("text.sca"), fixture("sqlite.sca")];

const listed = ({ items, values }: RunValues): unknown[][] =>
  items.map(({ module, name, unit, kind }, index) => [kind, module, name, unit, values[index]]);

async function read(text: string | Buffer, ...more: unknown[]): Promise<RunValues | undefined> {
  await using directory = await temporaryDirectory("sca-");
  const file = path.join(directory.path, "a.sca");
  await writeFile(file, text);
  return await readScalarFile(file, ...(more as []));
}

it.each(recorded)("reads the same scalars and fields as opp_scavetool: %s", async (file) => {
  const ours = new Map<string, number>();
  const { items, values } = (await readScalarFile(file))!;
  items.forEach((item, index) => {
    const isExtra = item.kind === "parameter" || (item.kind === "statistic" && item.name.endsWith(":sum"));
    if (!isExtra) ours.set(`${item.kind} ${item.module} ${item.name}`, values[index]!);
  });
  const text = await readFile(fixture("scavetool.json"), "utf8");
  const theirs = JSON.parse(text) as [module: string, name: string, kind: string, value: string][];
  expect([...ours.keys()].sort()).toEqual(
    theirs.map(([module, name, kind]) => `${kind} ${module} ${name}`).sort(),
  );
  for (const [module, name, kind, value] of theirs) {
    const wanted = Number(value.replace("Inf", "Infinity"));
    const our = ours.get(`${kind} ${module} ${name}`)!;
    if (Number.isFinite(wanted)) expect(Math.abs(our / wanted - 1)).toBeLessThan(1e-9);
    else expect(our).toBe(wanted);
  }
});

it("reads the same from text and from SQLite", async () => {
  const [text, database] = await Promise.all(recorded.map((file) => readScalarFile(file)));
  const keys = ({ items }: RunValues): string[] => items.map(itemKey).sort();
  expect(keys(database!)).toEqual(keys(text!));
  expect(listed(text!)).toContainEqual([
    "statistic",
    "Net.host[0]",
    "delay:stats:mean",
    "s",
    0.5860578315216,
  ]);
  expect(listed(text!)).toContainEqual(["statistic", "Net.host[0]", "delay:stats:count", null, 20]);
});

it("reads numeric parameters, in the base unit", async () => {
  const { items, values } = (await readScalarFile(recorded[0]!))!;
  const parameters = listed({ items, values, omitted: 0 }).filter(
    ([kind, module]) => kind === "parameter" && module === "Net.host[0]",
  );
  expect(parameters.map(([, , name, unit, value]) => [name, value, unit])).toEqual([
    ["load", 1, null],
    ["interval", 0.5, "s"],
    ["rate", 9600, "bps"],
  ]);
});

it("reads only the wanted run, and its last recording", async () => {
  const run = (number: number, value: number): string =>
    `run r${value}\nattr configname Load\nattr runnumber ${number}\n\nscalar Net a ${value}\nattr unit s\n\n`;
  const text = `version 3\n${run(0, 1)}${run(1, 2)}${run(0, 3)}${run(2, 4)}`;
  const wanted = { config: "Load", runNumber: 0 };
  expect(listed((await read(text, wanted))!)).toEqual([["scalar", "Net", "a", "s", 3]]);
  expect(await read(text, { config: "Other", runNumber: 0 })).toBeUndefined();
  expect(listed((await read(text))!)).toEqual([["scalar", "Net", "a", "s", 4]]);
  const old = 'version 2\nrun old\nscalar "Net a" \t"b c" \t5\n'; // OMNeT++ 4 and 5
  expect(listed((await read(old, wanted))!)).toEqual([["scalar", "Net a", "b c", null, 5]]);
});

it("ignores lines that are malformed, and counts what is not read", async () => {
  const long = "x".repeat(100_000);
  const text = [
    "run r",
    "scalar Net a",
    "scalar",
    "scalar Net a 1",
    "scalar Net a 2",
    "attr unit",
    `scalar Net ${long} 3`,
    `scalar Net ${"y".repeat(2000)} 4`,
    "field mean 4",
    "attr unit ms",
    "statistic Net b",
    "field mean one",
    "field min -inf",
    "",
    "par Net c exponential(3s)",
    "\0\0\0",
    "scalar Net d 1e400",
  ].join("\r\n");
  const found = (await read(text))!;
  expect(listed(found)).toEqual([
    ["scalar", "Net", "a", null, 1],
    ["statistic", "Net", "b:min", null, -Infinity],
    ["scalar", "Net", "d", null, Infinity],
  ]);
  expect(found.omitted).toBe(2);
});

it("reads no more items and bytes than the limits allow", async () => {
  const lines = Array.from({ length: 100 }, (_, index) => `scalar Net s${index} ${index}`);
  const text = `run r\n${lines.join("\n")}\n`;
  const few = (await read(text, undefined, { items: 10 }))!;
  expect([few.items.length, few.values.length, few.omitted]).toEqual([10, 10, 90]);
  const cut = (await read(text, undefined, { bytes: 40 }))!;
  expect([cut.items.length, cut.omitted]).toEqual([2, 1]);
  const database = (await readScalarFile(recorded[1]!, undefined, { items: 5 }))!;
  expect(database.items).toHaveLength(5);
  expect(database.omitted).toBeGreaterThan(0);
});

it("reports SQLite files that are damaged", async () => {
  const whole = await readFile(recorded[1]!);
  await expect(read(whole.subarray(0, 5000))).rejects.toThrow(/^cannot read the SQLite file .*a\.sca: /);
  await expect(read(Buffer.concat([whole.subarray(0, 16), Buffer.alloc(9000, 7)]))).rejects.toThrow(
    "cannot read the SQLite file",
  );
  expect(await readScalarFile("/nowhere/a.sca")).toBeUndefined();
});
