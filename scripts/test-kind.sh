#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests an example in a kind cluster, and removes everything again: deploys the controller (deploy-kind.sh), builds and loads the
# sandbox's image, applies the manifests, waits for the pod, forwards its port to this machine, runs tester.py.
# run-test-kind.sh of an example calls it in the directory of the example:
#
#	scripts/test-kind.sh MANIFEST...
#
# A cluster that this script created is deleted at the end; one that existed stays, with the controller in it.
# Read from the environment:
#	PORT                   of this machine (8888)
#	WAIT_SECONDS           for the pod and for the port, each (120)
#	KEEP_CLUSTER           any text: the cluster stays, whoever made it
#	EXTENSIONS, BASE, ENGINE, CLUSTER   as for scripts/deploy-kind.sh; BASE is the controller's
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/kind-lib.sh
. "$source/scripts/kind-lib.sh"

image=sandbox-runtime:latest
selector=app=python-sandbox # the label of the example's pod
port=${PORT:-8888}
wait_seconds=${WAIT_SECONDS:-120}
forward=
manifests=
[ $# -gt 0 ] || die "usage: scripts/test-kind.sh MANIFEST..."
for manifest; do
	[ -f "$manifest" ] || die "no manifest '$manifest' in $PWD"
	manifests="$manifests --filename $manifest"
done

# Called at every end; a failure in here does not hide an earlier one.
clean_up() {
	status=$?
	trap - EXIT
	[ -z "$forward" ] || kill "$forward" 2>/dev/null || true
	say "removing everything"
	# shellcheck disable=SC2086 # a list of words
	in_cluster delete --ignore-not-found --wait=false $manifests || true
	if [ -n "$cluster_is_new" ] && [ -z "${KEEP_CLUSTER:-}" ]; then
		kind delete cluster --name "$cluster" || true
	fi
	exit "$status"
}

# until_true COMMAND...: tries it for wait_seconds.
until_true() {
	deadline=$(($(date +%s) + wait_seconds))
	until "$@"; do
		[ "$(date +%s)" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}

pod_exists() {
	pod=$(in_cluster get pods --selector "$selector" --output name | head -n 1)
	[ -n "$pod" ]
}

port_answers() {
	kill -0 "$forward" 2>/dev/null || die "kubectl port-forward ended: port $port of this machine may be in use; choose another with PORT=..."
	python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/', timeout=1)" 2>/dev/null
}

make_image() {
	if [ "$engine" = podman ]; then
		"$source/scripts/build-image.sh" --containerfile "$PWD/Dockerfile" --tag "$image"
	else
		"$source/scripts/stage-runtime.sh"
		docker build --quiet --tag "$image" . >/dev/null
	fi
	load_image "$image"
}

need_kind
ensure_cluster
trap clean_up EXIT
trap 'exit 1' INT TERM
env -u BUILD_DIR "${MAKE:-make}" --no-print-directory -C "$source" deploy-kind EXTENSIONS="${EXTENSIONS:-false}"
make_image
# shellcheck disable=SC2086 # a list of words
in_cluster apply $manifests
until_true pod_exists || die "no pod with the label $selector after $wait_seconds s; see the log of the controller: kubectl logs --namespace agent-sandbox-system agent-sandbox-controller-0"
in_cluster wait --for=condition=Ready "$pod" --timeout="${wait_seconds}s"
kubectl --context "kind-$cluster" port-forward "$pod" "$port:8888" >/dev/null & # not in_cluster: $! would be a shell's
forward=$!
until_true port_answers || die "there is no response on port $port after $wait_seconds s"
python3 tester.py 127.0.0.1 "$port"
