import { styleText } from "node:util";

export type Paint = (style: "red" | "green" | "yellow" | "bold" | "dim", text: string) => string;

/**
 * Returns whether to print colours to a stream: only to a terminal that supports them, and not if `NO_COLOR`
 * is set. `FORCE_COLOR` overrides both, as in Node.js.
 * @see https://no-color.org, https://force-color.org
 */
export function wantsColor(stream: { isTTY: boolean }, env: NodeJS.ProcessEnv): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return stream.isTTY && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** Returns a function that colours texts, or one that does not. */
export function painter(color: boolean): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
