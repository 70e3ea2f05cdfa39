import { lstatSync, readFileSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { normalizerFor } from "../real-omnetpp/normalize.js";

/** A file, folder or other entry below a folder. */
export interface Entry {
  type: "file" | "folder" | "link" | "fifo" | "socket" | "other";
  /** Permissions; undefined for a link. */
  mode: number;
  /** The bytes of a file, the target of a link; as Latin-1. */
  content: string;
  /** The part of the content that is compared: without run ids, dates, process ids. */
  canonical: string;
  mtimeMs: number;
}

/** All entries below a folder, by path; names and paths as Latin-1, so that they can contain any byte. */
export type Picture = ReadonlyMap<string, Entry>;

/**
 * @param top absolute.
 * @param mappedFrom the folder of the first ini file, if the study has absolute paths, which a swarm may have mapped to relative ones.
 */
export function takePicture(top: string, mappedFrom?: string): Picture {
  const entries = new Map<string, Entry>();
  const visit = (folder: string): void => {
    const place = folder === "" ? top : path.join(top, folder);
    for (const raw of readdirSync(Buffer.from(place, "latin1"), { encoding: "buffer" })) {
      const name = path.join(folder, raw.toString("latin1"));
      const file = Buffer.from(path.join(top, name), "latin1");
      const stats = lstatSync(file);
      const entry = describeEntry(name, file, stats, mappedFrom);
      entries.set(plainName(name), entry);
      if (entry.type === "folder") visit(name);
    }
  };
  visit("");
  return entries;
}

function describeEntry(name: string, file: Buffer, stats: Stats, mappedFrom?: string): Entry {
  const { mtimeMs } = stats;
  const mode = stats.mode & 0o777;
  if (stats.isDirectory()) return { type: "folder", mode, content: "", canonical: "", mtimeMs };
  if (stats.isSymbolicLink()) {
    const target = readlinkSync(file, "latin1");
    return { type: "link", mode: 0, content: target, canonical: target, mtimeMs };
  }
  if (stats.isFile()) {
    const content = readFileSync(file, "latin1");
    return { type: "file", mode, content, canonical: canonicalContent(name, content, mappedFrom), mtimeMs };
  }
  const type = stats.isFIFO() ? "fifo" : stats.isSocket() ? "socket" : "other";
  return { type, mode, content: "", canonical: "", mtimeMs };
}

/** `fname-append-host` puts a process id into names. */
function plainName(name: string): string {
  return name.replaceAll(
    new RegExp(`\\.${hostname().replaceAll(".", "\\.")}\\.\\d+(?=\\.|$)`, "g"),
    ".HOST.PID",
  );
}

/** opp_runall passes it on the command line, a worker does not. */
const NOT_COMPARED = ["cmdenv-redirect-output"];

/** Options with which a swarm may map a path. */
const MAPPED =
  /^config (?:result-dir|output-scalar-file|output-vector-file|eventlog-file|cmdenv-output-file|snapshot-file) /;

/**
 * The part of a file's content that is compared. Of result files everything but run ids, dates, process ids, the config line of
 * an option that only opp_runall passes, and, if absolute paths may have been mapped, the form of the result directory and the
 * config lines of the options that map it; of Cmdenv's output only the lines that begin with `<!>`, because opp_runall requests
 * fewer of the others; of all other files every byte.
 */
function canonicalContent(name: string, content: string, mappedFrom?: string): string {
  if (name.endsWith(".out")) return printedFacts(content).join("\n");
  const make = normalizerFor(kindOf(content), NOT_COMPARED);
  if (make === undefined) return content;
  const normalizer = make();
  const lines = content.split("\n").map((line) => normalizer.line(unmapped(line, mappedFrom)));
  return [...lines.filter((line) => line !== undefined), ...normalizer.end()].join("\n");
}

/** The usual extension of such a file; its name may have any. */
function kindOf(content: string): string {
  if (/^version \d+\nrun /.test(content)) return ".sca";
  if (/^(?:file \d+ \d+| ) *\nversion \d+\n/.test(content)) return ".vci";
  return content.startsWith("SB ov ") ? ".elog" : "";
}

/** @returns the lines that Cmdenv prints about the end of a run. */
function printedFacts(content: string): string[] {
  return content.split("\n").filter((line) => line.startsWith("<!>"));
}

function unmapped(line: string, mappedFrom: string | undefined): string {
  if (mappedFrom === undefined) return line;
  if (MAPPED.test(line)) return "config cmdenv-redirect-output true"; // is not compared
  const [, start, value] = /^(attr resultdir )(.*)$/.exec(line) ?? [];
  if (start === undefined || value === undefined) return line;
  // relative to the study, or below a slot's copy of the file system
  const resolved = path.resolve(mappedFrom, value.replace(/^"(.*)"$/, "$1"));
  const top = mappedFrom.slice(0, mappedFrom.lastIndexOf("/up/checkout"));
  return start + resolved.slice(Math.max(0, resolved.lastIndexOf(top)));
}

/** Whether two entries are the same to a user. */
export function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.type === other.type &&
    one.canonical === other.canonical &&
    (one.mode === other.mode || one.type === "folder")
  );
}

/** Half a sentence on how one entry differs from the expected one. */
export function difference(expected: Entry | undefined, found: Entry | undefined): string {
  if (found === undefined) return "is missing";
  if (expected === undefined) return `is a ${found.type} that nobody expects`;
  if (expected.type !== found.type) return `is a ${found.type} instead of a ${expected.type}`;
  if (expected.canonical !== found.canonical) {
    const [wanted, got] = [expected.canonical.split("\n"), found.canonical.split("\n")];
    const at = wanted.findIndex((line, index) => line !== got[index]);
    const line = at < 0 ? wanted.length : at;
    return `line ${line + 1} is ${JSON.stringify(got[line]?.slice(0, 100))} instead of ${JSON.stringify(wanted[line]?.slice(0, 100))}`;
  }
  return `has mode ${found.mode.toString(8)} instead of ${expected.mode.toString(8)}`;
}
