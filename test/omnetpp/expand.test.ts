import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { runVariables } from "../../src/model/run.ts";
import { expand, parseRunConfig, parseRuns, type RunProgram } from "../../src/omnetpp/expand.ts";
import { config, parseSimulationArguments } from "../../src/omnetpp/opp-args.ts";

interface Case {
  args: string[];
  exitCode: number;
  stdout: string;
  stderr: string;
}

const fixtures = path.resolve(import.meta.dirname, "../fixtures/omnetpp/expansion");
const FIRST_RUN = "Run 0: $repetition=0\n\tnetwork = Queue\n";
const success = (stdout: string) => ({ exitCode: 0, stdout, stderr: "" });

const recordings = readdirSync(fixtures, { recursive: true, encoding: "utf8" })
  .filter((name) => /cases.*\.json$/.test(name))
  .sort()
  .map((name) => ({ name, cases: JSON.parse(readFileSync(path.join(fixtures, name), "utf8")) as Case[] }));

/** Returns a program that replays recorded answers; other queries get a configuration without special values. */
function playback(cases: readonly Case[], calls: string[][] = []): RunProgram {
  return (_file, args) => {
    calls.push([...args]);
    const recorded = cases.find((one) => one.args.join("\0") === args.join("\0"));
    return Promise.resolve(recorded ?? success(args.includes("runconfig") ? FIRST_RUN : ""));
  };
}

const expandWith = (args: readonly string[], runProgram: RunProgram) =>
  expand({ program: "opp_run", args: parseSimulationArguments(args), directory: "/study" }, { runProgram });

async function errorOf(promise: Promise<unknown>): Promise<UserError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

const normal = (args: string[]): string[] =>
  args.flatMap((arg) => (/^-[cr]./.test(arg) ? [arg.slice(0, 2), arg.slice(2)] : [arg]));

describe.each(recordings)("$name", ({ cases }) => {
  const runsCases = cases.filter(({ args }) => args.at(-1) === "runs");

  test.each(runsCases.map((recorded) => ({ title: recorded.args.join(" "), recorded })))(
    "$title",
    async ({ recorded }) => {
      const args = recorded.args.slice(0, -3);
      const expansion = expandWith(
        args,
        playback([...cases, { ...recorded, args: [...normal(args), "-s", "-q", "runs"] }]),
      );
      if (recorded.exitCode !== 0) {
        expect((await errorOf(expansion)).message).toContain(recorded.stderr.trim());
      } else if (recorded.stdout === "") {
        expect((await errorOf(expansion)).message).toMatch(/^no run of|has no runs$/);
      } else {
        const { runs } = await expansion;
        const lines = runs.map((run) => `Run ${run.runNumber}: ${runVariables(run)}\n`);
        expect(lines.join("")).toBe(recorded.stdout);
        expect(new Set(runs.map((run) => run.config))).toEqual(
          new Set([config(parseSimulationArguments(args))]),
        );
      }
    },
  );
});

describe("run lines", () => {
  test("quoted values may contain commas and what looks like a variable", () => {
    const line =
      'Run 3: $d="priority, two classes", $e="a, $b=1, \\"x", $label=a b, $f=u(0, 1), $repetition=2\n';
    expect(parseRuns(line, "A")).toEqual([
      {
        config: "A",
        runNumber: 3,
        iterationVariables: {
          d: '"priority, two classes"',
          e: '"a, $b=1, \\"x"',
          label: "a b",
          f: "u(0, 1)",
        },
        repetition: 2,
      },
    ]);
  });

  test("accept unnamed iterations, none, an unbalanced quote, and values with =", () => {
    const text = ["$0=1, $1=10, $repetition=0", ", $repetition=1", '$a=5", $b=x==1, $repetition=0'];
    const stdout = text.map((variables, run) => `Run ${run}: ${variables}\r\n`).join("\n");
    expect(parseRuns(stdout, "A").map((run) => run.iterationVariables)).toEqual([
      { "0": "1", "1": "10" },
      {},
      { a: '5"', b: "x==1" },
    ]);
  });

  test("follow a banner, which is ignored", () => {
    const stdout =
      "OMNeT++ Discrete Event Simulation\n\nConfig: A\nNumber of runs: 1\n\nRun 0: $repetition=0\n\nEnd.\n";
    expect(parseRuns(stdout, "A")).toHaveLength(1);
  });

  test("are parsed also if there are 100,000", () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, run) => `Run ${run}: $n=${run % 100}, $d="a, b", $repetition=${run % 7}\n`,
    );
    const before = process.cpuUsage();
    const runs = parseRuns(lines.join(""), "A");
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000); // comparing all pairs of runs would take minutes
    expect(runs).toHaveLength(100_000);
    expect(runs.at(-1)).toMatchObject({ runNumber: 99_999, iterationVariables: { n: "99", d: '"a, b"' } });
  });
});

test("uses the first of several equal keys of a configuration", () => {
  const stdout =
    'Run 0: $a=1, $repetition=0\n\tresult-dir = second\n\tresult-dir = "out/Dir-1"\n\t*.label = "a = b"\n';
  expect(parseRunConfig(stdout)).toEqual(
    new Map([
      ["result-dir", "second"],
      ["*.label", '"a = b"'],
    ]),
  );
});

describe("expansion", () => {
  const listed = { args: ["-c", "A", "-r", "3", "-s", "-q", "runs"], ...success("Run 3: $repetition=0\n") };
  const configured = (resultDir: string): Case => ({
    args: ["-c", "A", "-r", "0", "-s", "-q", "runconfig"],
    ...success(`Run 0: $repetition=0\n\tresult-dir = ${resultDir}\n\tcmdenv-express-mode = false\n`),
  });

  const all = (stdout: string): Case => ({
    args: ["-c", "A", "-r", "3", "-s", "-q", "runconfig"],
    ...success(stdout),
  });

  test("queries the selected runs, and the configuration of the first one", async () => {
    const calls: string[][] = [];
    const without = {
      ...configured(""),
      ...success("Run 0: $repetition=0\n\tcmdenv-express-mode = false\n"),
    };
    const expansion = await expandWith(["-c", "A", "-r3"], playback([listed, without], calls));
    expect(calls).toEqual([listed.args, without.args]);
    expect(expansion.runs.map((run) => run.runNumber)).toEqual([3]);
    expect(expansion.configuration.get("cmdenv-express-mode")).toBe("false");
  });

  test("configures no output by default", async () => {
    const { outputs } = await expandWith(["-c", "A", "-r3"], playback([listed]));
    expect(outputs).toEqual([{ runNumber: 3, values: {}, appends: [] }]);
  });

  test("queries output options of all runs, because their values may differ", async () => {
    const each = all(
      'Run 3: $repetition=0\n\tresult-dir = "out \\"1\\""\n\toutput-scalar-file = a/3.sca\n\t**.output-vector-file-append = true\n',
    );
    const { outputs } = await expandWith(["-c", "A", "-r3"], playback([listed, configured("x"), each]));
    expect(outputs).toEqual([
      {
        runNumber: 3,
        values: { "result-dir": 'out "1"', "output-scalar-file": "a/3.sca" },
        appends: ["output-vector-file"],
      },
    ]);
  });

  test("treats a constant of the command line as the same for all runs", async () => {
    const args = ["-c", "A", "-r3", "--result-dir=out"];
    const typed = [listed, configured("out")].map((each) => ({
      ...each,
      args: [...each.args.slice(0, 4), "--result-dir=out", ...each.args.slice(4)],
    }));
    const oneRun = {
      ...typed[1]!,
      args: ["-c", "A", "--result-dir=out", "-r", "0", "-s", "-q", "runconfig"],
    };
    const { outputs } = await expandWith(args, playback([typed[0]!, oneRun]));
    expect(outputs).toEqual([{ runNumber: 3, values: { "result-dir": "out" }, appends: [] }]);
  });

  test("suggests an option if the ini file has an unknown one, or the command line", async () => {
    const options = {
      args: ["-h", "config"],
      ...success("Supported configuration options:\n  **.bin-recording=<bool>\n  sim-time-limit=<double>\n"),
    };
    const failing = (stderr: string): Case => ({
      args: ["-c", "A", "-s", "-q", "runs"],
      exitCode: 1,
      stdout: "",
      stderr: `<!> Error: ${stderr}\n`,
    });
    const hintOf = async (stderr: string): Promise<string | undefined> =>
      (await errorOf(expandWith(["-c", "A"], playback([failing(stderr), options])))).hint;
    const list = "to list all options, run: opp_run -h config";
    expect(await hintOf("Unknown configuration option: sim-tme-limit")).toBe(
      `did you mean sim-time-limit? ${list}`,
    );
    expect(await hintOf("Unknown command-line configuration option --bin-recordin")).toBe(
      `did you mean bin-recording? ${list}`,
    );
    expect(await hintOf("Unknown configuration option: xyz")).toBe(list);
  });

  test("says how to list the runs if there is none of a number", async () => {
    const failing = {
      args: ["-c", "A", "-r", "99", "-s", "-q", "runs"],
      exitCode: 1,
      stdout: "",
      stderr: "<!> Error: Run number 99 in run list '99' is out of range 0..11\n",
    };
    expect((await errorOf(expandWith(["-c", "A", "-r", "99"], playback([failing])))).hint).toBe(
      "to list the runs, run: runall-swarm --dry-run -c A",
    );
  });

  test("names the existing configs if the config is unknown", async () => {
    const cases = recordings.find(({ name }) => name === "study/cases.json")!.cases;
    const recorded = cases.find(({ args }) => args.includes("nosuch"))!;
    const unknown = { ...recorded, args: ["-c", "nosuch", "-s", "-q", "runs"] };
    const error = await errorOf(expandWith(["-c", "nosuch"], playback([...cases, unknown])));
    expect(error.message).toContain("<!> Error: No such config: nosuch");
    expect(error.hint).toBe("configs here: General, Rates, Sweep, Text, Single");
  });

  test("accepts an ini file that names a user interface that is not installed", async () => {
    const calls: string[][] = [];
    const runProgram: RunProgram = (_file, args) => {
      calls.push([...args]);
      if (args[1] === "Cmdenv")
        return Promise.resolve(success(args.includes("runs") ? "Run 0: $repetition=0\n" : FIRST_RUN));
      const stderr = "<!> Error: Could not start user interface 'Qtenv'\n";
      return Promise.resolve({ exitCode: 1, stdout: "", stderr });
    };
    expect((await expandWith(["-c", "A"], runProgram)).runs).toHaveLength(1);
    expect(calls.filter(([option]) => option === "-u").every((call) => call.includes("-q"))).toBe(true);
  });

  test("does not treat General without a network as a config if there are others", async () => {
    const runProgram: RunProgram = (_file, args) => {
      if (args.includes("-a")) return Promise.resolve(success("Config General: 1\nConfig A: 2\n"));
      return Promise.resolve(
        success(args.includes("runs") ? "Run 0: $repetition=0\n" : "Run 0: \n\tx = 1\n"),
      );
    };
    const error = await errorOf(expandWith([], runProgram));
    expect(error.message).toBe("no config given, and General has no network");
    expect(error.hint).toBe("name a config with -c: A");
    expect((await expandWith(["-c", "General"], runProgram)).runs).toHaveLength(1);
  });

  test("reports wrong options that the simulator printed on standard output", async () => {
    const cases = recordings.find(({ name }) => name === "study/cases.json")!.cases;
    const recorded = cases.find(({ args }) => args[0] === "-Z")!;
    const error = await errorOf(expandWith(["-Z"], () => Promise.resolve(recorded)));
    expect(error.message).toContain("<!> Error: Invalid command-line option -Z");
  });

  test("reports the exit code of a program that prints nothing", async () => {
    const error = await errorOf(
      expandWith([], () => Promise.resolve({ exitCode: 127, stdout: "", stderr: "" })),
    );
    expect(error.message).toContain("exit code 127");
  });

  test("names the filter if no run matches", async () => {
    const error = await errorOf(expandWith(["-c", "A", "-r", "$x>5"], playback([])));
    expect(error.message).toBe("no run of A matches -r '$x>5'");
    expect(error.hint).toContain("runall-swarm --dry-run -c A");
  });

  test("passes the directory and the signal on", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const runProgram: RunProgram = (_file, args, options) => {
      seen.push(options);
      return Promise.resolve(success(args.includes("runs") ? "Run 0: $repetition=0\n" : FIRST_RUN));
    };
    await expand({ program: "./aloha", args: [], directory: "/study" }, { runProgram }, signal);
    expect(seen).toEqual([
      { cwd: "/study", signal },
      { cwd: "/study", signal },
    ]);
  });
});
