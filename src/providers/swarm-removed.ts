import { UserError } from "../errors.ts";

/** A swarm that was in use no longer exists. */
export class SwarmRemoved extends UserError {
  override name = "SwarmRemoved";
}
