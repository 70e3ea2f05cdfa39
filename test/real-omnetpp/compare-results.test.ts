import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { compareResults } from "./compare-results.js";

interface RunOptions {
  processId: number;
  config?: string[];
  values?: string[];
  mean?: number;
}

/** Result files of one run, in the form that OMNeT++ 6.2 writes. */
function resultFiles({
  processId,
  config = [],
  values = ["0\t1\t0.5\t1", "0\t2\t0.7\t0"],
  mean = 0.5,
}: RunOptions) {
  const header = [
    "version 3",
    `run Load-0-20261123-10:37:12-${processId}`,
    "attr configname Load",
    "attr datetime 20261123-10:37:12",
    "attr datetimef 20261123-103712",
    "attr inifile omnetpp.ini",
    `attr processid ${processId}`,
    "attr resultdir results",
    ...config,
    "config repeat 2",
    "",
  ];
  const declarations = ["vector 0 Mm1.queue queueLength:vector ETV", 'attr title "length, last"'];
  const head = [...header, ...declarations, ""].join("\n");
  const vec = `${head}${values.join("\n")}\n`;
  const block = `0\t${head.length} 24 1 2 0.5 0.7 2 0 1 1 1`;
  return {
    "Load-#0.sca": [...header, `scalar Mm1.queue length:mean ${mean}`, ""].join("\n"),
    "Load-#0.vec": vec,
    "Load-#0.vci": [`file ${vec.length} 1795430232          `, ...header, ...declarations, block, ""].join(
      "\n",
    ),
    "trace.pcap": "\u0000\u0001binary",
  };
}

async function writeAll(directory: string, files: Record<string, string>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    await utimes(file, 1795430232, 1795430232);
  }
  return directory;
}

async function compare(
  expected: Record<string, string>,
  actual: Record<string, string>,
  addedOptions: string[] = [],
) {
  await using directory = await temporaryDirectory();
  return await compareResults(
    await writeAll(path.join(directory.path, "expected"), expected),
    await writeAll(path.join(directory.path, "actual"), actual),
    { addedOptions },
  );
}

const reference = resultFiles({ processId: 99 });

describe("compareResults", () => {
  it("treats runs as equal that differ only in run id, date, process id and offsets that depend on their lengths", async () => {
    const actual = resultFiles({ processId: 10_123 });
    for (const name of ["Load-#0.sca", "Load-#0.vec", "Load-#0.vci"] as const) {
      actual[name] = actual[name]
        .replaceAll("20261123-10:37:12", "20261224-08:00:00")
        .replaceAll("103712", "080000");
    }
    expect(actual["Load-#0.vci"]).not.toContain(reference["Load-#0.vci"].split("\n").at(-2));
    const bytes = Object.values(reference).reduce((sum, content) => sum + content.length, 0);
    expect(await compare(reference, actual)).toEqual({ files: 4, bytes, differences: [] });
  });

  it("counts the offsets of an event log from where its run is named", async () => {
    const log = (processId: number, shift = 0) => {
      const begin = `SB ov 1538 ev 2 rid Load-0-20261123-10:37:12-${processId}\n\nE # 0 t 0 m 1 ce -1 msg -1\n`;
      const offset = begin.length + shift;
      return {
        "a.elog": `${begin}I f ${offset} i -1 s -1 # 2 t 0.4\nI f ${offset + 30} i ${offset} s -1 # 5 t 0.8\n`,
      };
    };
    expect((await compare(log(99), log(10_123))).differences).toEqual([]);
    const [difference] = (await compare(log(99), log(99, 1))).differences;
    expect(difference?.reason).toMatch(/^line 4: "I f/);
  });

  it("reports the config line of an option, unless it is listed as added", async () => {
    const actual = resultFiles({ processId: 99, config: ["config cmdenv-redirect-output true"] });
    const { differences } = await compare(reference, actual);
    expect(differences.map(({ file }) => file)).toEqual(["Load-#0.sca", "Load-#0.vci", "Load-#0.vec"]);
    expect(differences[0]?.reason).toBe(
      'line 9: "config cmdenv-redirect-output true", expected (line 9): "config repeat 2"',
    );
    expect((await compare(reference, actual, ["cmdenv-redirect-output"])).differences).toEqual([]);
    expect((await compare(actual, reference, ["cmdenv-redirect-output"])).differences).toEqual([]);
  });

  it("reports a scalar that differs", async () => {
    const { differences } = await compare(reference, resultFiles({ processId: 99, mean: 0.25 }));
    expect(differences).toEqual([
      {
        file: "Load-#0.sca",
        reason:
          'line 11: "scalar Mm1.queue length:mean 0.25", expected (line 11): "scalar Mm1.queue length:mean 0.5"',
      },
    ]);
  });

  it("reports a truncated vector file and an index that belongs to another file", async () => {
    const whole = resultFiles({ processId: 99 });
    const actual = { ...whole, "Load-#0.vec": whole["Load-#0.vec"].slice(0, -10) };
    const { differences } = await compare(reference, actual);
    expect(differences.map(({ file, reason }) => `${file}: ${reason}`)).toEqual([
      "Load-#0.vci: index is not that of its .vec (size or time)",
      expect.stringMatching(/^Load-#0.vec: .*expected \(line 14\): "0\\t2\\t0.7\\t0"$/),
    ]);
  });

  it("reports a vector file that ends at a line's end, without its last values", async () => {
    const short = resultFiles({ processId: 99, values: ["0\t1\t0.5\t1"] });
    const { differences } = await compare(reference, short);
    expect(differences.map(({ file }) => file)).toEqual(["Load-#0.vci", "Load-#0.vec"]);
    expect(differences[1]?.reason).toContain('expected (line 14): "0\\t2\\t0.7\\t0"');
  });

  it("reports a missing newline at the end, a missing file, an extra file, and bytes that differ", async () => {
    const { "Load-#0.sca": sca, "Load-#0.vec": vec, "Load-#0.vci": vci } = resultFiles({ processId: 99 });
    const actual = { "Load-#0.sca": sca.slice(0, -1), "Load-#0.vec": vec, "Load-#0.vci": vci };
    const { differences } = await compare(
      { ...reference, "b.pcap": "abc" },
      { ...actual, "b.pcap": "axc", "surplus/c.pcap": "" },
    );
    expect(differences).toEqual([
      { file: "Load-#0.sca", reason: 'ends after line 11, expected (line 12): ""' },
      { file: "b.pcap", reason: "byte 1 is 120, expected 98" },
      { file: "surplus/c.pcap", reason: "not expected" },
      { file: "trace.pcap", reason: "missing" },
    ]);
  });

  it("reports an index whose vector file has lost its modification time", async () => {
    await using directory = await temporaryDirectory();
    const expected = await writeAll(path.join(directory.path, "expected"), reference);
    const actual = await writeAll(path.join(directory.path, "actual"), resultFiles({ processId: 7 }));
    await utimes(path.join(actual, "Load-#0.vec"), 1795430240, 1795430240);
    const { differences } = await compareResults(expected, actual);
    expect(differences).toEqual([
      { file: "Load-#0.vci", reason: "index is not that of its .vec (size or time)" },
    ]);
    expect((await stat(path.join(expected, "Load-#0.vec"))).mtimeMs).toBe(1795430232_000);
  });

  it("leaves out files that are not results", async () => {
    const others = { "Load-#0.out": "log", ".swarm/records/0.json": "{}", "failed/Load-#1.sca": "version 3" };
    expect((await compare(reference, { ...reference, ...others })).differences).toEqual([]);
  });

  it("streams files of many chunks and finds a difference in the last one", async () => {
    const values = Array.from({ length: 60_000 }, (_, index) => `0\t${index}\t${index / 10}\t1`);
    const long = resultFiles({ processId: 1, values });
    const changed = resultFiles({ processId: 22, values: values.with(-1, "0\t59999\t5999.9\t2") });
    expect((await compare(long, resultFiles({ processId: 22, values }))).differences).toEqual([]);
    expect((await compare(long, changed)).differences[0]?.reason).toMatch(/^line 60012: .*5999\.9/);
  });
});
