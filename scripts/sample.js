import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { ROOT, SetupError } from "./setup.js";

/** OMNeT++'s stand-in, for machines without OMNeT++. */
export const STAND_IN = path.join(ROOT, "test", "helpers", "omnetpp-stand-in", "bin");

/**
 * Copies the sample into a new git repository, because a study has to be in a checkout. Returns the study's folder.
 * @param {string} project the new repository; if it exists, it is replaced.
 */
export function copySample(project) {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  cpSync(path.join(ROOT, "examples", "mm1"), project, { recursive: true });
  const identity = ["-c", "user.name=Demo", "-c", "user.email=demo@example.org"];
  for (const command of [
    ["init", "--quiet"],
    ["add", "--all"],
    [...identity, "commit", "--quiet", "--message=The sample"],
  ]) {
    const { status, stderr } = spawnSync("git", command, { cwd: project, encoding: "utf8" });
    if (status !== 0) throw new SetupError(`git ${command.join(" ")}: ${stderr}`);
  }
  return path.join(project, "simulations");
}
