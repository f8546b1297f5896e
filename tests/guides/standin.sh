#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stands in for kind, docker, podman, kubectl, make and our own slow scripts, under their names: writes each call into
# $STANDIN_CALLS and answers as the real one would. What is there is told by variables:
#	STANDIN_ENGINES      those of docker and podman that run
#	STANDIN_CLUSTERS     the clusters of kind
#	STANDIN_CONTROLLER   what kubectl finds of the controller before it is applied
#	STANDIN_PATH         for the commands that run in the sandbox
#	STANDIN_FAIL         a pattern; a call that matches it fails
name=$(basename "$0")
call="$name $*"
echo "$call" >>"$STANDIN_CALLS"
# shellcheck disable=SC2254 # a pattern
case $call in
${STANDIN_FAIL:-no such call}) echo "$name: failed, as was asked for" >&2; exit 1 ;;
esac
# kubectl is told which cluster.
[ "$name" != kubectl ] || [ "${1:-}" != --context ] || shift 2

case "$name $*" in
"docker info" | "podman info")
	case " $STANDIN_ENGINES " in *" $name "*) ;; *) exit 1 ;; esac
	;;
"kind get clusters") printf '%s\n' "$STANDIN_CLUSTERS" && cat "$STANDIN_CALLS.made" 2>/dev/null || true ;;
"kind create cluster"*) echo "$4" >>"$STANDIN_CALLS.made" ;;
"docker build"* | "podman build"*)
	for context; do :; done
	(cd "$context" && find . -type f | sort | sed 's/^/  /') >>"$STANDIN_CALLS"
	;;
"podman save"*) : ;;
"kubectl get statefulset"*) [ -z "$STANDIN_CONTROLLER" ] || echo "$STANDIN_CONTROLLER" ;;
"kubectl get pods --selector"*) echo pod/the-pod ;;
"kubectl port-forward"*)
	PATH=$STANDIN_PATH exec "$top_builddir/agent-sandbox-runtime" --host 127.0.0.1 --port "${3%%:*}" --base-dir "$(dirname "$STANDIN_CALLS")"
	;;
"make"*)
	# In place of a whole build: what is built already.
	BUILD_DIR=$top_builddir exec "$STANDIN_TREE/scripts/deploy-kind.sh"
	;;
esac
