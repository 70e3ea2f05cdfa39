/** An error that OMNeT++ would report in a line that begins with `<!> Error:`. */
export class OppError extends Error {
  /** @override */
  name = "OppError";
}
