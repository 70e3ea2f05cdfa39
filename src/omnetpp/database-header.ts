import type { FileHandle } from "node:fs/promises";

/** A file with SQLite's tables in place of lines begins with this text. */
const SQLITE = "SQLite format 3\0";

/** Returns whether the first bytes of a file are those of a SQLite file. */
export function isDatabaseHead(head: Buffer): boolean {
  return head.toString("latin1", 0, SQLITE.length) === SQLITE;
}

/** Number of bytes by which a SQLite file is recognized. */
export const DATABASE_HEAD_BYTES = SQLITE.length;

/** Returns whether a file is in SQLite's format. */
export async function isDatabase(handle: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(SQLITE.length);
  await handle.read(head, 0, head.length, 0);
  return isDatabaseHead(head);
}
