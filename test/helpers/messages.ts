import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Files whose texts are scripts, file names, or git objects, not messages. */
const NO_MESSAGES = [
  "src/cli/terminal/completion-scripts.ts",
  "src/project/files/file-kinds.ts",
  "src/project/git/pack.ts",
  "src/project/git/plain-folder.ts",
];

/** Two words in a row, which only text for people has; formats and keys do not. */
const PROSE = /[A-Za-z]{2,}[,:;]? [("'$]*[A-Za-z]{2,}|> [a-z]{2,} [a-z<]|[a-z]{2,} <expr>/;
const SHELL = /\$\{?[@1-9]|\$\(|redis\.call|^[a-z-]+( [a-z-]+)+$(?<=quiet|minor|place|rate|left|queued)/;

/** Returns every message in the source by file: each text literal, with `<expr>` for inserted values. */
export function collectMessages(): Map<string, string[]> {
  const files = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => path.join("src", file))
    .sort();
  const found = files
    .filter((file) => !NO_MESSAGES.includes(file))
    .map((file): [string, string[]] => [file, messagesOf(file)]);
  return new Map(found.filter(([, texts]) => texts.length > 0));
}

function messagesOf(file: string): string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(path.join(ROOT, file), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    const text = textOf(node);
    if (text !== undefined && PROSE.test(text) && !SHELL.test(text)) texts.push(JSON.stringify(text));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...new Set(texts)];
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `<expr>${literal.text}`).join("");
}
