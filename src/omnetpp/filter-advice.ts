import { nearest } from "../model/near.ts";

/**
 * Returns what may be wrong with a run filter that the simulator cannot evaluate.
 * @param error the simulator's message.
 * @param variables the iteration variables of the config, without their dollar signs.
 */
export function filterAdvice(
  error: string,
  filter: string,
  variables: readonly string[],
): string | undefined {
  if (!error.includes("run filter")) return undefined;
  const known = `iteration variables here: ${variables.map((name) => `$${name}`).join(", ")}`;
  const name = /(?:Unknown variable \$|No such variable: ')(\w+)/.exec(error)?.[1];
  if (name !== undefined) {
    const [near] = variables.includes(name) ? [name] : nearest(name, variables);
    return near === undefined ? known : `did you mean $${near}? ${known}`;
  }
  if (!filter.includes("$"))
    return `in double quotes, the shell replaces $name; write the filter in single quotes: -r '$name==…'. ${known}`;
  return known;
}
