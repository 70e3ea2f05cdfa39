import { answerTo, ask, type CommandOptions } from "./ask.ts";
import { splitNul } from "./files.ts";

/** Returns the names of all settings that apply to a repository. */
export async function configuredNames(options: CommandOptions): Promise<Set<string>> {
  return new Set(splitNul(await ask(["config", "--null", "--name-only", "--list"], options)));
}

/** Returns the path to which a setting is set, with `~` expanded; empty if it is not set. */
export async function configuredPath(name: string, options: CommandOptions): Promise<string> {
  const { stdout } = await answerTo(["config", "--type=path", "--get", name], options);
  return stdout.replace(/\n$/, "");
}

/** Returns the names of a repository's remotes. */
export async function remoteNames(options: CommandOptions): Promise<string[]> {
  return (await ask(["remote"], options)).split("\n").filter((name) => name !== "");
}

/** Returns the address of a remote; undefined if it has none. */
export async function remoteUrl(name: string, options: CommandOptions): Promise<string | undefined> {
  const { exitCode, stdout } = await answerTo(["remote", "get-url", "--", name], options);
  return exitCode === 0 ? stdout.replace(/\n$/, "") : undefined;
}
