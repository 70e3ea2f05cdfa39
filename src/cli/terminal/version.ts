import { readFileSync } from "node:fs";
import { installedFile } from "../../system/installation.ts";

/** Returns the version of this installation from its package.json. */
export function version(): string {
  return (JSON.parse(readFileSync(installedFile("package.json"), "utf8")) as { version: string }).version;
}
