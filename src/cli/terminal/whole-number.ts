import { InvalidArgumentError } from "commander";
import { wholeNumberIn } from "../../model/whole-number.ts";

/** Returns a parser of integers within limits for commander, which reports its errors. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = wholeNumberIn(text, from, to);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`);
  };
}
