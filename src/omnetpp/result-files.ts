import { closeSync, lstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import type { OutputOption } from "./output-options.ts";

/**
 * The kinds of files that an output option of the simulator names, by the extension of their default names:
 * `${resultdir}/${configname}-${iterationvarsf}#${repetition}.sca`.
 * @see OMNeT++ Simulation Manual, "Configuration Options".
 */
const EXTENSIONS = {
  "output-scalar-file": ".sca",
  "output-vector-file": ".vec",
  "eventlog-file": ".elog",
  "snapshot-file": ".sna",
  "cmdenv-output-file": ".out",
} as const satisfies Partial<Record<OutputOption, string>>;

/** An option that names files of one kind. */
type FileOption = keyof typeof EXTENSIONS;

/** Result files that the simulator overwrites in each run. */
const BEGUN_ANEW = /\.(?:sca|vec|vci|elog|elogi|sna|rt|out)$/;
const RECORDED = /[^/]\.(?:sca|vec|vci|elog)$/;
const NAMING_THEIR_RUN = /\.(?:sca|vec|vci)$/;

/** Returns the extension that the default name of a file of this option has. */
export function extensionOf(option: FileOption): string {
  return EXTENSIONS[option];
}

/** Returns whether a local run would overwrite a file of this name. */
export function isOverwritten(file: string): boolean {
  return BEGUN_ANEW.test(file);
}

/** Returns whether a name is that of a scalar, vector, index or eventlog file, which only simulations write. */
export function isRecorded(file: string): boolean {
  return RECORDED.test(file);
}

/** Returns whether a name is that of a scalar file. */
export function isScalarFile(file: string): boolean {
  return file.endsWith(extensionOf("output-scalar-file"));
}

/** Returns whether a name is that of a vector file. */
export function isVectorFile(file: string): boolean {
  return file.endsWith(extensionOf("output-vector-file"));
}

/** Returns the name of the index that belongs to a vector file: the simulator writes it beside it. */
export function indexFileOf(vectorFile: string): string {
  return `${vectorFile.slice(0, -extensionOf("output-vector-file").length)}.vci`;
}

/** Returns whether a file is the index of a vector file whose own name has no extension. */
export function isNamelessIndex(file: string): boolean {
  return path.basename(file) === ".vci";
}

/** Number of bytes to read of a file; the line with the run ID is among the first. */
const HEAD_BYTES = 1024;
const RUN = /^run (\S+)$/m;

/**
 * Returns the ID of the run that wrote a result file, from the file's first lines.
 * @param head contains a line such as `run PureAloha-0-20260101-10:00:00-1234`.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Run Declaration".
 */
export function runIdIn(head: string): string | undefined {
  return RUN.exec(head)?.[1];
}

/**
 * Returns the ID of the run that wrote a result file; undefined for other files.
 * @param file absolute path.
 */
export function runIdOf(file: string): string | undefined {
  if (!NAMING_THEIR_RUN.test(file) || !lstatSync(file).isFile()) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  const opened = openSync(file, "r");
  try {
    return runIdIn(head.toString("utf8", 0, readSync(opened, head)));
  } finally {
    closeSync(opened);
  }
}
