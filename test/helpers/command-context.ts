import { Writable } from "node:stream";
import type { CommandContext } from "../../src/cli/terminal/command.ts";

/** Returns a context for describing commands, which discards all output. @param write receives it instead. */
export function silentContext(write: (text: string) => void = () => undefined): CommandContext {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      write(chunk.toString());
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const interrupt = new AbortController().signal;
  return { argv: [], interrupt, exitOnHangup: () => undefined, stdout: stream, stderr: stream };
}
