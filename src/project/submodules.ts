import path from "node:path";
import { UserError } from "../errors.ts";
import { statIfThere } from "../system/files.ts";
import { openCheckout, type Checkout, type TreeEntry } from "./git.ts";
import type { Reading, Run, WorkTreeFiles } from "./work-tree.ts";

export const GITLINK = "160000";

/**
 * Replaces the submodules in the index by their files: a worker then needs neither their repositories nor the
 * right to read them, and changes within them count as any other.
 * @returns warnings; undefined where there is no submodule.
 * @throws {UserError} where one is not initialised.
 * @see git-read-tree(1) --prefix; gitsubmodules(7).
 */
export async function addSubmodules(
  reading: Reading,
  entries: readonly TreeEntry[],
  run: Run,
  read: (inner: Reading) => Promise<WorkTreeFiles>,
): Promise<string[] | undefined> {
  const { checkout, prefix } = reading;
  const links = entries.filter(({ mode }) => mode === GITLINK);
  if (links.length === 0) return undefined;
  const warnings: string[] = [];
  for (const { path: folder } of links) {
    const inner = await openSubmodule(checkout, folder);
    const files = await read({ ...reading, checkout: inner, prefix: `${prefix}${folder}/` });
    await run(["update-index", "--force-remove", "--", folder]);
    await run(["read-tree", `--prefix=${folder}/`, files.tree]);
    warnings.push(...files.warnings);
  }
  return warnings;
}

async function openSubmodule(checkout: Checkout, folder: string): Promise<Checkout> {
  const top = path.join(checkout.top, folder);
  if (await statIfThere(path.join(top, ".git"))) return await openCheckout(top);
  throw new UserError(`the submodule ${folder} of ${checkout.top} is not initialised`, {
    hint: `fetch it: git -C ${checkout.top} submodule update --init --recursive ${folder}`,
  });
}
