import { userInfo } from "node:os";
import path from "node:path";

/** Returns the user's home, absolute; undefined if `HOME` is not a path and no account has the user's id. */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env["HOME"] || account()?.homedir;
  return home !== undefined && path.isAbsolute(home) ? home : undefined;
}

/** Returns the name of the user; the user id if no account has it, as in many containers. */
export function userName(): string {
  return account()?.username ?? String(userId());
}

export function userId(): number {
  return process.getuid!();
}

function account(): { username: string; homedir: string } | undefined {
  try {
    return userInfo();
  } catch {
    return undefined; // there is none with this id
  }
}
