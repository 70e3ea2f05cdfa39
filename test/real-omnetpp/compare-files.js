import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

/** @import { FileHandle } from "node:fs/promises" */
/** @import { Normalizer } from "./normalize.js" */

const CHUNK_BYTES = 1 << 18;
const SHOWN_CHARACTERS = 120;

/**
 * The first difference of two text files, as half a sentence; undefined if there is none.
 * @param {string} expected
 * @param {string} actual
 * @param {() => Normalizer} makeNormalizer
 */
export async function compareLines(expected, actual, makeNormalizer) {
  const left = new LineReader(expected, makeNormalizer());
  const right = new LineReader(actual, makeNormalizer());
  try {
    for (;;) {
      // Reading is awaited once for each chunk, not for each line: a .vec has millions of lines.
      if (left.isEmpty() && !left.isAtEnd) await left.fill();
      if (right.isEmpty() && !right.isAtEnd) await right.fill();
      while (!left.isEmpty() && !right.isEmpty()) {
        const wanted = left.take();
        const found = right.take();
        if (wanted === found) continue;
        return `line ${right.lineNumber}: ${shorten(found)}, expected (line ${left.lineNumber}): ${shorten(wanted)}`;
      }
      if (left.isAtEnd && left.isEmpty() && !right.isEmpty()) {
        return `line ${right.lineNumberOfNext}: ${shorten(right.take())}, expected the end of the file`;
      }
      if (right.isAtEnd && right.isEmpty() && !left.isEmpty()) {
        return `ends after line ${right.lineNumber}, expected (line ${left.lineNumberOfNext}): ${shorten(left.take())}`;
      }
      if (left.isAtEnd && right.isAtEnd && left.isEmpty() && right.isEmpty()) return undefined;
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

/** The lines of a file that are compared, in normalized form. */
class LineReader {
  isAtEnd = false;
  #stream;
  #chunks;
  #normalizer;
  /** @type {{ text: string, number: number }[]} */
  #lines = [];
  #next = 0;
  #rest = "";
  #read = 0;
  lineNumber = 0;

  /** @param {string} file @param {Normalizer} normalizer */
  constructor(file, normalizer) {
    this.#stream = createReadStream(file, { encoding: "latin1", highWaterMark: CHUNK_BYTES });
    this.#chunks = /** @type {AsyncIterator<string, undefined>} */ (this.#stream[Symbol.asyncIterator]());
    this.#normalizer = normalizer;
  }

  isEmpty() {
    return this.#next >= this.#lines.length;
  }

  get lineNumberOfNext() {
    return this.#lines[this.#next]?.number ?? this.lineNumber;
  }

  take() {
    const { text = "", number = this.lineNumber } = this.#lines[this.#next++] ?? {};
    this.lineNumber = number;
    return text;
  }

  async fill() {
    this.#lines = [];
    this.#next = 0;
    const chunk = await this.#chunks.next();
    const raw = chunk.done ? [this.#rest] : (this.#rest + chunk.value).split("\n");
    this.#rest = chunk.done ? "" : (raw.pop() ?? "");
    for (const line of raw) this.#add(++this.#read, this.#normalizer.line(line));
    if (!chunk.done) return;
    this.isAtEnd = true;
    for (const line of this.#normalizer.end()) this.#add(this.#read, line);
  }

  /** @param {number} number @param {string | undefined} text */
  #add(number, text) {
    if (text !== undefined) this.#lines.push({ text, number });
  }

  async close() {
    await this.#chunks.return?.();
    this.#stream.destroy();
  }
}

/**
 * The first difference of two files of any kind.
 * @param {string} expected
 * @param {string} actual
 */
export async function compareBytes(expected, actual) {
  const left = await open(expected);
  try {
    const right = await open(actual);
    try {
      return await compareContents(left, right);
    } finally {
      await right.close();
    }
  } finally {
    await left.close();
  }
}

/** @param {FileHandle} left @param {FileHandle} right */
async function compareContents(left, right) {
  const [{ size }, rightStats] = await Promise.all([left.stat(), right.stat()]);
  if (size !== rightStats.size) return `${rightStats.size} bytes, expected ${size}`;
  const [wanted, found] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (let position = 0; position < size; position += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, size - position);
    await Promise.all([left.read(wanted, 0, length, position), right.read(found, 0, length, position)]);
    if (wanted.subarray(0, length).equals(found.subarray(0, length))) continue;
    const index = wanted.findIndex((byte, at) => byte !== found[at]);
    return `byte ${position + index} is ${found[index]}, expected ${wanted[index]}`;
  }
  return undefined;
}

/** @param {string} text */
function shorten(text) {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}
