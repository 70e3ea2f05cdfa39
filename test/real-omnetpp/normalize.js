/**
 * Selects the lines of a file that are compared; one object for each side of a comparison.
 * @typedef {object} Normalizer
 * @property {(line: string) => string | undefined} line the form in which the line is compared; undefined: not at all.
 * @property {() => string[]} end lines for what is known only at the end.
 */

/**
 * How files of this kind are compared; undefined: byte by byte.
 * @param {string} extension
 * @param {readonly string[]} addedOptions
 * @returns {(() => Normalizer) | undefined}
 */
export function normalizerFor(extension, addedOptions) {
  const header = headerNormalizer(addedOptions);
  switch (extension) {
    case ".sca":
    case ".vec":
      return () => ({ line: header, end: () => [] });
    case ".vci":
      return () => indexNormalizer(header);
    case ".elog":
      return () => eventLogNormalizer();
    default:
      return undefined;
  }
}

/**
 * The lines that begin a result file, or a further run in it.
 * @see OMNeT++ Simulation Manual, "Result File Formats".
 * @param {readonly string[]} addedOptions
 * @returns {(line: string) => string | undefined}
 */
function headerNormalizer(addedOptions) {
  const added = addedOptions.map((option) => `config ${option} `);
  return (line) => {
    // Most lines of a .vec are data: they begin with a digit.
    if (line.startsWith("run ")) return "run";
    if (line.startsWith("attr ")) return line.replace(/^attr (datetimef?|processid|runid) .*/, "attr $1");
    if (line.startsWith("config ") && added.some((start) => line.startsWith(start))) return undefined;
    return line;
  };
}

/**
 * An event log names its run at its beginning; later lines contain offsets in the file, which depend on the length of that name.
 * @returns {Normalizer}
 */
function eventLogNormalizer() {
  let shift = 0;
  return {
    line(line) {
      if (/^[IS] /.test(line)) {
        return line.replaceAll(
          / ([fis]) (\d+)\b/g,
          (_, name, offset) => ` ${name} ${Number(offset) - shift}`,
        );
      }
      const begin = line.replace(/^(SB .*\brid) \S+/, "$1");
      shift += line.length - begin.length;
      return begin;
    },
    end: () => [],
  };
}

/**
 * The index of a vector file contains the offsets of its blocks, the file's length and the time at which it was written.
 * Offsets depend on the length of the header, and so on the process id: they are counted from the first block.
 * @param {(line: string) => string | undefined} header
 * @returns {Normalizer}
 */
function indexNormalizer(header) {
  let size = 0;
  /** @type {number | undefined} */
  let first;
  return {
    line(line) {
      const file = /^file (\d+) \d+ *$/.exec(line);
      if (file) {
        size = Number(file[1]);
        return "file";
      }
      const block = /^(\d+\t)(\d+)( .*)$/.exec(line);
      if (!block) return header(line);
      const offset = Number(block[2]);
      first ??= offset;
      return `${block[1]}+${offset - first}${block[3]}`;
    },
    end: () =>
      first === undefined ? [] : [`(the vector file has ${size - first} bytes from its first block on)`],
  };
}
