import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { HashSchema } from "../../model/git-names.ts";
import { hashOf } from "./commands/revisions.ts";
import type { Checkout } from "./git.ts";

/**
 * Returns the full hash of a commit.
 * @param ref as typed by the user: a hash, branch, tag, `HEAD~2`.
 * @throws {UserError} if there is no such commit.
 */
export async function resolveCommit({ top, signal }: Checkout, ref: string): Promise<string> {
  const explain = (): UserError =>
    new UserError(`no commit ${ref} in ${top}`, { hint: "list commits with: git log --oneline --all" });
  const answer = await hashOf(`${ref}^{commit}`, { cwd: top, signal, explain });
  if (!v.is(HashSchema, answer)) throw explain(); // `^main` excludes a commit instead of naming one
  return answer;
}
