import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT, runStep, SetupError } from "./setup.js";

const CACHE = path.join(ROOT, ".cache");
const REQUIREMENTS = path.join(ROOT, "scripts", "python-requirements.txt");

/** Returns the folder of the tests' programs from PyPI: an AWS emulator, and checkers of templates and scripts. */
export function pythonTools() {
  const version = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 12);
  return path.join(CACHE, `python-${version}`);
}

/** Returns whether the programs are completely installed: the file `ready` is written last. */
export function hasPythonTools() {
  return existsSync(path.join(pythonTools(), "ready"));
}

/**
 * Installs the programs in a virtual environment of this checkout. If that fails, prints the reason; the
 * tests that need the programs are then skipped, or fail with REQUIRE_SERVICES=1.
 */
export async function providePythonTools() {
  if (hasPythonTools()) return;
  const folder = pythonTools();
  for (const name of existsSync(CACHE) ? readdirSync(CACHE) : []) {
    if (name.startsWith("python-")) rmSync(path.join(CACHE, name), { recursive: true });
  }
  console.log("installing an AWS emulator and checkers from PyPI…");
  try {
    await runStep("python3", ["-m", "venv", folder]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
    await runStep(path.join(folder, "bin", "python3"), pip);
    writeFileSync(path.join(folder, "ready"), "");
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
  }
}
