/** Files that OMNeT++'s own compilers write, with the extension of the files that they read. */
const GENERATED = [
  { suffix: /_m\.(?:cc|cpp|h)$/, source: ".msg" },
  { suffix: /_n\.(?:cc|cpp)$/, source: ".ned" },
  { suffix: /_sm\.(?:cc|cpp|h)$/, source: ".sm" },
];

/**
 * Returns whether a file is code that OMNeT++ generates from another file.
 * @param isThere whether a file exists in the same tree.
 * @see OMNeT++ manual, "Message Definitions": the generated files.
 */
export function isGeneratedCode(file: string, isThere: (file: string) => boolean): boolean {
  return GENERATED.some(({ suffix, source }) => suffix.test(file) && isThere(file.replace(suffix, source)));
}

/** Returns whether a file is in a folder in which generated Makefiles store object files and products. */
export function isInObjectFolder(file: string): boolean {
  return /(?:^|\/)out\/[^/]+-(?:release|debug)\//.test(file);
}

const SYMBOL =
  /(?:^|::)__onstartup_(?:obj|func)_\d+$|Descriptor::\w+\(.*\) const::(?:names|fieldNames|fieldTypeStrings)$/;

/**
 * Returns whether a variable is defined by OMNeT++'s macros or its message compiler. Such a variable is
 * written only once, whatever the runs do.
 */
export function isGeneratedSymbol(name: string): boolean {
  return SYMBOL.test(name);
}
