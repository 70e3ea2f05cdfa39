#!/bin/sh
# Starts a worker in its container: as root it reads the credentials of queue and database, which only root may read,
# and goes on in the same process as uid 1000 without any capability. docs/security.md says what that protects.
set -eu
# If the machine runs out of memory, the kernel kills a simulation and nothing else that runs there.
if [ "${1:-}" = runner ]; then echo 500 >/proc/self/oom_score_adj || true; fi
if [ "$(id -u)" != 0 ]; then
  exec swarm-worker --alive-file /tmp/swarm-worker-alive "$@"
fi
secret() { # NAME: its value, or the content of the file that NAME_FILE names
  eval "value=\${$1:-}; file=\${$1_FILE:-}"
  if [ -n "$file" ]; then value=$(cat "$file"); fi
  if [ -n "$value" ]; then printf '%s=%s\n' "$1" "$value"; fi
}
secrets=$(secret REDIS_URL; secret MONGO_URL)
exec 3<<END
$secrets
END
unset REDIS_URL REDIS_URL_FILE MONGO_URL MONGO_URL_FILE secrets value file
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --no-new-privs \
  swarm-worker --secrets 3 --alive-file /tmp/swarm-worker-alive "$@"
