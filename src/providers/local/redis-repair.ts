import { cp, open, readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { isDiskFullError } from "../../system/disk.ts";
import { lstatIfExists } from "../../system/files.ts";
import { findProgram, runProgram, type ProgramResult } from "../../system/program.ts";
import { jobIdsIn } from "../../queue/bull-layout.ts";
import { RUN_QUEUE } from "../../queue/names.ts";

/** Suffix of the copy that is repaired. It is next to the data, so that it can be renamed to replace them. */
const REPAIRED = ".repaired";
const DAMAGED = ".damaged-";
/** Maximum size of the lost data that is searched for affected runs. */
const SEARCHED_BYTES = 64 << 20;

/** What Redis and Valkey log if they do not start because of a damaged append-only file. */
const DAMAGE =
  /Bad file format reading the append only file|Unexpected end of file reading the append only file|(?:redis|valkey)-check-aof/;
/** What they log if they load a file without its last command, because only that is incomplete. */
const CUT_OFF = /Truncating the AOF (\S+) at offset (\d+)/;

/** Returns whether Redis did not start because of a damaged append-only file. @param log its output. */
export function isDamaged(log: string): boolean {
  return DAMAGE.test(log);
}

/** Returns what Redis has left out when it loaded its data, as a message; undefined if nothing. @param log its output. */
export function leftOut(log: string): string | undefined {
  const [, file] = CUT_OFF.exec(log) ?? [];
  if (file === undefined) return undefined;
  return `the last command in the queue's file ${file} was incomplete and is lost: at most the last second before the machine or Redis stopped`;
}

/** Completes a repair that was interrupted after the damaged data was renamed; removes an incomplete one. */
export async function completeRepair(data: string): Promise<void> {
  const repaired = `${data}${REPAIRED}`;
  if ((await lstatIfExists(repaired)) === undefined) return;
  if ((await lstatIfExists(data)) === undefined)
    await rename(repaired, data); // it was checked before the data was renamed
  else await rm(repaired, { recursive: true, force: true });
}

/**
 * Repairs a copy of the append-only file of a Redis that is not running, and replaces the data by the copy. The damaged
 * data is kept.
 * @param server the Redis or Valkey server, whose own checking program is preferred.
 * @returns a message with what was lost and where the damaged data is.
 * @throws {UserError} if the file cannot be repaired; nothing is changed then.
 */
export async function repairData(data: string, server: string): Promise<string> {
  const program = await checkProgram(server);
  if (program === undefined) {
    throw new UserError(`the queue's append-only file in ${data} is damaged`, {
      hint: "install redis-check-aof (part of redis-server; Debian: redis-tools), then resume the swarm to repair the file",
    });
  }
  const repaired = `${data}${REPAIRED}`;
  await rm(repaired, { recursive: true, force: true });
  try {
    await cp(data, repaired, { recursive: true, preserveTimestamps: true });
  } catch (error) {
    await rm(repaired, { recursive: true, force: true });
    if (!isDiskFullError(error)) throw error;
    throw new UserError(
      `the queue's append-only file in ${data} is damaged, and the disk has no space for a copy of it`,
      {
        hint: "free disk space, then resume the swarm to repair the file",
        cause: error,
      },
    );
  }
  const failure = await repairCopy(repaired, program);
  if (failure !== undefined) {
    await rm(repaired, { recursive: true, force: true });
    throw notRepairable(data, failure);
  }
  const lost = await describeLoss(data, repaired);
  const damaged = `${data}${DAMAGED}${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}`;
  await rename(data, damaged);
  await rename(repaired, data);
  return `the queue's append-only file was damaged and has been repaired: ${lost}; the damaged file is kept in ${damaged}`;
}

async function checkProgram(server: string): Promise<string | undefined> {
  const names = ["redis-check-aof", "valkey-check-aof"];
  if (path.basename(server).startsWith("valkey")) names.reverse();
  const serverFolder = path.dirname(server);
  return (await findProgram(names, serverFolder)) ?? (await findProgram(names));
}

/** Repairs data with the checking program. Returns why that failed; undefined if it succeeded. */
async function repairCopy(data: string, program: string): Promise<string | undefined> {
  const { file, isWhole } = await fileToCheck(data);
  const check = (...options: string[]): Promise<ProgramResult> =>
    runProgram(program, [...options, file], { input: options.length > 0 ? "y\n" : "n\n" });
  if (!isWhole && (await check()).exitCode === 0)
    return `${path.basename(file)} is not damaged, so another file is`;
  const fixed = await check("--fix");
  if (fixed.exitCode === 0 && (await check()).exitCode === 0) return undefined;
  return lastLine(fixed.stdout + fixed.stderr);
}

/**
 * Returns the manifest of several files (from Redis 7 on), or the only file. If the first of several was written by
 * Valkey 9, it is the last file instead, where damage usually is: valkey-check-aof 9.1 takes a file that begins with
 * `VALKEY` for damaged.
 */
async function fileToCheck(data: string): Promise<{ file: string; isWhole: boolean }> {
  const folder = path.join(data, "appendonlydir");
  const names = (await lstatIfExists(folder)) === undefined ? [] : await readdir(folder);
  const name = names.find((each) => each.endsWith(".manifest"));
  if (name === undefined) return { file: path.join(data, "appendonly.aof"), isWhole: true };
  const manifest = path.join(folder, name);
  const entries = (await readFile(manifest, "latin1")).split("\n");
  const fileOf = (type: string): string | undefined => {
    const entry = entries.findLast((line) => line.includes(` type ${type}`));
    const named = /^file (\S+)/.exec(entry ?? "")?.[1];
    return named === undefined ? undefined : path.join(folder, path.basename(named));
  };
  const [base, last] = [fileOf("b"), fileOf("i")];
  const isOfValkey = base !== undefined && (await startOf(base)).startsWith("VALKEY");
  return isOfValkey && last !== undefined
    ? { file: last, isWhole: false }
    : { file: manifest, isWhole: true };
}

/** Returns the first bytes of a file; nothing if it cannot be read. */
async function startOf(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch {
    return ""; // the checking program reports it
  }
}

/** Returns a message with the lost bytes and the runs that they concern. */
async function describeLoss(before: string, after: string): Promise<string> {
  let lostBytes = 0;
  let allBytes = 0;
  const runs = new Set<string>();
  for (const { file, size } of await filesIn(before)) {
    allBytes += size;
    const kept = (await lstatIfExists(path.join(after, file)))?.size ?? 0;
    if (kept >= size) continue;
    lostBytes += size - kept;
    const lost = (await readFile(path.join(before, file))).subarray(kept, kept + SEARCHED_BYTES);
    for (const id of jobIdsIn(lost.toString("latin1"), RUN_QUEUE)) if (/-\d+$/.test(id)) runs.add(id);
  }
  const campaigns = [...new Set([...runs].map((run) => run.replace(/-\d+$/, "")))];
  const about =
    runs.size === 0
      ? "no runs are affected"
      : `they concern ${runs.size === 1 ? "1 run" : `${runs.size} runs`} of ${campaigns.slice(0, 3).join(", ")}${campaigns.length > 3 ? " and others" : ""}; if runs are missing in a campaign, run its command again: completed runs are not rerun`;
  return `the last ${lostBytes} of ${allBytes} bytes in it are lost; ${about}`;
}

async function filesIn(directory: string): Promise<{ file: string; size: number }[]> {
  const names = await readdir(directory, { recursive: true });
  const found = await Promise.all(
    names.map(async (file) => ({ file, stats: await lstatIfExists(path.join(directory, file)) })),
  );
  return found.flatMap(({ file, stats }) => (stats?.isFile() ? [{ file, size: stats.size }] : []));
}

function notRepairable(data: string, reason: string): UserError {
  return new UserError(`the queue's data in ${data} is damaged and cannot be repaired: ${reason}`, {
    hint: `restore it from a backup; or start with an empty queue, which loses queued runs and uncollected results: mv '${data}' '${data}.damaged', then resume the swarm`,
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
