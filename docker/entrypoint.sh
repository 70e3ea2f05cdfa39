#!/bin/sh
# Starts a worker in its container: reads the credentials of queue and database as root, because only root may read them,
# and continues in the same process as uid 1000 without capabilities. See docs/security.md.
set -eu
# If the machine runs out of memory, the kernel kills a simulation and no other process.
if [ "${1:-}" = runner ]; then echo 500 >/proc/self/oom_score_adj || true; fi
if [ "$(id -u)" != 0 ]; then
  exec swarm-worker --alive-file /tmp/swarm-worker-alive "$@"
fi
secret() { # NAME: prints NAME=VALUE, with the value of NAME or the content of the file named by NAME_FILE
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
