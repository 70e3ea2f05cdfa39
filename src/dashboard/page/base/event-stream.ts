/**
 * Splits a stream of server-sent events into their data. Comments and other fields are skipped.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventStream {
  #rest = "";
  #data: string[] = [];

  /** Adds received text. Returns the data of the events that are complete with it. */
  add(text: string): string[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => this.#take(line));
  }

  #take(line: string): string[] {
    if (line === "") {
      const data = this.#data;
      this.#data = [];
      return data.length === 0 ? [] : [data.join("\n")];
    }
    const [, value] = /^data(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line.startsWith("data")) this.#data.push(value ?? "");
    return [];
  }
}
