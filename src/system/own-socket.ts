import { lstatSync, statSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import { userId } from "./user.ts";

/**
 * Makes sure that a unix socket is this user's: whoever could make one in its place would get all that is sent there.
 * A socket that does not exist is left to whoever connects to it.
 * @throws {UserError} if it, or its directory, belongs to somebody else or can be changed by others.
 */
export function checkSocket(socket: string): void {
  const directory = path.dirname(socket);
  const place = existing(() => statSync(directory));
  if (place === undefined) return;
  if (!place.isDirectory() || !isPrivate(place)) throw notOurs(directory);
  const stats = existing(() => lstatSync(socket));
  if (stats !== undefined && (!stats.isSocket() || stats.uid !== userId())) throw notOurs(socket);
}

/** Whether a folder does not exist yet or is this user's alone; one in a directory for everybody could be anybody's. */
export function isFreeOrOurs(directory: string): boolean {
  const stats = existing(() => lstatSync(directory));
  return stats === undefined || (stats.isDirectory() && isPrivate(stats));
}

/** Others may neither look into it nor change it. */
function isPrivate({ uid, mode }: Stats): boolean {
  return uid === userId() && (mode & 0o077) === 0;
}

function existing(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return undefined;
    throw new UserError(`cannot inspect a unix socket: ${String(error)}`, { cause: error });
  }
}

function notOurs(file: string): UserError {
  return new UserError(`${file} belongs to another user or is accessible to others`, {
    hint: `check its owner: ls -ld '${file}'; if it is yours: chmod 700 '${path.dirname(file)}' '${file}'; otherwise remove it`,
  });
}
