import { homedir } from "node:os";
import { textWidth, visible, wrap } from "./text-width.ts";

/** The part of a stream that decides how text is laid out on it. */
export interface Paper {
  isTTY?: boolean;
  columns?: number;
}

/**
 * Returns a text as it is printed for people: on a terminal, long lines are wrapped between words, and the home directory
 * is `~`. Elsewhere it is unchanged, because a program may read it.
 * @param text may contain colours and several lines.
 */
export function forPeople(text: string, { isTTY, columns }: Paper): string {
  return isTTY ? fitText(withTilde(text), columns || 80) : text;
}

/** Returns a text whose lines are wrapped between words; further lines are indented by two more columns. */
export function fitText(text: string, columns: number): string {
  return text
    .split("\n")
    .map((line) => {
      if (textWidth(visible(line)) <= columns) return line;
      const indent = /^ */.exec(line)![0];
      return wrap(line, columns, `${indent}  `);
    })
    .join("\n");
}

/**
 * Returns a text in which absolute paths in the home directory begin with `~`. Paths in quotes and URLs stay, because `~`
 * has no meaning there.
 */
export function withTilde(text: string, home = homedir()): string {
  if (home.length < 2) return text;
  const escaped = home.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return text.replaceAll(new RegExp(String.raw`(^|[\s(])${escaped}(?=[/\s),;:]|$)`, "gm"), "$1~");
}
