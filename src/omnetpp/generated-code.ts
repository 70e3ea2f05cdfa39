/** What OMNeT++'s own compilers write, with the extension of what they read. */
const GENERATED = [
  { suffix: /_m\.(?:cc|cpp|h)$/, source: ".msg" },
  { suffix: /_n\.(?:cc|cpp)$/, source: ".ned" },
  { suffix: /_sm\.(?:cc|cpp|h)$/, source: ".sm" },
];

/**
 * Whether a file is code that OMNeT++ generates from another one.
 * @param isThere whether a file is in the same tree.
 * @see OMNeT++ manual, "Message Definitions": the generated files.
 */
export function isGeneratedCode(file: string, isThere: (file: string) => boolean): boolean {
  return GENERATED.some(({ suffix, source }) => suffix.test(file) && isThere(file.replace(suffix, source)));
}

/** Whether a file is in the folder in which generated Makefiles have object files and what they link. */
export function isInObjectFolder(file: string): boolean {
  return /(?:^|\/)out\/[^/]+-(?:release|debug)\//.test(file);
}

const SYMBOL =
  /(?:^|::)__onstartup_(?:obj|func)_\d+$|Descriptor::\w+\(.*\) const::(?:names|fieldNames|fieldTypeStrings)$/;

/** Whether a variable is one that OMNeT++'s macros and its message compiler make: written once, whatever the runs do. */
export function isGeneratedSymbol(name: string): boolean {
  return SYMBOL.test(name);
}
