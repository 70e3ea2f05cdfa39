import path from "node:path";

/**
 * Returns the name that `fname-append-host` gives to a file: `X.HOST.PID.out` instead of `X.out`.
 * @see OMNeT++ Simulation Manual, "Configuration Options": fname-append-host.
 */
export function withHost(file: string, host: string, pid: number | string): string {
  const { dir, name, ext } = path.posix.parse(file);
  return path.posix.join(dir, `${name}.${host}.${pid}${ext}`);
}

/** Returns the process ID in a name that `fname-append-host` has given; undefined for any other name. */
export function pidIn(file: string, host: string): string | undefined {
  const { base } = path.posix.parse(file);
  const at = base.lastIndexOf(`.${host}.`);
  return at < 0 ? undefined : /^(\d+)(?:\.|$)/.exec(base.slice(at + host.length + 2))?.[1];
}
