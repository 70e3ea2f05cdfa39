import path from "node:path";

const CODE = new Set(".cc .cpp .cxx .c .h .hpp .hh .msg .sm".split(" "));

/** What a C++ compiler or OMNeT++'s message compiler reads. */
export function isCode(file: string): boolean {
  return CODE.has(path.extname(file));
}
