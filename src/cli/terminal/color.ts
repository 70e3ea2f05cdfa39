import { styleText } from "node:util";

export type Paint = (style: "red" | "green" | "yellow" | "bold" | "dim", text: string) => string;

/**
 * Whether somebody wants colours there: a terminal that has them, unless `NO_COLOR` is set; `FORCE_COLOR` wins
 * over both, as it does for Node.js.
 * @see https://no-color.org, https://force-color.org
 */
export function wantsColor(stream: { isTTY: boolean }, env: NodeJS.ProcessEnv): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return stream.isTTY && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

export function painter(color: boolean): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
