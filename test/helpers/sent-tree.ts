import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { sendSource } from "../../src/campaign/run/send-source.ts";
import type { Source } from "../../src/model/build.ts";
import { checkOut } from "../../src/project/git/checkout.ts";
import { readCode } from "../../src/project/git/code.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { openSourceDirectory } from "../../src/stores/source-store.ts";
import { Repositories } from "../../src/worker/tree/repositories.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface SentTree {
  /** The content of a worker's tree, as `readTree` returns it. */
  files: Map<string, string>;
  warnings: string[];
  changed: string[];
}

/**
 * Reads a checkout, sends it and checks it out like a worker.
 * @param sharesDisk whether the worker is on the same machine.
 */
export async function sendTree(
  top: string,
  { sharesDisk = true, ref = "", ship = [] as string[] } = {},
): Promise<SentTree> {
  await using place = await temporaryDirectory();
  const checkout = await openCheckout(top);
  const request = { checkout, ship, isLeftOut: Promise.resolve(() => false) };
  await using code = await readCode(request, ref === "" ? undefined : ref);
  const store = openSourceDirectory(path.join(place.path, "sources"), { sharesDisk });
  const sending = sendSource(code, store, new AbortController().signal);
  let source: Source | undefined;
  while (source === undefined) {
    const { done, value } = await sending.next();
    if (done === true) source = value;
  }
  const repositories = new Repositories(path.join(place.path, "repositories"), store);
  const gitDirectory = await repositories.open(source);
  const tree = path.join(place.path, "tree");
  await checkOut({ gitDirectory, commit: source.commit }, tree);
  return { files: await readTree(tree), warnings: code.warnings, changed: code.changed };
}

/** The files below a folder, without those of git, by name: whether they are executable, and their bytes. */
export async function readTree(top: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(path.join(top, folder), { withFileTypes: true })) {
      if (entry.name === ".git") continue;
      const name = path.join(folder, entry.name);
      const file = path.join(top, name);
      if (entry.isDirectory()) await visit(name);
      else if (entry.isSymbolicLink()) found.set(name, `link ${await readlink(file)}`);
      else {
        const executable = ((await lstat(file)).mode & 0o100) !== 0;
        found.set(name, `${executable ? "program" : "file"} ${(await readFile(file)).toString("latin1")}`);
      }
    }
  };
  await visit("");
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}
