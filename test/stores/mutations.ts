import { createHash } from "node:crypto";
import { Header, type HeaderData } from "tar/header";
import { Pax } from "tar/pax";
import type { ResultFile } from "../../src/model/result.ts";

/** Possible mutations of an archive and of the answer that names its files. */
export const MUTATIONS = [
  "flip bits",
  "flip bits, with a right checksum",
  "cut",
  "remove a block",
  "repeat blocks",
  "swap blocks",
  "zero a block",
  "append garbage",
  "header of another type",
  "header of another size",
  "negative size",
  "name that leads out",
  "expected name that leads out",
  "name in .git",
  "name with odd characters",
  "file that another is in",
  "link",
  "expected link",
  "chain of links",
  "extended headers without end",
  "extended header of an odd record",
  "huge extended header",
  "file without a name",
  "answer of another size",
  "answer of another hash",
  "answer without a hash",
  "answer with a file more",
  "answer with a file less",
  "answer with a file twice",
  "answer with another name",
] as const;

export interface Mutation {
  kind: (typeof MUTATIONS)[number];
  /** Place and value: any numbers. */
  at: number;
  value: number;
}

interface Mutated {
  tar: Buffer;
  files: ResultFile[];
}

const BLOCK = 512;
const END = 2 * BLOCK;
const TYPES: NonNullable<HeaderData["type"]>[] = [
  "Link",
  "CharacterDevice",
  "BlockDevice",
  "Directory",
  "FIFO",
  "GNUDumpDir",
  "NextFileHasLongPath",
  "NextFileHasLongLinkpath",
  "GlobalExtendedHeader",
  "ContinuationFile",
];
const OUTWARD = [
  "/etc/evil",
  "../evil",
  "a/../../evil",
  "..",
  ".",
  "/",
  "",
  "./x",
  "a//b",
  "a/./b",
  "\\..\\x",
];
const GIT = [".git/config", ".GIT/hooks/x", "results/.git/a", "results/.Git", "a/b/.git/objects/x"];
const ODD = [
  "a\0b",
  "a\nb",
  "a\u001bb",
  "\ud800",
  "x".repeat(300),
  `${"d/".repeat(3000)}x`,
  " ",
  "~",
  "-rf",
  "123",
  "con",
];
const TARGETS = [
  "/etc/passwd",
  "../../../..",
  "..",
  ".",
  "",
  "a\0b",
  "x".repeat(5000),
  "123",
  "link",
  "../a/../../..",
];
const RECORDS = [
  "path=x",
  "99 path=y",
  "-1 a=b",
  "9 size=-1",
  "13 size=1e300",
  "12 size=NaN",
  "16 mtime=Infinity",
  "13 mtime=abc",
  "20 mtime=9999999999999",
  "=",
  "\0",
  "10 path=/x",
];

function pick<T>(list: readonly T[], value: number): T {
  return list[value % list.length]!;
}

/** Changes a copy of an archive, or of the answer that goes with it. */
export function mutate(tar: Buffer, files: readonly ResultFile[], { kind, at, value }: Mutation): Mutated {
  const blocks = Math.max(1, Math.floor(tar.length / BLOCK));
  const block = (at % blocks) * BLOCK;
  const body = tar.subarray(0, Math.max(0, tar.length - END));
  const more = (...pieces: Buffer[]): Mutated => ({
    tar: Buffer.concat([...pieces, tar]),
    files: [...files],
  });
  const last = (...pieces: Buffer[]): Mutated => ({
    tar: Buffer.concat([body, ...pieces, Buffer.alloc(END)]),
    files: [...files],
  });
  const expected = (file: ResultFile, ...pieces: Buffer[]): Mutated => ({
    tar: Buffer.concat([...pieces, tar]),
    files: [...files, file],
  });
  const answer = (change: (all: ResultFile[], index: number) => ResultFile[]): Mutated => ({
    tar,
    files: files.length === 0 ? [] : change([...files], at % files.length),
  });
  const changed = (entries: Partial<ResultFile>): Mutated =>
    answer((all, index) => all.map((file, each) => (each === index ? { ...file, ...entries } : file)));
  switch (kind) {
    case "flip bits": {
      const copy = Buffer.from(tar);
      if (copy.length > 0) copy[at % copy.length]! ^= (value % 255) + 1;
      return { tar: copy, files: [...files] };
    }
    case "flip bits, with a right checksum": {
      const copy = Buffer.from(tar);
      if (copy.length >= block + BLOCK) {
        copy[block + (value % BLOCK)]! ^= (at % 255) + 1;
        correctChecksum(copy.subarray(block, block + BLOCK));
      }
      return { tar: copy, files: [...files] };
    }
    case "cut":
      return { tar: tar.subarray(0, at % (tar.length + 1)), files: [...files] };
    case "remove a block":
      return { tar: Buffer.concat([tar.subarray(0, block), tar.subarray(block + BLOCK)]), files: [...files] };
    case "repeat blocks": {
      const end = block + BLOCK * (1 + (value % 12));
      return { tar: Buffer.concat([tar.subarray(0, end), tar.subarray(block)]), files: [...files] };
    }
    case "swap blocks": {
      const copy = Buffer.from(tar);
      const other = (value % blocks) * BLOCK;
      tar.copy(copy, block, other, other + BLOCK);
      tar.copy(copy, other, block, block + BLOCK);
      return { tar: copy, files: [...files] };
    }
    case "zero a block": {
      const copy = Buffer.from(tar);
      copy.fill(0, block, block + BLOCK);
      return { tar: copy, files: [...files] };
    }
    case "append garbage":
      return { tar: Buffer.concat([tar, Buffer.alloc(value % 5000, at % 256)]), files: [...files] };
    case "header of another type":
      return more(entry({ path: pick(files, at).path, type: pick(TYPES, value), linkpath: "/etc/passwd" }));
    case "header of another size":
      return more(entry({ path: pick(files, at).path, type: "File", size: value * 10 ** (at % 10) }));
    case "negative size":
      return more(withSize(entry({ path: pick(files, at).path, type: "File" }), value));
    case "name that leads out":
      return more(named(pick(OUTWARD, value), "x"));
    case "expected name that leads out":
      return expected(fileOf(pick(OUTWARD, value), "x"), named(pick(OUTWARD, value), "x"));
    case "name in .git":
      return last(named(pick(GIT, value), "x"));
    case "name with odd characters":
      return expected(fileOf(pick(ODD, value), "x"), named(pick(ODD, value), "x"));
    case "file that another is in": {
      const outer = pick(["results", "results/deep", "log.txt/x", "results/link/x"], value);
      return expected(fileOf(outer, "x"), named(outer, "x"));
    }
    case "link":
      return more(link("results/A-#0.sca", pick(TARGETS, value)));
    case "expected link": {
      const target = pick(TARGETS, value);
      return expected(fileOf("results/more", target), link("results/more", target));
    }
    case "chain of links": {
      const chain: [string, string][] = [
        ["l1", "results"],
        ["results/l2", ".."],
        ["l1/l3", "../../.."],
      ];
      const all = chain.slice(0, 1 + (value % 3));
      return {
        tar: Buffer.concat([...all.map(([name, target]) => link(name, target)), tar]),
        files: [...files, ...all.map(([name, target]) => fileOf(name, target))],
      };
    }
    case "extended headers without end":
      return more(...Array.from({ length: 2 + (value % 2000) }, () => new Pax({ path: `p${at}` }).encode()));
    case "extended header of an odd record":
      return more(extended(pick(RECORDS, value)), entry({ path: "log.txt", type: "File" }));
    case "huge extended header":
      return more(entry({ path: "x", type: "ExtendedHeader", size: 1000 + value * 2000 }));
    case "file without a name":
      return more(entry({ path: "", type: pick(["File", "SymbolicLink"], value), size: 0 }));
    case "answer of another size":
      return changed({ sizeBytes: pick([0, 1, value, 2 ** 40], at) });
    case "answer of another hash":
      return changed({ sha256: createHash("sha256").update(`${value}`).digest("hex") });
    case "answer without a hash":
      return changed({ sha256: undefined });
    case "answer with a file more":
      return answer((all) => [...all, fileOf(pick([...OUTWARD, ...GIT, "more"], value), "x")]);
    case "answer with a file less":
      return answer((all, index) => all.filter((_, each) => each !== index));
    case "answer with a file twice":
      return answer((all, index) => [...all, { ...all[index]!, sizeBytes: value }]);
    case "answer with another name":
      return changed({ path: pick([...OUTWARD, ...GIT, ...ODD], value) });
  }
}

function fileOf(name: string, content: string): ResultFile {
  return {
    path: name,
    sizeBytes: Buffer.byteLength(content),
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}

function entry(data: HeaderData, content = ""): Buffer {
  const header = new Header({ mode: 0o644, size: Buffer.byteLength(content), mtime: new Date(0), ...data });
  header.encode();
  const padding = Buffer.alloc((BLOCK - (Buffer.byteLength(content) % BLOCK)) % BLOCK);
  return Buffer.concat([header.block!, Buffer.from(content), padding]);
}

function named(name: string, content: string): Buffer {
  return Buffer.concat([
    new Pax({ path: name, size: content.length }).encode(),
    entry({ path: name.slice(0, 90), type: "File" }, content),
  ]);
}

function link(name: string, linkpath: string): Buffer {
  return Buffer.concat([
    new Pax({ path: name, linkpath }).encode(),
    entry({ path: name, type: "SymbolicLink", linkpath: linkpath.slice(0, 90) }),
  ]);
}

/** An extended header with any text. */
function extended(text: string): Buffer {
  return entry({ path: "PaxHeader/x", type: "ExtendedHeader" }, `${text}\n`);
}

/** Puts a number below zero, or beyond what JavaScript can represent, into a header's size. */
function withSize(block: Buffer, value: number): Buffer {
  block[124] = value % 2 === 0 ? 0xff : 0x80;
  for (let at = 125; at < 136; at++) block[at] = (value * at) % 256;
  correctChecksum(block.subarray(0, BLOCK));
  return block;
}

function correctChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

/** An archive with one file of zeros. */
export async function* zeros(name: string, size: number): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield new Pax({ path: name, size }).encode();
  yield entry({ path: name, type: "File", size });
  const piece = Buffer.alloc(1 << 20);
  for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, Math.min(left, piece.length));
  yield Buffer.alloc(((BLOCK - (size % BLOCK)) % BLOCK) + END);
}
