import { spawn, type ChildProcess } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { onTestFailed, TestRunner } from "vitest";
import { gitEnvironment, makeRepository, type Repository } from "./git.ts";
import { temporaryDirectory } from "./temporary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const STAND_IN = path.join(ROOT, "test", "helpers", "omnetpp-stand-in", "bin");

export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  finished: Promise<Finished>;
}

/** A user with a separate home, OMNeT++'s stand-in on PATH, and the tools of this checkout. */
export interface User extends AsyncDisposable {
  directory: string;
  env: NodeJS.ProcessEnv;
  /** Runs a tool to its end. */
  run(tool: "runall-swarm" | "swarm-tool", args: readonly string[], options?: RunOptions): Promise<Finished>;
  start(tool: "runall-swarm" | "swarm-tool", args: readonly string[], options?: RunOptions): Running;
  /** A process that is killed at the end of the block if it still runs. */
  adopt(child: ChildProcess): ChildProcess;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/**
 * At the end of the block the user's swarms are removed, whatever state they are in.
 * @param installation the folder of the tools' package, by default this checkout.
 */
export async function newUser(installation = ROOT): Promise<User> {
  const home = await temporaryDirectory("swarm-user-");
  const { SWARM: _, ...inherited } = gitEnvironment;
  const env: NodeJS.ProcessEnv = {
    ...inherited,
    HOME: home.path,
    PATH: `${STAND_IN}${path.delimiter}${process.env["PATH"] ?? ""}`,
    XDG_STATE_HOME: path.join(home.path, "state"),
    XDG_CACHE_HOME: path.join(home.path, "cache"),
  };
  const started = new Set<ChildProcess>();
  const start: User["start"] = (tool, args, options = {}) => {
    const child = spawn(process.execPath, [path.join(installation, "bin", `${tool}.js`), ...args], {
      cwd: options.cwd ?? home.path,
      env: { ...env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.add(child);
    const closed = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
    const finished = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
      ([exitCode, stdout, stderr]) => ({ exitCode, stdout, stderr }),
    );
    showIfTestFails([tool, ...args].join(" "), finished);
    return { child, finished };
  };
  const run: User["run"] = (tool, args, options) => start(tool, args, options).finished;
  const removeSwarms = async (): Promise<void> => {
    for (const child of started) child.kill("SIGKILL"); // has no effect on one that has ended
    for (const name of await readdir(path.join(home.path, "state/inet-swarm/swarms")).catch(() => [])) {
      if (!name.includes(".")) await run("swarm-tool", ["remove", name, "--force"]);
    }
    await home[Symbol.asyncDispose]();
  };
  const adopt: User["adopt"] = (child) => {
    started.add(child);
    return child;
  };
  return { directory: home.path, env, run, start, adopt, [Symbol.asyncDispose]: removeSwarms };
}

export interface Sample extends Repository {
  /** The folder of the omnetpp.ini. */
  study: string;
  /** Files below the result directory, sorted. */
  results(): Promise<string[]>;
  read(file: string): Promise<string>;
}

/** The sample project in a separate repository. */
export async function newSample(): Promise<Sample> {
  const repository = await makeRepository();
  await cp(path.join(ROOT, "examples/mm1"), repository.path, { recursive: true });
  await repository.commit();
  const study = path.join(repository.path, "simulations");
  return {
    ...repository,
    study,
    async results() {
      const entries = await readdir(path.join(study, "results"), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return files
        .map((file) => path.relative(path.join(study, "results"), path.join(file.parentPath, file.name)))
        .sort();
    },
    read: (file) => readFile(path.join(study, file), "utf8"),
  };
}

/** A test that checks an exit code alone would not show why a tool failed. */
function showIfTestFails(command: string, finished: Promise<Finished>): void {
  if (TestRunner.getCurrentTest() === undefined) return; // set-up of a whole file
  let ended: Finished | undefined;
  finished.then((end) => (ended = end)).catch(() => undefined); // the test gets the error
  onTestFailed(() => {
    if (ended === undefined || ended.exitCode === 0) return;
    console.error(`${command} ended with ${ended.exitCode}:\n${ended.stdout}${ended.stderr}`);
  });
}
