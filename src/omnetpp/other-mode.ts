import path from "node:path";
import { lstatIfExists } from "../system/files.ts";
import { modeOf } from "./simulator.ts";

/**
 * Returns a note if a missing program or library exists in the other mode (release or debug); otherwise
 * undefined.
 * @param file absolute path.
 * @returns part of a sentence: `libqueue_dbg.so exists there, which is a debug build`.
 */
export async function otherModeOf(file: string): Promise<string | undefined> {
  const { dir, name, ext } = path.parse(file);
  const isDebug = modeOf(name) === "debug";
  const other = (isDebug ? name.slice(0, -"_dbg".length) : `${name}_dbg`) + ext;
  const found = await lstatIfExists(path.join(dir, other)).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  return `${other} exists there, which is a ${isDebug ? "release" : "debug"} build`;
}

/** Returns advice on a missing program or library: how to build it, or which simulator to use instead. */
export function modeAdvice(file: string): string {
  const isDebug = modeOf(path.parse(file).name) === "debug";
  return isDebug
    ? "build it with make MODE=debug, or use opp_run"
    : "build it with make MODE=release, or use opp_run_dbg";
}
