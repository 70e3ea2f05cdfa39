import { userInfo } from "node:os";
import path from "node:path";

/** Returns the user's home directory; undefined if it is not an absolute path, or no account has the user ID. */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env["HOME"] || account()?.homedir;
  return home !== undefined && path.isAbsolute(home) ? home : undefined;
}

/** Returns the user's name; the user ID if no account has it, as in many containers. */
export function userName(): string {
  return account()?.username ?? String(userId());
}

/** Returns the user ID of this process. */
export function userId(): number {
  return process.getuid!();
}

function account(): { username: string; homedir: string } | undefined {
  try {
    return userInfo();
  } catch {
    return undefined; // no account has this user ID
  }
}
