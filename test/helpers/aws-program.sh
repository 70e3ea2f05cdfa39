#!/bin/bash
# Replaces AWS's command line on the machines of tests: passes its arguments to a unix socket or, on virtual machines,
# to an address of their host.
value=
case "$*" in *file:///dev/stdin*) value=$(cat) ;; esac
exec /usr/bin/curl --silent --show-error --fail ${AWS_SOCKET:+--unix-socket "$AWS_SOCKET"} --data-binary "$value" -H "arguments: $*" http://169.254.170.2/
