import { lstatSync, statSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import { userId } from "./user.ts";

/**
 * Checks that a Unix socket belongs to this user: if another user could replace it, that user would receive all that is
 * sent to it. A socket that does not exist is accepted; connecting to it will fail.
 * @throws {UserError} if the socket or its directory belongs to another user or is accessible to others.
 */
export function checkSocket(socket: string): void {
  const directory = path.dirname(socket);
  const place = existing(() => statSync(directory));
  if (place === undefined) return;
  if (!place.isDirectory() || !isPrivate(place)) throw notOurs(directory);
  const stats = existing(() => lstatSync(socket));
  if (stats !== undefined && (!stats.isSocket() || stats.uid !== userId())) throw notOurs(socket);
}

/** Returns whether a folder does not exist yet, or belongs to this user and is accessible only to this user. */
export function isUnusedOrPrivate(directory: string): boolean {
  const stats = existing(() => lstatSync(directory));
  return stats === undefined || (stats.isDirectory() && isPrivate(stats));
}

/** Returns whether a file belongs to this user, and others can neither read nor change it. */
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
