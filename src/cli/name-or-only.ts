import { UserError } from "../errors.ts";
import { listSwarms } from "../targets/swarm-state.ts";

/**
 * The swarm that is named, else the only one.
 * @throws {UserError} where there are several, or none.
 */
export async function nameOrOnly(name: string | undefined): Promise<string> {
  if (name !== undefined) return name;
  const names = (await listSwarms()).map((state) => state.name);
  if (names.length === 1) return names[0]!;
  if (names.length === 0) {
    throw new UserError("there is no swarm", { hint: "make one with: swarm-tool init --local" });
  }
  throw new UserError(`there are several swarms: ${names.join(", ")}`, { hint: "name one of them" });
}
