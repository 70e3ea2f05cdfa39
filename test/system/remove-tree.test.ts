import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { expect, it } from "vitest";
import { removeTree } from "../../src/system/remove-tree.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
/** Closed folders, read-only folders, and one whose path is longer than the system allows. */
const HOSTILE = `
mkdir -p "$1/closed/in/it" "$1/read-only/in it" "$1/plain"
touch "$1/closed/in/it/file" "$1/read-only/file"
cd "$1/plain" && n=$(printf 'x%.0s' $(seq 250)) && for i in $(seq 20); do mkdir $n && cd $n; done; touch end
chmod 0 "$1/closed/in/it" "$1/closed/in" "$1/closed"; chmod 0555 "$1/read-only"
`;

/** Stores a module of ours as JavaScript in a place where every user can read it. */
async function writeModule(folder: string, name: string): Promise<void> {
  const { outputText } = transpileModule(await readFile(path.join(SOURCE, `${name}.ts`), "utf8"), {
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
  });
  const file = path.join(folder, `${name}.mjs`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, outputText.replaceAll('.ts"', '.mjs"'));
}

it("removes whatever a program has left", async () => {
  await using directory = await temporaryDirectory();
  const place = path.join(directory.path, "tree");
  execFileSync("bash", ["-c", HOSTILE, "bash", place]);
  await removeTree(place);
  expect(existsSync(place)).toBe(false);
  await removeTree(place); // a missing path is no error
});

it("removes names that are not UTF-8", async () => {
  await using directory = await temporaryDirectory();
  const place = path.join(directory.path, "tree");
  execFileSync("bash", [
    "-c",
    'mkdir -p "$1"/$(printf "\\377") && touch "$1"/$(printf "\\377")/x',
    "bash",
    place,
  ]);
  await removeTree(place);
  expect(existsSync(place)).toBe(false);
});

it("does the same for a user whose access the modes deny", async ({ skip }) => {
  if (process.getuid!() !== 0) skip("SKIPPED: only root can become another user");
  await using directory = await temporaryDirectory();
  await chmod(directory.path, 0o777);
  const place = path.join(directory.path, "tree");
  const asNobody = (command: string, ...args: string[]) =>
    spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", command, ...args], {
      encoding: "utf8",
      cwd: "/",
    });
  const made = asNobody("bash", "-c", HOSTILE, "bash", place);
  if (made.error !== undefined) skip("SKIPPED: there is no setpriv");
  expect(asNobody("ls", path.join(place, "closed")).status).not.toBe(0);
  const code = path.join(directory.path, "code");
  for (const file of ["errors", "system/program", "system/remove-tree"]) await writeModule(code, file);
  const script = "const { removeTree } = await import(process.argv[1]); await removeTree(process.argv[2]);";
  const module = path.join(code, "system/remove-tree.mjs");
  const { status, stderr } = asNobody(process.execPath, "--input-type=module", "-e", script, module, place);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(existsSync(place)).toBe(false);
});
