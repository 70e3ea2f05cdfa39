#!/bin/bash
# What the docker program answers of a swarm whose images are there and whose services start at once. It notes what it
# is asked for in `docker-calls`, and keeps services and secrets, in the folder of the machine that it stands for. Its
# queue is a Redis that is there, which takes the password that is meant for it.
set -euo pipefail
MACHINE=${STAND_IN_MACHINE:?}
QUEUE=${STAND_IN_QUEUE:-}
if [ "$*" = --version ]; then
  echo "Docker version 28.2.2"
  exit
fi
HOST=
if [ "${1:-}" = --host ]; then
  HOST=${2#unix://}
  shift 2
fi
if [ ! -S "$HOST" ]; then
  echo "Cannot connect to the Docker daemon at unix://$HOST. Is the docker daemon running?" >&2
  exit 1
fi
echo "$*" >>"$MACHINE/docker-calls"
touch "$MACHINE/services" "$MACHINE/secrets"

case "$*" in
  version*) echo '{"Server":{"ApiVersion":"1.44","Version":"25.0.14"}}' ;;
  info*) echo '{"Swarm":{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":true,"Error":""},"SystemTime":"'"$(date -u +%FT%TZ)"'"}' ;;
  "inspect --type=task"*)
    # the file says since when tasks are running
    for _ in "${@:5}"; do
      printf '{"NodeID":"n1","Status":{"State":"running","Timestamp":"%s"}}\n' "$(cat "$MACHINE/tasks-since" 2>/dev/null || date -u +%FT%TZ)"
    done
    ;;
  "node ls"*) echo '{"ID":"n1","Hostname":"manager","Status":"Ready","Availability":"Active","ManagerStatus":"Leader"}' ;;
  "node inspect"*) echo "n1 8000000000" ;;
  "image ls --quiet"*) echo 0123456789ab ;;
  "stack deploy"*)
    { printenv | grep '^SWARM_' | sort; } >"$MACHINE/stack-variables"
    case "$*" in *registry.yaml*) echo "${!#}_registry" >>"$MACHINE/services" ;; esac
    case "$*" in *stack.yaml*)
      for name in redis mongo builder runner distcc dashboard visualizer; do echo "${!#}_$name"; done >>"$MACHINE/services"
      ;;
    esac
    sort -u -o "$MACHINE/services" "$MACHINE/services"
    ;;
  "service ls --quiet"*) cat "$MACHINE/services" ;;
  "service ls"*) cat "$MACHINE/services" ;;
  "stack ps"*) while read -r name; do printf '{"ID":"t","Name":"%s.1","Node":"n1","DesiredState":"Running","CurrentState":"Running 1 second ago","Error":""}\n' "$name"; done <"$MACHINE/services" ;;
  "service inspect --format {{json .}} "*)
    while read -r name; do
      printf '{"ID":"%s","Spec":{"Name":"%s","TaskTemplate":{"ContainerSpec":{"Image":"image"}},"Mode":{"Replicated":{"Replicas":1}}}}\n' "$name" "$name"
    done <"$MACHINE/services"
    ;;
  "service inspect --format {{json .Spec.Labels}} "*)
    if ! grep -q "^${!#}$" "$MACHINE/services"; then
      echo "Error: no such service: ${!#}" >&2
      exit 1
    fi
    echo '{}'
    ;;
  "service rm"*)
    shift 2
    for name in "$@"; do sed -i "/^$name$/d" "$MACHINE/services"; done
    ;;
  "secret ls"*) while read -r name; do printf '{"Name":"%s"}\n' "$name"; done <"$MACHINE/secrets" ;;
  "secret create"*)
    content=$(cat)
    case "$content" in
      "requirepass "*) [ -z "$QUEUE" ] || redis-cli -s "$QUEUE" config set requirepass "${content#* }" >/dev/null ;;
    esac
    echo "${*: -2:1}" >>"$MACHINE/secrets"
    ;;
  "service inspect"*) echo '["node.id == n1"]' ;;
  "service update"* | "ps "* | "image ls"* | pull* | push*) ;;
  *)
    echo "the stand-in for docker does not know: $*" >&2
    exit 125
    ;;
esac
