/**
 * Returns a simulation program that prints its environment, all command lines, and what it can read of its parent processes
 * (environment, open files) and of files; then it simulates.
 */
export function lookingProgram(files: readonly string[] = []): string {
  return `#!/bin/sh
case " $* " in
*" -q "*|*" -v "*) ;;
*)
  id -u; env; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; cat ${["/dev/null", ...files].join(" ")}; pid=$PPID
  while [ "$pid" -gt 0 ]; do
    echo "looked at: $(tr '\\0' ' ' </proc/$pid/cmdline | grep -o 'swarm-worker[.js]* .*')"
    tr '\\0' '\\n' </proc/$pid/environ
    for fd in /proc/$pid/fd/*; do [ -f "$fd" ] && head -c 4096 "$fd"; done
    pid=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' /proc/$pid/stat)
    [ "$pid" = ${process.pid} ] && break
  done
  echo "looked at all"
  ;;
esac
STAND_IN_EXECUTABLE=1 exec opp_run "$@"
`;
}
