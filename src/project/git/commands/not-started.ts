import { UserError } from "../../../errors.ts";

/** git is not installed, cannot be executed, or its working directory does not exist. */
export class GitNotStarted extends UserError {
  override name = "GitNotStarted";
}
