import { InvalidArgumentError } from "commander";

/** Returns a parser of a fixed set of values for commander, which does not list them in the help. */
export function oneOf(values: readonly string[]): (text: string) => string {
  return (text) => {
    if (values.includes(text)) return text;
    throw new InvalidArgumentError(`It must be one of ${values.join(", ")}.`);
  };
}
