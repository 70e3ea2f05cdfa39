import { UserError } from "../../errors.ts";
import { isNameable, type Environment } from "../../model/environment.ts";

/**
 * Returns the variables of `--env` with one more, sorted by name. A later variable replaces one of the same
 * name.
 * @param text `NAME=VALUE`, or `NAME` for its value in this process.
 * @throws {UserError} if the variable is not set, or cannot be set for runs.
 */
export function withVariable(
  before: Environment,
  text: string,
  env: NodeJS.ProcessEnv = process.env,
): Environment {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? env[name] : text.slice(equals + 1);
  if (!isNameable(name)) throw cannotBeNamed(name);
  if (value === undefined) {
    throw new UserError(`--env ${name}: the variable is not set`, {
      hint: `export the variable, or give a value: --env ${name}=VALUE`,
    });
  }
  const all = Object.entries({ ...before, [name]: value });
  return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function cannotBeNamed(name: string): UserError {
  if (!/^[A-Za-z_]\w*$/.test(name))
    return new UserError(`--env: ${JSON.stringify(name)} is not a valid name of an environment variable`);
  return new UserError(`--env ${name}: this variable cannot be set for runs`, {
    hint: "workers and shells use this variable themselves; choose another name",
  });
}
