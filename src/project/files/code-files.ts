import path from "node:path";

const CODE = new Set(".cc .cpp .cxx .c .h .hpp .hh .msg .sm".split(" "));

/** What a C++ compiler or OMNeT++'s message compiler reads. */
export function isCode(file: string): boolean {
  return CODE.has(path.extname(file));
}

const COMPILED = new Set(".cc .cpp .cxx .c++ .c .cu .msg .sm".split(" "));

/** What a build makes object files of. A project with only headers builds nothing. */
export function isCompiled(file: string): boolean {
  return COMPILED.has(path.extname(file).toLowerCase());
}

/** Headers, and code in forms that `opp_makemake` knows nothing of but that compilers and assemblers read. */
const ALSO_READ = new Set(
  ".c++ .cp .h++ .hxx .inc .inl .ipp .ixx .tcc .tpp .txx .ii .i .s .asm .cu .cuh .cl .f .f90 .m .mm .y .l .proto .def".split(
    " ",
  ),
);

/** Whether the extension of a file is one of code, in any spelling. */
export function isReadByCompilers(file: string): boolean {
  const extension = path.extname(file).toLowerCase();
  return CODE.has(extension) || ALSO_READ.has(extension);
}
