/** Returns whether a file is a NED file, judging by its name. */
export function isNedFile(name: string): boolean {
  return name.endsWith(".ned");
}

/**
 * Returns the package that a NED file declares, such as `inet.queueing`; undefined if it declares none.
 * @see OMNeT++ Simulation Manual, "The NED Language", "Packages".
 */
export function packageIn(text: string): string | undefined {
  return /^[ \t]*package\s+([\w.]+)\s*;/m.exec(text)?.[1];
}
