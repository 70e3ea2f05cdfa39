import { Buffer } from "node:buffer";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import path from "node:path";

/** Where the program's words go: standard output and error, or a file (`cmdenv-redirect-output`). */
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

  /** For what is not printed under `-s`. @param {string} text */
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
    mkdirSync(path.dirname(file), { recursive: true });
    this.#redirected = { file, fd: openSync(file, "w") };
  }

  endRedirection() {
    if (this.#redirected) closeSync(this.#redirected.fd);
    this.#redirected = undefined;
  }
}

/** Writes all of it, also to a pipe that is full or whose reader is gone. @param {number} fd @param {string} text */
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
