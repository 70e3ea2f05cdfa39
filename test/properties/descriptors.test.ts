import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { isOmnetppProject, nameInIde, referencesInIde } from "../../src/project/describe/ide-file.ts";
import { makemakeCommand, makemakeFolders, parseMakemakeOptions } from "../../src/omnetpp/makemake.ts";
import { LiteralError, parseLiteralCall, type Literal } from "../../src/project/describe/python-literal.ts";
import { readSwarmFile } from "../../src/project/describe/swarm-file.ts";
import { makefileTarget } from "../../src/omnetpp/targets.ts";
import { scanText } from "../../src/project/files/text-scan.ts";
import { isInside } from "../../src/system/paths.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";
import { always, answers, anyJson, damaged, repeated, SEED, textWith } from "./outside.ts";

const LONG = 50_000;

describe(".opp", () => {
  const pieces = [
    "SimulationProject(",
    "name=",
    '"inet"',
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    "True",
    "'''",
    '"""',
    "# x\n",
  ];

  it("is a call with literals, or refused", () => {
    always(textWith(...pieces), (text) => answers(() => parseLiteralCall(text), LiteralError));
    always(
      repeated(LONG, ...pieces),
      (text) => answers(() => parseLiteralCall(`P(a=${text}`), LiteralError),
      100,
    );
  });

  it("returns every literal that Python can write", () => {
    const literal = fc.letrec<{ value: Literal; list: Literal[] }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: "grapheme-ascii" }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie("list"),
      ),
      list: fc.array(tie("value"), { maxLength: 4 }),
    })).value;
    const python = (value: Literal): string =>
      Array.isArray(value)
        ? `[${value.map(python).join(", ")}]`
        : typeof value === "string"
          ? JSON.stringify(value)
          : value === null
            ? "None"
            : typeof value === "boolean"
              ? value
                ? "True"
                : "False"
              : JSON.stringify(value);
    always(literal, (value) => {
      expect(parseLiteralCall(`P(x=${python(value)})`).arguments.get("x")).toEqual(value);
    });
  });
});

describe("files of the IDE and of opp_makemake", () => {
  const pieces = [
    "<name>",
    "</name>",
    "<projects>",
    "<project>",
    "</project>",
    "</projects>",
    "<nature>",
    "</nature>",
    "&#x110000;",
    "&amp;",
    "   ",
  ];
  const spec = [
    "<dir ",
    'type="makemake"',
    ' path="src"',
    ' makemake-options="-o x --meta:y"',
    "/>",
    ">",
    "&quot;",
  ];
  const makefile = [
    "# opp_makemake -f --deep\n",
    "TARGET = $(TARGET_NAME)$(D)",
    "\nTARGET_DIR = ..",
    "TARGET_NAME = a",
    " = ",
    "   ",
    "-o x",
    "\n",
  ];
  const parse = (text: string): void => {
    answers(() => [isOmnetppProject(text), nameInIde(text), referencesInIde(text)]);
    answers(() => [makemakeFolders(text), makemakeCommand(text), parseMakemakeOptions(text)]);
    answers(() => makefileTarget(`# opp_makemake\n${text}`, "src"));
    for (const file of ["a.ned", "a.cc", "Makefile", "omnetpp.ini", "a.xml"])
      answers(() => scanText(text, file));
  };

  it("can be read whatever they contain", () => {
    always(textWith(...pieces, ...spec, ...makefile), parse);
  });

  it("can be read quickly, however long and unusual", () => {
    always(repeated(LONG, ...pieces, ...spec, ...makefile, "..", "../", '#include "', "'"), parse, 100);
  });

  it("return the options that were quoted for a shell", () => {
    const word = fc.stringMatching(/^[^-\0$`!][^\0$`]{0,10}$/);
    always(fc.array(word, { maxLength: 5 }), (words) => {
      const line = words.map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ");
      expect(parseMakemakeOptions(line)).toEqual(words);
    });
  });
});

describe("swarm.json", () => {
  let folder: TemporaryDirectory;
  beforeAll(async () => {
    folder = await temporaryDirectory();
  });
  afterAll(() => folder[Symbol.asyncDispose]());
  const valid = {
    nedFolders: ["src"],
    libraries: ["src/queue"],
    build: ["make"],
    ship: ["maps"],
    uses: ["inet"],
  };
  const read = async (root: string): Promise<void> => {
    const content = await readSwarmFile(root, folder.path).catch((error: unknown) => {
      expect(error).toBeInstanceOf(UserError);
      return undefined;
    });
    for (const place of [
      ...(content?.nedFolders ?? []),
      ...(content?.libraries ?? []),
      ...(content?.ship ?? []),
    ])
      expect(isInside(folder.path, path.resolve(root, place))).toBe(true);
  };

  it("is used unchanged, or refused; never leads out of the checkout", async () => {
    const root = path.join(folder.path, "project");
    mkdirSync(root);
    const place = fc.constantFrom(
      "../..",
      "/etc",
      "../../x",
      "a/../../..",
      "..\\..",
      "src",
      ".git",
      "a\nb",
      "-x",
    );
    const outside = fc.record({
      nedFolders: fc.array(place, { maxLength: 2 }),
      libraries: fc.array(place, { maxLength: 2 }),
      ship: fc.array(place, { maxLength: 2 }),
    });
    const text = fc.oneof(
      textWith("{", "}", '"uses"', ":", "[", "]"),
      fc.oneof(anyJson(), damaged(valid), outside).map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        writeFileSync(path.join(root, "swarm.json"), content);
        await read(root);
      }),
      { seed: SEED, numRuns: 500 },
    );
    rmSync(path.join(root, "swarm.json"));
    mkdirSync(path.join(root, "swarm.json"));
    await read(root);
  });
});
