import { errorCode, UserError } from "../../errors.ts";
import { descendantsOf } from "../../system/descendants.ts";
import { startPiped, type ChildProcess, type ProgramResult } from "../../system/program.ts";

export interface RunDockerOptions {
  env: NodeJS.ProcessEnv;
  input: string | undefined;
  signal: AbortSignal;
}

/** Maximum output of a command. */
const MOST_CHARACTERS = 1 << 26;

/**
 * Runs the docker program and returns its output. Fails immediately when the signal is aborted, even if a child process
 * of docker, such as an ssh that hangs, keeps the output open.
 * @throws {UserError} if docker is not installed.
 */
export function runDocker(args: readonly string[], options: RunDockerOptions): Promise<ProgramResult> {
  const { env, input, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = startPiped("docker", args, { env });
    let [stdout, stderr] = ["", ""];
    const bounded = (text: string): string => {
      if (text.length > MOST_CHARACTERS) {
        endTree(child);
        reject(new UserError(`docker prints more than ${MOST_CHARACTERS >> 20} MB`));
      }
      return text.slice(0, MOST_CHARACTERS);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout = bounded(stdout + text)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = bounded(stderr + text)));
    child.stdin.on("error", () => undefined); // docker has ended before it has read everything
    child.stdin.end(input);
    const onAbort = (): void => {
      endTree(child);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error) => {
      signal.removeEventListener("abort", onAbort);
      reject(
        errorCode(error) === "ENOENT" ? new UserError("docker: command not found", { cause: error }) : error,
      );
    });
    child.once("close", (code) => {
      signal.removeEventListener("abort", onAbort);
      resolve({ exitCode: code ?? -1, stdout, stderr });
    });
  });
}

/** Stops docker and its child processes, such as ssh, and closes their output. */
function endTree(child: ChildProcess): void {
  for (const pid of child.pid === undefined ? [] : descendantsOf(child.pid)) {
    try {
      process.kill(pid, "SIGTERM");
    } catch {
      // the process has ended
    }
  }
  child.kill("SIGTERM");
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  child.unref();
}
