import path from "node:path";

const CODE = new Set(".cc .cpp .cxx .c .h .hpp .hh .msg .sm".split(" "));

/** Returns whether a C++ compiler or OMNeT++'s message compiler reads a file. */
export function isCode(file: string): boolean {
  return CODE.has(path.extname(file));
}

const COMPILED = new Set(".cc .cpp .cxx .c++ .c .cu .msg .sm".split(" "));

/** Returns whether a build compiles a file to an object file. A project with only headers builds nothing. */
export function isCompiled(file: string): boolean {
  return COMPILED.has(path.extname(file).toLowerCase());
}

/** Headers and code that `opp_makemake` does not know, but that compilers and assemblers read. */
const ALSO_READ = new Set(
  ".c++ .cp .h++ .hxx .inc .inl .ipp .ixx .tcc .tpp .txx .ii .i .s .asm .cu .cuh .cl .f .f90 .m .mm .y .l .proto .def".split(
    " ",
  ),
);

/** Returns whether a file has the extension of code, in upper or lower case. */
export function isReadByCompilers(file: string): boolean {
  const extension = path.extname(file).toLowerCase();
  return CODE.has(extension) || ALSO_READ.has(extension);
}
