import { UserError } from "../errors.ts";

/** A swarm that does not exist any more, as somebody learns who has used it. */
export class SwarmRemoved extends UserError {
  override name = "SwarmRemoved";
}
