import path from "node:path";
import { UserError } from "../errors.ts";
import { statIfThere } from "../system/files.ts";
import { openCheckout, type Checkout, type TreeEntry } from "./git.ts";
import type { Reading, WorkTreeFiles } from "./work-tree.ts";

export const GITLINK = "160000";

/**
 * Replaces the submodules among the entries by their files: a worker then needs neither their repositories nor
 * the right to read them, and changes within them count as any other.
 * @throws {UserError} where one is not initialised.
 * @see gitsubmodules(7).
 */
export async function withSubmodules(
  reading: Reading,
  entries: readonly TreeEntry[],
  read: (inner: Reading) => Promise<WorkTreeFiles>,
): Promise<{ entries: TreeEntry[]; warnings: string[] }> {
  const { checkout, prefix } = reading;
  const whole: TreeEntry[] = [];
  const warnings: string[] = [];
  for (const entry of entries) {
    if (entry.mode !== GITLINK) {
      whole.push(entry);
      continue;
    }
    const inner = await openSubmodule(checkout, entry.path);
    const files = await read({ ...reading, checkout: inner, prefix: `${prefix}${entry.path}/` });
    whole.push(...files.entries.map((file) => ({ ...file, path: `${entry.path}/${file.path}` })));
    warnings.push(...files.warnings);
  }
  return { entries: whole, warnings };
}

async function openSubmodule(checkout: Checkout, folder: string): Promise<Checkout> {
  const top = path.join(checkout.top, folder);
  if (await statIfThere(path.join(top, ".git"))) return await openCheckout(top);
  throw new UserError(`the submodule ${folder} of ${checkout.top} is not initialised`, {
    hint: `fetch it: git -C ${checkout.top} submodule update --init --recursive ${folder}`,
  });
}
