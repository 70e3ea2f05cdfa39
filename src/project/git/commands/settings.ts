import type { Guard } from "./ask.ts";

/** No hook is executed, no helper process is started, and no stored password is used. */
export const QUIET = asOptions(
  "core.hooksPath=/dev/null",
  "gc.auto=0",
  "maintenance.auto=false",
  "credential.helper=",
);
export const QUIET_PERMITS: readonly Guard[] = ["allowUnsafeHooksPath", "allowUnsafeCredentialHelper"];

/** Whatever the user's configuration adds: no hook, and no other line ends. */
export const AS_STORED = asOptions(
  "core.hooksPath=/dev/null",
  "core.autocrlf=false",
  "core.eol=lf",
  "protocol.ext.allow=never",
);
export const AS_STORED_PERMITS: readonly Guard[] = ["allowUnsafeHooksPath", "allowUnsafeProtocolOverride"];

/** Nobody's password is used, and a remote that stops sending is given up. */
export const ANONYMOUS = asOptions("credential.helper=", "http.lowSpeedLimit=1", "http.lowSpeedTime=10");

/** The variables of `fetchingEnvironment`: the user's ssh, proxy and programs of git, and `true` for what would ask. */
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
