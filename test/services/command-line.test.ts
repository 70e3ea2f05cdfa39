import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  mustRun,
  onlyCampaign,
  queued,
  readState,
  researcher,
  type Researcher,
} from "../helpers/swarm.ts";
import type { Finished } from "../helpers/tool.ts";

/** The environment of a user without swarms is not needed: these commands end before they use one. */
const REFUSED: readonly [tool: "runall-swarm" | "swarm-tool", args: string, message: string | RegExp][] = [
  ["runall-swarm", "--quiet --verbose -c Quick", "'--quiet' cannot be used with option '-V, --verbose'"],
  ["runall-swarm", "--quiet -V -c Quick", "'--quiet' cannot be used with option '-V, --verbose'"],
  ["runall-swarm", "--dry-run --explain -c Quick", "'--explain' cannot be used with option '--dry-run'"],
  ["runall-swarm", "--dry-run --detach -c Quick", "'--dry-run' cannot be used with option '--detach'"],
  ["runall-swarm", "explain --detach -c Quick", "'--explain' cannot be used with option '--detach'"],
  ["runall-swarm", "--json --verbose -c Quick", "'--json' cannot be used with option '-V, --verbose'"],
  ["runall-swarm", "attach last --quiet --verbose", "'--quiet' cannot be used with option '-V, --verbose'"],
  ["runall-swarm", "-e -c Quick", /no makefile can be exported\nhint: to list the runs, add --dry-run/],
  ["runall-swarm", "--export=Runfile ./mm1 -c Quick", "no makefile can be exported"],
  ["runall-swarm", "--swarm locl --dry-run -c Quick", "no swarm named locl\nhint: did you mean local? "],
  ["runall-swarm", "explain --swarm locl -c Quick", "no swarm named locl\nhint: did you mean local? "],
  ["runall-swarm", "list --swarm locl", "no swarm named locl\nhint: did you mean local? "],
  [
    "runall-swarm",
    "attach",
    "missing required argument 'id'\nhint: for its options, run: runall-swarm attach --h",
  ],
  [
    "runall-swarm",
    "Quick",
    "Quick: command not found\nhint: to execute a config, run: runall-swarm -c Quick\n",
  ],
  ["runall-swarm", "list --jsno", "runall-swarm: unknown option '--jsno'\nhint: did you mean --json?\n"],
  ["swarm-tool", "status locl", "no swarm named locl\nhint: did you mean local? swarms here: local\n"],
  ["swarm-tool", "status --profile p", "swarm-tool: --profile applies only with --all-regions\n"],
  ["swarm-tool", "staus", "swarm-tool: unknown command 'staus'\nhint: did you mean status?\n"],
  ["swarm-tool", "scale many", "'workers': it must be a whole number from 0 to 100"],
  ["swarm-tool", "init a --local --spot", "--spot does not apply to a swarm on this machine"],
  [
    "swarm-tool",
    "init a --local --worker-image x",
    "--worker-image does not apply to a swarm on this machine",
  ],
  ["swarm-tool", "init a --docker --max-hours 3", "--max-hours does not apply to a swarm on a Docker Swarm"],
  ["swarm-tool", "init a --mongo", "remove --mongo, or create a swarm on this machine with --local"],
  ["swarm-tool", "init a --context x", "remove --context, or create a swarm on a Docker Swarm with --docker"],
  [
    "swarm-tool",
    "init a --local --runners x",
    "argument 'x' is invalid: it must be a whole number from 1 to",
  ],
  [
    "swarm-tool",
    "init a --docker --worker-image x --omnetpp-version 6.2.0",
    "--omnetpp-version has no effect on your own image x\nhint: remove --omnetpp-version, or ",
  ],
  ["swarm-tool", "deploy --worker-image x --omnetpp-version 6.2.0", "--omnetpp-version has no effect"],
  ["swarm-tool", "resume local@a --take-over --workers 2", "'--take-over' cannot be used with option '--wor"],
  ["swarm-tool", "doctor --host ssh://a --context b", "'--host <url>' cannot be used with option '--context"],
  ["swarm-tool", "resume --workers 2", "the swarm local is not on AWS"],
  [
    "swarm-tool",
    "policy --account 123456789012 --profile x",
    "cannot be used with option '--profile <name>'",
  ],
];

describeWithService("redis-server", "a command line", () => {
  let user: Researcher;

  beforeAll(async () => {
    user = await researcher(1);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  it.each(REFUSED)("is refused in one form, never ignored in part: %s %s", async (tool, args, message) => {
    const finished = await user.run(tool, args.split(" "), { cwd: user.sample.study });
    expect(finished.stderr).toMatch(message);
    expect(finished).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it("names the iteration variable, the program and the run filter's quotes that are meant", async () => {
    await user.sample.write({ "simulations/aloha": "#!/bin/sh\n" });
    await chmod(path.join(user.sample.study, "aloha"), 0o755);
    const cases: [string[], string][] = [
      [
        ["-r", "$arivalRate==0.3"],
        "hint: did you mean $arrivalRate? iteration variables here: $arrivalRate, ",
      ],
      [["-r", "arrivalRate==0.3"], "hint: did you mean $arrivalRate?"],
      [["-r", "==0.3"], "write the filter in single quotes"],
    ];
    for (const [filter, hint] of cases)
      expect((await user.runall("--dry-run", "-c", "Quick", ...filter)).stderr).toContain(hint);
    expect((await user.runall("--dry-run", "./alhoa", "-c", "Quick")).stderr).toContain(
      "did you mean ./aloha?",
    );
    expect((await user.runall("--dry-run", "alhoa", "-c", "Quick")).stderr).toContain(
      "did you mean ./aloha?",
    );
    expect((await user.runall("--dry-run", "opp_rnu", "-c", "Quick")).stderr).toContain(
      "did you mean opp_run?",
    );
  });

  it("previews the campaign as JSON, or with all files", async () => {
    const names = Array.from({ length: 30 }, (_, at) => `src/file${at}.txt`);
    await user.sample.write(Object.fromEntries(names.map((name) => [name, "1\n"])));
    const { stdout } = await user.runall("--dry-run", "--json", "-c", "Quick", "-r", "2,3");
    const preview = JSON.parse(stdout) as { runs: { runNumber: number }[]; shipments: { files: string[] }[] };
    expect(preview).toMatchObject({ config: "Quick", completed: 0 });
    expect(preview.runs.map((run) => run.runNumber)).toEqual([2, 3]);
    expect(preview.shipments[0]!.files).toEqual(expect.arrayContaining(names));
    const limited = await user.runall("--dry-run", "--timeout", "90s", "-j", "2", "-c", "Quick");
    expect(limited.stderr).toContain("limits: timeout 1 min 30 s, jobs 2\n");
    const short = await user.runall("--dry-run", "-c", "Quick");
    expect(short.stderr).toContain("more");
    const long = await user.runall("--dry-run", "-V", "-c", "Quick");
    for (const name of names) expect(long.stderr).toContain(name);
    expect((await user.runall("--dry-run", "--quiet", "-c", "Quick")).stderr).toBe("");
  });
});

describeWithService("redis-server", "a campaign's id", () => {
  it("is shown, and may be shortened or called last", async () => {
    await using user = await researcher(1);
    const { stderr } = await user.runall("-c", "Quick", "-r", "0..2");
    const id = await onlyCampaign(user);
    expect(stderr).toContain(`campaign ${id}: 3 runs\n`);
    const last = await queued(user, "-c", "Quick", "-r", "4..7");
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ uncollected: 4 }));
    const attached = await user.runall("attach", "last");
    expect(attached).toMatchObject({ exitCode: 0 });
    expect(attached.stderr).toContain(`campaign ${last}: 4 runs\n`);
    expect((await user.runall("logs", id.slice(0, 7))).stderr).toBe(`campaign ${id}\n`);
    expect((await user.runall("cancel", "last")).stdout).toContain(`campaign ${last} has already ended`);
    const unknown = await user.runall("retry", `${id.slice(0, 7)}0`);
    expect(unknown.stderr).toContain(`hint: did you mean ${id}? `);
    const wrong = await user.runall("logs", "last", "43");
    expect(wrong.stderr).toContain(`campaign ${last} has no run 43; its runs are 4..7\n`);
    expect(wrong.exitCode).toBe(2);
    expect((await user.runall("logs", "last", "-f")).stderr).toContain("--follow needs the number of a run");
  });
});

/** Runs swarm-tool on a terminal and answers its question. */
async function answered(user: Researcher, args: string, answer: string): Promise<Finished> {
  const command = `${process.execPath} ${path.resolve("bin/swarm-tool.js")} ${args}`;
  const terminal = spawn("script", ["-qec", command, "/dev/null"], { env: user.env });
  user.adopt(terminal);
  let stdout = "";
  terminal.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const closed = once(terminal, "close");
  await eventually(() => expect(stdout).toContain("[y/N]"));
  terminal.stdin.write(`${answer}\n`);
  await closed;
  return { exitCode: terminal.exitCode ?? -1, stdout, stderr: "" };
}

describeWithService("redis-server", "a question", () => {
  it("may be declined, which is not an error, and is not asked with --yes", async () => {
    await using user = await researcher(1);
    await using held = await holdRuns(user, 0);
    await queued(user, "-c", "Quick");
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 2 }));
    const refused = await user.run("swarm-tool", ["halt"]);
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("hint: add --yes") as string,
    });
    const declined = await answered(user, "halt", "n");
    expect(declined).toMatchObject({ exitCode: 0 });
    expect(declined.stdout).toContain("nothing was changed");
    expect((await readState(user)).state).toBe("running");
    expect(await answered(user, "halt", "y")).toMatchObject({ exitCode: 0 });
    expect((await readState(user)).state).toBe("halted");
    await held.release();
    for (const args of [["list"], ["logs", "last"]]) {
      const { stderr, exitCode } = await user.runall(...args);
      expect([stderr, exitCode]).toEqual([expect.stringContaining("the swarm local is halted\n"), 2]);
    }
    const attached = await user.runall("attach", "last");
    expect(attached.stderr).toContain("resuming the swarm local\n");
    expect(attached.exitCode).toBe(0);
    await mustRun(user, ["remove", "--yes"]);
  });
});
