import { Buffer } from "node:buffer";
import { closeSync, openSync, writeSync } from "node:fs";
import { makeDirectoryOf, orFail } from "./files.js";

/** Where the program's output goes: standard output and error, or a file (`cmdenv-redirect-output`). */
export class Console {
  /** `-m`: errors go to standard output. */
  mergeStderr = false;
  silent = false;
  /** @type {{ file: string, fd: number } | undefined} */
  #redirected;

  /** @param {string} text */
  out(text) {
    write(this.#redirected?.fd ?? 1, text);
  }

  /** For messages that are not printed under `-s`. @param {string} text */
  verbose(text) {
    if (!this.silent) this.out(text);
  }

  /** @param {string} message */
  error(message) {
    const pipe = this.mergeStderr ? 1 : 2;
    if (this.#redirected) {
      write(pipe, `<!> Error -- see ${this.#redirected.file} for details\n`);
      this.out(`${this.mergeStderr ? "\n" : ""}<!> Error: ${message}\n`);
    } else write(pipe, `${this.mergeStderr ? "\n" : ""}<!> Error: ${message}\n`);
  }

  /** @param {string} file */
  redirect(file) {
    makeDirectoryOf(file);
    const fd = orFail(() => openSync(file, "w"), `Cannot open output redirection file '${file}'`);
    this.#redirected = { file, fd };
  }

  endRedirection() {
    if (this.#redirected) closeSync(this.#redirected.fd);
    this.#redirected = undefined;
  }
}

/** Writes all of the text, also to a pipe that is full or whose reader has ended. @param {number} fd @param {string} text */
function write(fd, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
