import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A command in a shell block of a page, with what the page shows as its output. */
export interface DocumentedCommand {
  /** The heading under which the block is, such as `Your first campaign`. */
  heading: string;
  line: string;
  /** Without empty lines. */
  output: string[];
}

/** Returns the commands in the shell blocks of a page. A block that begins without `$` continues the output above it. */
export function commandsOf(page: string): DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let heading = "";
  let language: string | undefined;
  for (const line of readFileSync(path.join(ROOT, page), "utf8").split("\n")) {
    const [, opened] = /^ *```(\w*)$/.exec(line) ?? [];
    const text = line.trim();
    if (opened !== undefined) language = language === undefined ? opened : undefined;
    else if (language === undefined) heading = /^#+ (.+)$/.exec(line)?.[1] ?? heading;
    else if (text === "") continue;
    else if (language === "sh") commands.push({ heading, line: withoutComment(text), output: [] });
    else if (language === "console") addLine(commands, heading, text);
  }
  return commands.filter(({ line }) => line !== "");
}

function addLine(commands: DocumentedCommand[], heading: string, text: string): void {
  if (text.startsWith("$ ")) commands.push({ heading, line: withoutComment(text.slice(2)), output: [] });
  else commands.at(-1)!.output.push(text);
}

function withoutComment(line: string): string {
  return line.replace(/(^|\s)#\s.*$/, "").trim();
}

/** Returns what a page quotes in a sentence or table, where `|` is escaped, and that begins with one of the programs. */
export function quotedCommands(page: string, programs: readonly string[]): string[] {
  const text = readFileSync(path.join(ROOT, page), "utf8").replaceAll(/^ *```[^]*?^ *```$/gm, "");
  const quoted = [...text.matchAll(/`([^`]+)`/g)].map(([, code]) =>
    code!.replaceAll(/\s+/g, " ").replaceAll("\\|", "|"),
  );
  return quoted.filter((code) => programs.includes(code.split(" ")[0]!) && !code.includes("["));
}

/** Returns the simple commands of a shell line, each as its words, without redirections. */
export function wordsOf(line: string): string[][] {
  const inner = [...line.matchAll(/<\(([^)]*)\)/g)].flatMap(([, code]) => wordsOf(code!));
  const simple = line.replaceAll(/<\([^)]*\)/g, "FILE").split(/ (?:&&|\||;) /);
  return [...simple.map(split), ...inner];
}

function split(command: string): string[] {
  const words = command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const redirection = words.findIndex((word) => /^\d?[<>]/.test(word));
  const kept = redirection < 0 ? words : words.slice(0, redirection);
  return kept.map((word) => word.replaceAll(/['"]/g, ""));
}
