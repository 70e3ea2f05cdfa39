import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseScalars } from "../../src/omnetpp/scalar-file.ts";
import { CmdenvOutput } from "../../src/omnetpp/cmdenv-output.ts";
import { parseLine } from "../../src/omnetpp/cmdenv-lines.ts";
import { MAX_LINE_LENGTH } from "../../src/omnetpp/line-splitter.ts";
import { parseRunConfig, parseRunConfigs, parseRuns } from "../../src/omnetpp/query-output.ts";
import { always, answers, repeated, textWith } from "./outside.ts";

const QUERY = ["Run 0: ", "Run 12: ", "$a=", ", $repetition=1", ", $", "=", ", ", "\tkey = value", "\n"];
const STATUS = [
  "** Event #12   t=0.5   Elapsed: 1s (0m 01s)  50% completed  (5% total)   ev/sec=1e5",
  "     Speed:     ev/sec=12   simsec/sec=1   ev/simsec=1",
  "<!> Error: ",
  "<!> ",
  " -- in module (cX) a.b (id=7), at t=1.5s, event #3",
  " -- in ",
  " at t=1s, event #1",
  "Preparing for running configuration A, run #0...",
  "A run 3: $a=1, $repetition=0",
  'Redirecting output to file "x"...',
  "Run statistics: total ",
  "\n",
];

describe("what -q prints", () => {
  it("is parsed, whatever it is", () => {
    always(textWith(...QUERY), (text) => {
      for (const { iterationVariables, repetition, runNumber } of answers(() => parseRuns(text, "A"))!) {
        expect(Object.getPrototypeOf(iterationVariables)).toBe(Object.prototype);
        expect([typeof repetition, typeof runNumber]).toEqual(["number", "number"]);
      }
      answers(() => [parseRunConfig(text), parseRunConfigs(text)]);
    });
  });

  it("is parsed quickly, however long and unusual", () => {
    always(repeated(50_000, ...QUERY), (text) => answers(() => parseRuns(`Run 0: $a=${text}`, "A")), 100);
    always(repeated(50_000, ...QUERY), (text) => answers(() => parseRunConfigs(text)), 50);
  });

  it("returns the variables that the simulator printed", () => {
    const name = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "0"),
      fc.stringMatching(/^[A-Za-z_]\w{0,8}$/),
    );
    const plain = fc.stringMatching(/^[\w .+:()-]{0,12}$/);
    const quoted = fc.string({ unit: "grapheme-ascii", maxLength: 12 }).map((text) => JSON.stringify(text));
    const variables = fc
      .uniqueArray(
        fc.tuple(
          name,
          fc.oneof(
            plain.map((text) => text.trim()),
            quoted,
          ),
        ),
        { selector: ([key]) => key, maxLength: 5 },
      )
      .filter((all) => all.every(([key]) => key !== "repetition"));
    always(variables, (all) => {
      const printed = [...all, ["repetition", "4"]].map(([key, value]) => `$${key}=${value}`).join(", ");
      const [run] = parseRuns(`Run 7: ${printed}\n`, "A");
      expect(run).toMatchObject({ runNumber: 7, repetition: 4 });
      expect(Object.entries(run!.iterationVariables).sort()).toEqual([...all].sort());
    });
  });
});

describe("what Cmdenv prints", () => {
  it("leads to an outcome of every run, whatever it is and however it is split", () => {
    const input = fc.tuple(
      fc.array(fc.tuple(textWith(...STATUS), fc.constantFrom("stdout", "stderr", "file"))),
      fc.nat(300),
    );
    always(fc.tuple(input, fc.nat(3)), ([[chunks, exitCode], runNumber]) => {
      const output = new CmdenvOutput();
      for (const [text, stream] of chunks) output.write(text, stream);
      const outcome = answers(() =>
        output.outcomeOf(runNumber, { exitCode, signal: undefined } as never, true),
      );
      expect(outcome!.state).toBeTypeOf("string");
      if (outcome!.state === "done") expect(exitCode).toBe(0);
    });
  });

  it("is parsed quickly, however long and unusual a line is", () => {
    const prefix = fc.constantFrom(
      "",
      "<!> ",
      "<!> Error: ",
      "** Event #1   t=",
      "** Event #1   t=1   Elapsed: 1s (",
    );
    always(
      fc.tuple(prefix, repeated(MAX_LINE_LENGTH, ...STATUS.map((text) => text.trim()).filter(Boolean))),
      ([start, text]) => {
        for (const line of `${start}${text}`.slice(0, MAX_LINE_LENGTH).split("\n").slice(0, 20))
          answers(() => parseLine(line));
      },
      150,
    );
  });
});

describe("a scalar file", () => {
  it("has scalars in some lines, and anything in others", () => {
    always(textWith("scalar ", '"a b" ', "m.n ", "x:mean ", "1.5", "nan", "inf"), (line) => {
      const { items, values } = answers(() => parseScalars(line)) ?? { items: [], values: [] };
      expect(values).toHaveLength(items.length);
    });
    always(
      repeated(MAX_LINE_LENGTH - 10, "scalar ", '"', "\\"),
      (line) => answers(() => parseScalars(`scalar ${line}`)),
      100,
    );
  });

  it("returns names and values as they were recorded", () => {
    const name = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 10 });
    always(
      fc.tuple(name, name, fc.double({ noNaN: true, noDefaultInfinity: true })),
      ([module, scalar, value]) => {
        const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
        const parsed = parseScalars(`scalar ${quoted(module)} ${quoted(scalar)} ${value}`);
        expect(parsed?.items).toEqual([{ kind: "scalar", module, name: scalar, unit: null }]);
        expect([...parsed!.values]).toEqual([Number(String(value))]);
      },
    );
  });
});
