import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import {
  ADDED_OPTIONS,
  addedOptions,
  config,
  mapPaths,
  oneRunQueryArguments,
  parseSimulationArguments,
  queryArguments,
  runArguments,
  runFilter,
  splitArguments,
  toArgv,
  values,
} from "../../src/omnetpp/opp-args.ts";

const OWN = { flags: ["--dry-run", "--quiet", "--help", "--version"], valued: ["-C", "--commit", "--swarm"] };

const parse = parseSimulationArguments;

/** Title, command line, and its parts: our options, the program, the simulation's arguments. */
const SPLITS: [string, string[], string[], string | undefined, string[]][] = [
  ["nothing", [], [], undefined, []],
  ["only simulation options", ["-c", "Fifo1", "-r", "0..3"], [], undefined, ["-c", "Fifo1", "-r", "0..3"]],
  ["attached values", ["-cFifo1", "-r0..3"], [], undefined, ["-cFifo1", "-r0..3"]],
  [
    "our options between the simulation's",
    ["-c", "A", "--dry-run", "--**.x=1"],
    ["--dry-run"],
    undefined,
    ["-c", "A", "--**.x=1"],
  ],
  [
    "our options with values",
    ["-C", "dir", "--commit", "HEAD~1", "-s"],
    ["-C", "dir", "--commit", "HEAD~1"],
    undefined,
    ["-s"],
  ],
  [
    "our options with attached values",
    ["-Cdir", "--commit=v1.0", "-a"],
    ["-Cdir", "--commit=v1.0"],
    undefined,
    ["-a"],
  ],
  ["our option without its value", ["-c", "A", "--commit"], ["--commit"], undefined, ["-c", "A"]],
  [
    "an option that only begins like ours",
    ["--commits=1", "--quiet=1"],
    [],
    undefined,
    ["--commits=1", "--quiet=1"],
  ],
  ["a program", ["./aloha", "-c", "A"], [], "./aloha", ["-c", "A"]],
  [
    "a program after options",
    ["--quiet", "-c", "A", "./aloha", "-r1"],
    ["--quiet"],
    "./aloha",
    ["-c", "A", "-r1"],
  ],
  [
    "none of our options after the program",
    ["./aloha", "--dry-run", "--", "x"],
    [],
    "./aloha",
    ["--dry-run", "--", "x"],
  ],
  ["none of our options after --", ["--quiet", "--", "--dry-run"], ["--quiet"], undefined, ["--dry-run"]],
  ["a program after --", ["--", "-c", "A", "./aloha", "-h"], [], "./aloha", ["-c", "A", "-h"]],
  ["a value that looks like a program", ["-c", "./aloha"], [], undefined, ["-c", "./aloha"]],
  ["a value that looks like our option", ["-c", "--dry-run"], [], undefined, ["-c", "--dry-run"]],
  [
    "ini files",
    ["a.ini", "-f", "b.ini", "./aloha", "c.ini"],
    [],
    "./aloha",
    ["a.ini", "-f", "b.ini", "c.ini"],
  ],
  [
    "a long option with a separate value",
    ["--sim-time-limit", "10s", "-c", "A"],
    [],
    undefined,
    ["--sim-time-limit", "10s", "-c", "A"],
  ],
  ["a negative one", ["--x", "-5", "./aloha"], [], "./aloha", ["--x", "-5"]],
  ["a long option before one of our options", ["--x", "--dry-run"], ["--dry-run"], undefined, ["--x"]],
  ["spaces and quotes", ["-r", '$d=="a, b" && $x>1'], [], undefined, ["-r", '$d=="a, b" && $x>1']],
  ["a lone -h", ["-c", "A", "-h"], ["--help"], undefined, ["-c", "A"]],
  ["-h with a value", ["-h", "nedfunctions"], [], undefined, ["-h", "nedfunctions"]],
  ["-h of the program", ["./aloha", "-h"], [], "./aloha", ["-h"]],
];

test.each(SPLITS)("splits %s", (_title, argv, own, program, simulation) => {
  expect(splitArguments(argv, OWN)).toEqual({ own, program, simulation });
});

describe("simulation arguments", () => {
  test("accept attached and separate values alike", () => {
    const tokens = [
      { kind: "option", name: "-c", value: "A" },
      { kind: "long", text: "--**.x=1" },
      { kind: "flag", text: "-s" },
      { kind: "ini", path: "a.ini" },
      { kind: "long", text: "--sim-time-limit=10s" },
      { kind: "other", text: "-Z" },
    ];
    expect(parse(["-cA", "--**.x=1", "-s", "a.ini", "--sim-time-limit=10s", "-Z"])).toEqual(tokens);
    expect(parse(["-c", "A", "--**.x", "1", "-s", "a.ini", "--sim-time-limit", "10s", "-Z"])).toEqual(tokens);
  });

  test("can be converted back to a command line", () => {
    const argv = ["-c", "A", "-x", "", "--label=a b", "-m", "a.ini", "-sm"];
    expect(toArgv(parse(argv))).toEqual(argv);
  });

  test("give a long option at the end an empty value, and consume none of our options", () => {
    expect(queryArguments(parse(["--x"]), ["-q", "runs"])).toEqual(["--x=", "-s", "-q", "runs"]);
  });

  test("treat what follows -- as ini files", () => {
    expect(parse(["-s", "--", "x"])).toEqual([
      { kind: "flag", text: "-s" },
      { kind: "ini", path: "x" },
    ]);
  });

  test("use the last of several equal options", () => {
    expect(config(parse(["-c", "A", "-cB"]))).toBe("B");
    expect(config([])).toBe("General");
    expect(runFilter(parse(["-r", "0..3", "-r8"]))).toBe("8");
    expect(runFilter([])).toBeUndefined();
  });

  test("list values in order, and ini files with and without -f", () => {
    expect(values(parse(["-n", "a", "-l", "x", "-nb"]), "-n")).toEqual(["a", "b"]);
    expect(values(parse(["a.ini", "-f", "b.ini"]), "-f")).toEqual(["b.ini", "a.ini"]);
  });

  test.each([
    [["-q", "runs"], "-q only queries the simulator"],
    [["-eresult-dir"], "-e only queries"],
    [["-h"], "-h only queries"],
    [["-a"], "-a only queries"],
    [["-v"], "-v only queries"],
    [["-u", "Qtenv"], "runs on a swarm use Cmdenv only"],
    [["-s", "-c"], "-c needs a value"],
  ])("refuse %j", (argv, message) => {
    expect(() => parse(argv)).toThrow(UserError);
    expect(() => parse(argv)).toThrow(message);
  });

  test("accept -u Cmdenv", () => {
    expect(parse(["-uCmdenv"])).toHaveLength(1);
  });
});

describe("command lines", () => {
  const args = parse(["-u", "Cmdenv", "-c", "A", "-r", "$x>1", "-s", "-f", "a.ini", "--**.x=1"]);

  test("query the selected runs", () => {
    const kept = ["-c", "A", "-r", "$x>1", "-f", "a.ini", "--**.x=1"];
    expect(queryArguments(args, ["-q", "runs"])).toEqual([...kept, "-s", "-q", "runs"]);
  });

  test("query one run", () => {
    const kept = ["-c", "A", "-f", "a.ini", "--**.x=1", "-r", "0"];
    expect(oneRunQueryArguments(args, 0, ["-e", "result-dir"])).toEqual([...kept, "-s", "-e", "result-dir"]);
  });

  const options = {
    config: "A",
    runNumbers: [3],
    libraries: ["../src/INET", "../src/Other"],
    nedPath: "..:../src",
    nedExclusions: "inet.a;inet.b",
    extra: ["--cmdenv-express-mode=true"],
  };
  const start = ["-m", "-u", "Cmdenv", "-c", "A", "-r"];

  test("execute a run on a worker", () => {
    expect(runArguments(args, options)).toEqual([
      ...[...start, "3", "-l", "../src/INET", "-l", "../src/Other", "-n", "..:../src", "-x", "inet.a;inet.b"],
      ...["-f", "a.ini", "--**.x=1", "--cmdenv-express-mode=true"],
    ]);
  });

  test("execute a run on a worker if the user named libraries, folders and exclusions", () => {
    const named = parse(["-l", "Mine", "-n", ".", "-x", "", "-m", "-S"]);
    expect(runArguments(named, { ...options, runNumbers: [0, 5], extra: [] })).toEqual([
      ...[...start, "0,5", "-l", "Mine", "-n", ".", "-x", ""],
    ]);
  });

  test("execute a run on a worker if nothing is known", () => {
    const none = {
      config: "A",
      runNumbers: [0],
      libraries: [],
      nedPath: undefined,
      nedExclusions: undefined,
      extra: [],
    };
    expect(runArguments([], none)).toEqual([...start, "0"]);
  });
});

test("have paths mapped, and nothing else", () => {
  const typed = parse([
    ...["-f", "a.ini", "b.ini", "-l", "../src/INET", "-l", "INET", "-n", "..;../src:/abs", "-x", "a;b"],
    ...["-i", "images", "-c", "A", "--result-dir=out", "-s"],
  ]);
  expect(mapPaths(typed, (path) => `<${path}>`)).toEqual([
    ...[
      "-f",
      "<a.ini>",
      "<b.ini>",
      "-l",
      "<../src/INET>",
      "-l",
      "INET",
      "-n",
      "<..>;<../src>:</abs>",
      "-x",
      "a;b",
    ],
    ...["-i", "images", "-c", "A", "--result-dir=out", "-s"],
  ]);
});

describe("options that a worker must add", () => {
  const added = (configuration: Record<string, string>, ...argv: string[]): string[] =>
    addedOptions(new Map(Object.entries(configuration)), parse(argv));

  test("are none if none is needed", () => {
    expect(added({})).toEqual([]);
    expect(added(Object.fromEntries(ADDED_OPTIONS.map(({ key, value }) => [key, value])))).toEqual([]);
    expect(added({ "cmdenv-status-frequency": "1s", "cmdenv-log-level": "off" })).toEqual([]);
  });

  test.each([
    ["debugger-attach-on-startup", "true"],
    ["debugger-attach-on-error", "1 > 0"],
  ])("include false if %s = %s", (key, value) => {
    expect(added({ [key]: value })).toEqual([`--${key}=false`]);
  });

  // each would leave a line in the `.sca` file that contradicts the ini file
  test.each(["cmdenv-redirect-output", "cmdenv-interactive", "debug-on-errors"])("are none for %s", (key) => {
    expect(added({ [key]: "true", "cmdenv-express-mode": "false", "cmdenv-status-frequency": "1h" })).toEqual(
      [],
    );
  });

  test("respect that the command line overrides the ini file, and ours override both", () => {
    expect(added({ "debugger-attach-on-error": "true" }, "--debugger-attach-on-error=false")).toEqual([]);
    expect(added({}, "--debugger-attach-on-error=false", "--debugger-attach-on-error=true")).toEqual([
      "--debugger-attach-on-error=false",
    ]);
  });

  test("compare keys without the part before their last dot, and use the first match", () => {
    const both = { "**.debugger-attach-on-error": "false", "debugger-attach-on-error": "true" };
    expect(added(both)).toEqual([]);
  });
});
