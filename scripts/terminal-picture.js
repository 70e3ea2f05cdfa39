const WIDTH = 8.4;
const HEIGHT = 20;
const PADDING = 16;
const BAR = 36;
/** Colours of the sequences that the tools use. @type {Record<string, string>} */
const CLASSES = { 1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow" };
/** Sequences that end a style, with the classes that they end. @type {Record<string, string[]>} */
const ENDS = {
  0: ["bold", "dim", "red", "green", "yellow"],
  22: ["bold", "dim"],
  39: ["red", "green", "yellow"],
};
const STYLE = `
text { font: 14px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d8dee9; white-space: pre }
.bold { font-weight: bold } .dim { fill: #8a93a6 } .red { fill: #ff7b72 } .green { fill: #7ee787 } .yellow { fill: #f2cc60 }
`;

/** @typedef {{ character: string, style: string }} Cell */

/**
 * Returns the screen of a terminal after some output, as an SVG image.
 * @param {string} output with the control sequences that the tools use: \`\\r\`, \`\\n\`, erasing the rest of the line, styles
 * @param {number} columns
 */
export function terminalPicture(output, columns) {
  const lines = screenAfter(output, columns);
  const width = Math.ceil(columns * WIDTH + 2 * PADDING);
  const height = lines.length * HEIGHT + BAR + PADDING;
  const texts = lines.map((line, row) => textOf(line, BAR + row * HEIGHT + 14));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>${STYLE}</style>
<rect width="${width}" height="${height}" rx="8" fill="#1f2430"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
${texts.filter((text) => text !== "").join("\n")}
</svg>
`;
}

/**
 * Returns the lines of the screen, without empty ones at the end.
 * @param {string} output @param {number} columns
 */
function screenAfter(output, columns) {
  /** @type {Cell[][]} */
  const lines = [[]];
  let [column, styles] = [0, /** @type {Set<string>} */ (new Set())];
  // eslint-disable-next-line no-control-regex -- control sequences are the subject here
  for (const [token, parameters, final] of output.matchAll(/\u001b\[([0-9;?]*)([A-Za-z])|[^]/gu)) {
    const line = /** @type {Cell[]} */ (lines.at(-1));
    if (final === "m") styles = styled(styles, parameters ?? "");
    else if (final === "K") line.length = Math.min(line.length, column);
    else if (final !== undefined) throw new Error(`unexpected control sequence ${JSON.stringify(token)}`);
    else if (token === "\r") column = 0;
    else if (token === "\n") lines.push([]);
    else {
      const cell = { character: token, style: [...styles].join(" ") };
      if (column === columns) [lines[lines.length], column] = [[cell], 1];
      else line[column++] = cell;
    }
  }
  while (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

/** @param {ReadonlySet<string>} styles @param {string} parameters */
function styled(styles, parameters) {
  const after = new Set(styles);
  for (const code of parameters === "" ? ["0"] : parameters.split(";")) {
    for (const ended of ENDS[code] ?? []) after.delete(ended);
    const begun = CLASSES[code];
    if (begun !== undefined) after.add(begun);
  }
  return after;
}

/** @param {readonly Cell[]} line @param {number} y */
function textOf(line, y) {
  let spans = "";
  for (let from = 0, to = 0; from < line.length; from = to) {
    const style = line[from]?.style ?? "";
    while (to < line.length && (line[to]?.style ?? "") === style) to++;
    const text = escape(line.slice(from, to).map((cell) => cell.character).join("")); // prettier-ignore
    spans += style === "" ? text : `<tspan class="${style}">${text}</tspan>`;
  }
  return spans.trim() === "" ? "" : `<text x="${PADDING}" y="${y}" xml:space="preserve">${spans}</text>`;
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
