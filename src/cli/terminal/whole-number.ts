import { InvalidArgumentError } from "commander";
import { wholeNumberIn } from "../../model/whole-number.ts";

/** A parser for commander. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = wholeNumberIn(text, from, to);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
  };
}
