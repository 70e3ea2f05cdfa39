import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { appendFile, cp, mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Case {
  args: string[];
  exitCode: number;
  stdout: string;
  stderr: string;
}

const bin = path.resolve(import.meta.dirname, "helpers/omnetpp-stand-in/bin");
const oppRun = path.join(bin, "opp_run");
const expansion = path.resolve(import.meta.dirname, "fixtures/omnetpp/expansion");

function run(program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Case> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd, env: { ...process.env, ...env } },
      (_error, stdout, stderr) => {
        resolve({ args, exitCode: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });
}

const folders = (await readdir(expansion, { recursive: true }))
  .filter((name) => path.basename(name) === "cases-6.2.0.json")
  .map((name) => path.dirname(name))
  .sort();

describe.each(folders)("the stand-in expands %s as opp_run 6.2.0 does", (folder) => {
  const directory = path.join(expansion, folder);
  const cases = JSON.parse(readFileSync(path.join(directory, "cases-6.2.0.json"), "utf8")) as Case[];

  test.each(cases.map((recorded) => ({ title: recorded.args.join(" "), recorded })))(
    "$title",
    async ({ recorded }) => {
      expect(await run(oppRun, recorded.args, directory)).toEqual(recorded);
    },
  );
});

interface Placement {
  args: string[];
  exitCode: number;
  /** The lines of the output that name files, or the answer to a query. */
  said: string[];
  stderr: string;
  /** New entries, relative to the folder above the study. */
  files: string[];
}

describe("the stand-in leaves files where opp_run 6.2.0 does", () => {
  const placement = path.resolve(import.meta.dirname, "fixtures/omnetpp/placement");
  const cases = JSON.parse(readFileSync(path.join(placement, "cases-6.2.0.json"), "utf8")) as Placement[];

  test.each(cases.map((recorded) => ({ title: recorded.args.join(" "), recorded })))(
    "$title",
    async ({ recorded }) => {
      const top = await realpath(await mkdtemp(path.join(tmpdir(), "placement-")));
      const plain = (text: string) =>
        text
          .replaceAll(top, "TOP")
          .replaceAll(new RegExp(`\\.${hostname()}\\.\\d+(?=\\.)`, "g"), ".HOST.PID");
      try {
        await cp(path.join(placement, "study"), path.join(top, "study"), { recursive: true });
        await cp(path.resolve(import.meta.dirname, "../examples/mm1/src"), path.join(top, "src"), {
          recursive: true,
        });
        await writeFile(path.join(top, "src/libmm1.so"), "");
        const before = await filesBelow(top);
        const args = recorded.args.map((arg) => arg.replace("TOP", top));
        const start = ["-s", "-u", "Cmdenv", "-n", "../src", "-l", "../src/mm1"];
        const { stdout, stderr, exitCode } = await run(oppRun, [...start, ...args], path.join(top, "study"));
        const lines = plain(stdout).split("\n").slice(0, -1);
        expect({
          args: recorded.args,
          exitCode,
          said: args.includes("-e") ? lines : lines.filter((line) => /^(?:Recording|<!> Error)/.test(line)),
          stderr: plain(stderr),
          files: (await filesBelow(top)).filter((file) => !before.includes(file)).map(plain),
        }).toEqual(recorded);
      } finally {
        await rm(top, { recursive: true });
      }
    },
  );
});

async function filesBelow(top: string): Promise<string[]> {
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(top, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** An output without the model's names and numbers; repeated status blocks count once. */
function shape(output: string): string {
  const words = output
    .replace(/PureAloha\w*|Quick|Endless/g, "CONFIG")
    .replace(/\$\w+=[^,\s]+, (?!\$repetition)/g, "")
    .replace(/\$(?!repetition)\w+=/g, "$VAR=")
    .replace(/"(?:Aloha|mm1\.Mm1)"/g, "NETWORK")
    .replace(/(?:\.\.\/)+src: /g, "FOLDER: ")
    .replace(/RUNID|CONFIG-\d+-\d{8}-[\d:]+-\d+/g, "RUNID")
    .replace(/[0-9a-f]{4}-[0-9a-f]{4}\/tplx/g, "FINGERPRINT")
    .replace(/(?<=[=#: (]|^)\d[\d.]*(?:e[+-]?\d+)?/gm, "N");
  return words.replace(/(\*\* Event [^\n]*\n(?: {5}[^\n]*\n)*)\1+/g, "$1");
}

describe("the stand-in builds and runs examples/mm1", () => {
  let project: string;
  let study: string;
  const program = "../src/mm1";
  const start = ["-u", "Cmdenv", "-n", "../src"];

  beforeAll(async () => {
    project = await mkdtemp(path.join(tmpdir(), "mm1-"));
    study = path.join(project, "simulations");
    await cp(path.resolve(import.meta.dirname, "../examples/mm1"), project, {
      recursive: true,
      filter: (source) => !["out", "results", "Makefile"].includes(path.basename(source)),
    });
    const source = path.join(project, "src");
    const options = ["-f", "--deep", "-o", "mm1"];
    expect(await run(path.join(bin, "opp_makemake"), options, source)).toMatchObject({ exitCode: 0 });
    expect(await run("make", ["MODE=release"], source)).toMatchObject({ exitCode: 0 });
  });

  afterAll(() => rm(project, { recursive: true, force: true }));

  describe("behaves as recorded from Cmdenv 6.2.0", () => {
    const recordings = path.resolve(import.meta.dirname, "fixtures/omnetpp/cmdenv/6.2.0");
    test.each([
      ["success", ["-c", "Quick", "-r", "0"]],
      ["success-silent", ["-s", "-c", "Quick", "-r", "0"]],
      ["batch-of-three", ["-c", "Quick", "-r", "0,2,4"]],
      ["express-status", ["-c", "Quick", "-r", "0", "--sim-time-limit=9e6s", "--cpu-time-limit=0.2s"]],
      ["cpu-time-limit", ["-s", "-c", "Endless", "--cpu-time-limit=0.1s"]],
      ["real-time-limit", ["-s", "-c", "Endless", "--real-time-limit=0.1s"]],
      ["fingerprint-mismatch", ["-s", "-c", "Quick", "-r", "0", "--fingerprint=1234-5678/tplx"]],
      ["status-no-performance", ["-c", "Quick", "-r", "0", "--cmdenv-performance-display=false"]],
      ["missing-ned-type", ["-s", "-c", "Quick", "-r", "0", "--network=Nope"]],
      ["missing-library", ["-s", "-c", "Quick", "-r", "0", "-l", "../../src/NoLib"]],
      ["wrong-ned-path", ["-s", "-n", "../../nowhere", "-c", "Quick", "-r", "0"]],
      ["redirected-output", ["-s", "-c", "Quick", "-r", "0", "--cmdenv-redirect-output=true"]],
    ])("%s", async (name, args) => {
      const text = (stream: string) => readFileSync(path.join(recordings, `${name}.${stream}.txt`), "utf8");
      const folders = args.includes("-n") ? [] : start.slice(2);
      const outcome = await run(program, ["-u", "Cmdenv", ...folders, ...args], study);
      expect(shape(outcome.stdout)).toBe(shape(text("stdout")));
      expect(shape(outcome.stderr)).toBe(shape(text("stderr")));
    });
  });

  /** The value of a scalar line of a result file. */
  async function scalar(file: string, name: string): Promise<number> {
    const text = await readFile(path.join(study, "results", file), "utf8");
    return Number(new RegExp(`^scalar \\S+ ${name} (\\S+)$`, "m").exec(text)?.[1]);
  }

  test("leaves the mean waiting time of the formula", async () => {
    const outcome = await run(program, [...start, "-c", "Load"], study);
    expect(outcome.stderr).toBe("");
    expect(outcome.stdout).toContain("Run statistics: total 12, successful 12\n\nEnd.\n");
    for (const rate of [0.5, 0.7, 0.9]) {
      const means = await Promise.all(
        [0, 1, 2, 3].map((n) => scalar(`Load-arrivalRate=${rate}-#${n}.sca`, "waitingTime:mean")),
      );
      const mean = means.reduce((sum, each) => sum + each, 0) / means.length;
      expect(mean / (rate / (1 - rate))).toBeGreaterThan(0.95);
      expect(mean / (rate / (1 - rate))).toBeLessThan(1.05);
    }
  });

  test("leaves the same vectors and scalars for the same run, with a matching index", async () => {
    const name = "Quick-arrivalRate=0.6,serviceRate=1-#1";
    const body = async () =>
      (
        await Promise.all(
          [".sca", ".vec"].map((type) => readFile(path.join(study, "results", name + type), "utf8")),
        )
      )
        .map((text) => text.replace(/^(?:run|attr (?:datetimef?|processid)) .*$/gm, ""))
        .join("\n");
    await run(program, [...start, "-c", "Quick", "-r", "5"], study);
    const first = await body();
    await run(program, [...start, "-c", "Quick", "-r", "5"], study);
    expect(await body()).toBe(first);

    const vectors = await readFile(path.join(study, "results", `${name}.vec`), "utf8");
    const index = await readFile(path.join(study, "results", `${name}.vci`), "utf8");
    expect(index.startsWith(`file ${vectors.length} `)).toBe(true);
    for (const [, id = "", offset = "", length = ""] of index.matchAll(/^(\d)\t(\d+) (\d+) /gm)) {
      const block = vectors.slice(Number(offset), Number(offset) + Number(length)).split("\n");
      expect(block.pop()).toBe("");
      expect(block.every((line) => line.startsWith(`${id}\t`))).toBe(true);
    }
  });

  test("ends the batch after an error of the model and leaves no scalars", async () => {
    const outcome = await run(program, [...start, "-s", "-c", "Broken"], study);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(
      /^<!> Error: serviceRate must be positive, but is -1 -- in module \(mm1::Queue\) Mm1\.queue \(id=3\), at t=[\d.]+s, event #2\n$/,
    );
    expect(outcome.stdout).toContain("Run statistics: total 3, successful 1, errors 1, skipped 1\n");
    const left = await readdir(path.join(study, "results"));
    expect(left.filter((file) => file.startsWith("Broken")).sort()).toEqual(
      ["=-1-#0.vci", "=-1-#0.vec", "=1-#0.sca", "=1-#0.vci", "=1-#0.vec"].map(
        (end) => `Broken-serviceRate${end}`,
      ),
    );
  });

  test.each(["SIGINT", "SIGTERM"] as const)("finishes the run on %s, with exit code 2", async (signal) => {
    const child = spawn(program, [...start, "-m", "-c", "Endless", "--cmdenv-status-frequency=50ms"], {
      cwd: study,
    });
    let output = "";
    for await (const chunk of child.stdout) {
      const before = output;
      output += String(chunk);
      if (!before.includes("Event #0") && output.includes("Event #0")) child.kill(signal);
    }
    const [exitCode] = child.exitCode === null ? ((await once(child, "exit")) as [number]) : [child.exitCode];
    expect(exitCode).toBe(2);
    expect(output).toMatch(/\n<!> SIGINT or SIGTERM received, exiting -- at t=[\d.]+s, event #\d+\n/);
    expect(await scalar("Endless-#0.sca", "waitingTime:count")).toBeGreaterThan(0);
  });

  test("slows down a run by STAND_IN_RUN_MS, with status blocks on its way", async () => {
    const before = Date.now();
    const args = [...start, "-c", "Quick", "-r", "0", "--cmdenv-status-frequency=100ms"];
    const outcome = await run(program, args, study, { STAND_IN_RUN_MS: "2000" });
    expect(Date.now() - before).toBeGreaterThan(1990);
    expect(outcome.stdout.match(/^\*\* Event #/gm)?.length).toBeGreaterThan(3);
  });

  test("reports a wrong fingerprint, with exit code 0, and verifies the right one", async () => {
    const args = [...start, "-s", "-c", "Quick", "-r", "0"];
    const wrong = await run(program, [...args, "--fingerprint=1234-5678/tplx"], study);
    expect(wrong.exitCode).toBe(0);
    const calculated = /<!> Fingerprint mismatch! calculated: (\S+), expected: 1234-5678\/tplx/.exec(
      wrong.stdout,
    )?.[1];
    const right = await run(program, [...args, `--fingerprint=${calculated ?? ""}`], study);
    expect(right.stdout).toContain(`\n<!> Fingerprint successfully verified: ${calculated ?? ""}\n`);
  });

  test("fails the build of a source with #error as a compiler does", async () => {
    const source = path.join(project, "broken");
    await cp(path.join(project, "src"), source, { recursive: true });
    await appendFile(path.join(source, "Sink.cc"), "#error does not compile\n");
    expect(await run(path.join(bin, "opp_makemake"), ["--deep"], source)).toMatchObject({ exitCode: 1 });
    await run(path.join(bin, "opp_makemake"), ["-f", "--make-so", "-o", "mm1"], source);
    const outcome = await run("make", ["MODE=debug"], source);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toMatch(/^Sink\.cc:\d+:2: error: #error does not compile$/m);
  });
});
