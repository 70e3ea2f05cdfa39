import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { User } from "../helpers/tool.ts";
import type { Ending } from "./compare.ts";
import type { Picture } from "./picture.ts";
import type { RunName } from "./plain.ts";
import type { World } from "./world.ts";

/** A command that takes longer is considered hung. */
const LIMIT_MS = 60_000;

/** Runs runall-swarm in the study. @returns exit code -1 if it did not end. */
export async function runSwarm(
  user: User,
  world: World,
  args: readonly string[],
): Promise<Pick<Ending, "exitCode" | "output">> {
  const running = user.start("runall-swarm", args, { cwd: world.study, env: world.env });
  const limit = new AbortController();
  const ended = running.finished.then(({ exitCode, stdout, stderr }) => ({
    exitCode,
    output: stderr + stdout,
  }));
  const hangs = setTimeout(LIMIT_MS, undefined, { signal: limit.signal }).then(
    async () => {
      running.child.kill("SIGKILL");
      return { exitCode: -1, output: (await ended).output };
    },
    () => ended,
  );
  try {
    return await Promise.race([ended, hangs]);
  } finally {
    limit.abort();
  }
}

/** Does what the user does while the first run executes. */
export async function editMeanwhile(
  world: World,
  edit: () => Promise<void>,
  command: () => Promise<Pick<Ending, "exitCode" | "output">>,
): Promise<Pick<Ending, "exitCode" | "output">> {
  const signal = (name: string): string => path.join(world.signals, name);
  await promisify(execFile)("mkfifo", [signal("go")]);
  await writeFile(signal("armed"), "");
  const ended = command();
  const state = { ended: false };
  void ended.finally(() => (state.ended = true));
  while (!existsSync(signal("started")) && !state.ended) await setTimeout(10);
  await edit();
  if (!state.ended) {
    // opening the pipe waits for its reader, which may have been killed
    const writer = spawn("sh", ["-c", 'echo > "$1"', "sh", signal("go")], { stdio: "ignore" });
    const written = once(writer, "close");
    await ended;
    writer.kill("SIGKILL");
    await written;
  }
  await rm(signal("go"));
  await rm(signal("armed"), { force: true });
  return ended;
}

/** How often runs have been executed until now. */
export function executions(world: World): number {
  const file = path.join(world.signals, "executed");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
}

/** What the records in a world contain about each run. */
export function statesIn(after: Picture): Ending["states"] {
  const states = new Map<RunName, { state: string; error: string }>();
  for (const [file, { content }] of after) {
    const [, run] = /(?:^|\/)\.swarm\/([AB]-\d+)\.json$/.exec(file) ?? [];
    if (run === undefined) continue;
    const record = JSON.parse(content) as { state: string; error?: string; reason?: string };
    states.set(run, { state: record.state, error: record.error ?? record.reason ?? "" });
  }
  return states;
}

export interface Edit {
  /** Relative to the world. */
  file: string;
  /** Undefined: deleted. */
  content: string | undefined;
}

export async function applyEdit(world: World, { file, content }: Edit): Promise<void> {
  const place = path.join(world.top, file);
  if (content === undefined) return await rm(place, { force: true });
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, content);
}
