import { lstatSync, mkdirSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { ResultFile } from "../../model/result.ts";
import { runLabel, type Run } from "../../model/run.ts";
import { DamagedArchive } from "../../stores/store.ts";
import { moveFile, lstatIfExists } from "../../system/files.ts";

/**
 * Moves a result file to its place, unless an earlier attempt has already done so.
 * @throws {DamagedArchive} if the file is damaged or lost.
 * @throws {UserError} if the file in its place is incomplete.
 */
export async function moveResult(
  { from, sizeBytes }: ResultFile & { from: string },
  to: string,
  run: Run,
): Promise<void> {
  const stored = await lstatIfExists(from);
  if (stored !== undefined && stored.size !== sizeBytes)
    throw new DamagedArchive(
      `its result file ${path.basename(to)} is damaged: ${stored.size} of ${sizeBytes} bytes`,
    );
  if (stored !== undefined) {
    mkdirSync(path.dirname(to), { recursive: true });
    await moveFile(from, to).catch((error: unknown) => {
      if (lstatSync(from, { throwIfNoEntry: false }) !== undefined) throw error;
      throw new DamagedArchive(`${to} is no longer in the swarm`, { cause: error });
    });
  }
  const arrived = await lstatIfExists(to);
  if (arrived === undefined)
    throw new DamagedArchive(`${to} no longer exists, neither here nor in the swarm`);
  if (arrived.size === sizeBytes) return;
  throw new UserError(`${to} of ${runLabel(run)} is incomplete: ${arrived.size} of ${sizeBytes} bytes`, {
    hint: "check the free disk space, then run the campaign again",
  });
}
