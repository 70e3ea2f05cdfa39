import type { Guard } from "./ask.ts";

/** Options that prevent hooks, background processes and the use of stored passwords. */
export const QUIET = asOptions(
  "core.hooksPath=/dev/null",
  "gc.auto=0",
  "maintenance.auto=false",
  "credential.helper=",
);
export const QUIET_PERMITS: readonly Guard[] = ["allowUnsafeHooksPath", "allowUnsafeCredentialHelper"];

/** Options that prevent hooks and the conversion of line endings, whatever the user's configuration contains. */
export const AS_STORED = asOptions(
  "core.hooksPath=/dev/null",
  "core.autocrlf=false",
  "core.eol=lf",
  "protocol.ext.allow=never",
);
export const AS_STORED_PERMITS: readonly Guard[] = ["allowUnsafeHooksPath", "allowUnsafeProtocolOverride"];

/** Options that prevent the use of stored passwords, and give up on a remote that stops sending. */
export const ANONYMOUS = asOptions("credential.helper=", "http.lowSpeedLimit=1", "http.lowSpeedTime=10");

/**
 * The guards to disable for the variables of `fetchingEnvironment`: the user's ssh and proxy, the folder of
 * git's programs, and `true` instead of programs that prompt.
 */
export const FETCHING_PERMITS: readonly Guard[] = [
  "allowUnsafeAskPass",
  "allowUnsafeEditor",
  "allowUnsafeExec",
  "allowUnsafeGitProxy",
  "allowUnsafeSshCommand",
];

function asOptions(...settings: readonly string[]): readonly string[] {
  return settings.flatMap((setting) => ["-c", setting]);
}
