import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitBatchOutput } from "../../src/omnetpp/batch-output.ts";
import { elapsedMsIn } from "../../src/omnetpp/cmdenv-lines.ts";
import { pidIn, withHost } from "../../src/omnetpp/host-names.ts";
import { packageIn } from "../../src/omnetpp/ned-files.ts";
import { parseConfigNames, unloadableLibrary, withoutMoments } from "../../src/omnetpp/query-output.ts";
import { unquoted } from "../../src/omnetpp/quoted-text.ts";
import { runIdIn } from "../../src/omnetpp/result-files.ts";
import { versionIn } from "../../src/omnetpp/simulator.ts";
import { ScalarLayout } from "../../src/omnetpp/scalar-layout.ts";
import { parseScalars } from "../../src/omnetpp/scalar-file.ts";
import { always, answers, repeated, textWith } from "./outside.ts";

const PIECES = [
  "Preparing for running configuration A, run #3...\n",
  "Preparing for running configuration ",
  ", run #",
  "Assigned runID=A-3-x\n",
  "Run statistics: total 3, successful 3\n",
  "** Event #1   t=0.5   Elapsed: 1e-3s (0m 00s)",
  "\n** Event #1   t=",
  "   Elapsed: ",
  "End.\n",
];

/** As the simulator writes a string. */
function quoted(text: string): string {
  const names: Record<string, string> = { "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t" };
  const written = Array.from(text).map((each) => {
    if (names[each] !== undefined) return `\\${names[each]}`;
    if (each === '"' || each === "\\") return `\\${each}`;
    return each < " " ? `\\x${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}` : each;
  });
  return `"${written.join("")}"`;
}

describe("the output of several runs", () => {
  it("is split whatever it is, and loses nothing that a run printed", () => {
    always(textWith(...PIECES), (text) => {
      for (const part of answers(() => splitBatchOutput(text))!) {
        expect(Number.isSafeInteger(part.runNumber) || part.runNumber > 2 ** 53).toBe(true);
        expect(Number.isFinite(part.elapsedMs)).toBe(true);
        if (part.runId !== undefined) expect(text).toContain(`Assigned runID=${part.runId}`);
      }
    });
  });

  it("gives back what each run printed", () => {
    const line = fc
      .stringMatching(/^[\w .,:#=-]{0,30}$/)
      .filter((text) => !/^(?:Prep|Assig|Run )/.test(text));
    const printed = fc
      .array(line, { maxLength: 5 })
      .map((lines) => lines.map((each) => `${each}\n`).join(""));
    always(fc.tuple(printed, fc.array(printed, { minLength: 1, maxLength: 4 })), ([preamble, runs]) => {
      const begun = runs.map((text, at) => `Preparing for running configuration A, run #${at}...\n${text}`);
      const parts = splitBatchOutput(`${preamble}${begun.join("")}Run statistics: total 9\n\nEnd.\n`);
      expect(parts.map(({ text }) => text)).toEqual(begun.map((text) => `${preamble}${text}End.\n`));
    });
  });

  it("is split soon, however long and odd it is", () => {
    always(repeated(50_000, ...PIECES), (text) => answers(() => splitBatchOutput(text)), 50);
    always(repeated(50_000, ...PIECES), (text) => answers(() => elapsedMsIn(text)), 50);
  });
});

describe("a quoted text", () => {
  it("is what was quoted, whatever characters it has", () => {
    always(fc.string({ unit: "binary", maxLength: 20 }), (text) => expect(unquoted(quoted(text))).toBe(text));
    always(
      fc.tuple(fc.string({ minLength: 1, maxLength: 9 }), fc.string({ minLength: 1, maxLength: 9 })),
      ([module, name]) =>
        expect(parseScalars(`scalar ${quoted(module)} ${quoted(name)} 1`)?.items).toEqual([
          { kind: "scalar", module, name, unit: null },
        ]),
    );
  });

  it("stays as it is where it is not quoted to its end", () => {
    for (const text of ["", '"', '"a', 'a"', '"a"b"', '"a\\"', "'a'", '"a" "b"'])
      expect(unquoted(text)).toBe(text);
    always(repeated(50_000, '"', "\\", "\\x", "a"), (text) => answers(() => unquoted(`"${text}`)), 100);
  });
});

describe("single lines and names", () => {
  const texts = textWith(
    "run ",
    "run A-0-x\n",
    "package ",
    "a.b;",
    "Config ",
    ": 3",
    "omnetpp-",
    "20260101-",
  );
  const READERS = [runIdIn, packageIn, parseConfigNames, unloadableLibrary, withoutMoments, versionIn];

  it("are read whatever they are, and soon", () => {
    always(texts, (text) => answers(() => READERS.map((read) => read(text))));
    always(
      repeated(50_000, "run ", "package a", ".", "Config ", ": 1", "20260101-10", ":00", "\n"),
      (text) => answers(() => READERS.map((read) => read(text))),
      50,
    );
  });

  it("have the host and process id that were put into them", () => {
    const name = fc.stringMatching(/^[A-Za-z][\w#=,-]{0,12}$/);
    const host = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}(?:\.[a-z]{2,5})?$/);
    always(fc.tuple(name, host, fc.nat()), ([file, machine, pid]) => {
      expect(pidIn(withHost(`results/${file}.sca`, machine, pid), machine)).toBe(String(pid));
    });
  });
});

describe("scalar files", () => {
  const LINES = [
    "run A-0-x\n",
    "attr configname A\n",
    "attr runnumber 0\n",
    "attr runnumber 1\n",
    "attr unit s\n",
    'attr "unit" "m s"\n',
    "scalar N a ",
    'scalar "N b" "c d"\t',
    "scalar N a 1\n",
    "statistic N s\n",
    "field mean ",
    "field sqrsum 4\n",
    "field other nan\n",
    "par N p ",
    "par N q 5ms\n",
    'par N r "a b"\n',
    "param N.x 3\n",
    "bin\t-inf\t0\n",
    "1\n",
    "2s\n",
    " 3\r\n",
    "-nan\n",
    "inf\n",
    "\n",
    "x",
  ];
  const files = fc.array(fc.constantFrom(...LINES), { maxLength: 14 }).map((lines) => lines.join(""));
  const wanted = { config: "A", runNumber: 0 };

  it("are parsed, whatever they contain", () => {
    always(textWith(...LINES), (text) => answers(() => parseScalars(text, wanted)));
  });

  it("are read by the layout of another file as by parsing them", () => {
    let read = 0;
    const changed = fc.tuple(
      files,
      fc.array(fc.tuple(fc.nat(100), fc.constantFrom(...LINES)), { maxLength: 2 }),
    );
    always(
      changed.map(([file, changes]) => {
        const other = changes.reduce((text, [at, line]) => text.slice(0, at) + line + text.slice(at), file);
        return [`run A-0-x\n${file}`, `run A-0-y\n${other}`] as const;
      }),
      ([file, other]) => {
        const parsed = parseScalars(file, wanted);
        const layout = parsed && ScalarLayout.of(file, parsed);
        const found = layout?.read(other, wanted);
        if (found === undefined) return;
        read++;
        expect(found).toEqual(parseScalars(other, wanted));
      },
      3000,
    );
    expect(read).toBeGreaterThan(100);
  });
});
