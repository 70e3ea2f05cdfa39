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

/** Files of results that the simulator begins anew in each run, whatever was there. */
const BEGUN_ANEW = /\.(?:sca|vec|vci|elog|elogi|sna|rt|out)$/;
const RECORDED = /[^/]\.(?:sca|vec|vci|elog)$/;
const NAMING_THEIR_RUN = /\.(?:sca|vec|vci)$/;

/** Returns the extension that the default name of a file of this option has. */
export function extensionOf(option: FileOption): string {
  return EXTENSIONS[option];
}

/** True for the names of files that a local run replaces, too. */
export function isOverwritten(file: string): boolean {
  return BEGUN_ANEW.test(file);
}

/** True for the names of scalar, vector and index files and eventlogs, which nobody but a simulation writes. */
export function isRecorded(file: string): boolean {
  return RECORDED.test(file);
}

/** True for the names of scalar files. */
export function isScalarFile(file: string): boolean {
  return file.endsWith(extensionOf("output-scalar-file"));
}

/** True for the index of a vector file whose own name has no extension. */
export function isNamelessIndex(file: string): boolean {
  return path.basename(file) === ".vci";
}

/** The line with the run's id is among the first. */
const HEAD_BYTES = 1024;
const RUN = /^run (\S+)$/m;

/**
 * Returns the id of the run that a result file is of, from the file's first lines: `run PureAloha-0-20260101-10:00:00-1234`.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Run Declaration".
 */
export function runIdIn(head: string): string | undefined {
  return RUN.exec(head)?.[1];
}

/**
 * Reads the id of the run that wrote a file of results; undefined for other files.
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
