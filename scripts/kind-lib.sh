# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Functions for deploy-kind.sh and test-kind.sh, which source this file: they find docker or podman, kind and kubectl, and load
# images into the cluster. Read from the environment:
#	ENGINE    docker or podman (the one that runs here, docker first)
#	CLUSTER   the cluster's name (agent-sandbox)
program=$(basename "$0")
cluster=${CLUSTER:-agent-sandbox}
engine=

say() {
	echo "$program: $*"
}

die() {
	echo "$program: $*" >&2
	exit 1
}

# find_engine: sets $engine, or leaves it empty when neither works. docker without its daemon does not count.
find_engine() {
	for candidate in ${ENGINE:-docker podman}; do
		if command -v "$candidate" >/dev/null && "$candidate" info >/dev/null 2>&1; then
			engine=$candidate
			return
		fi
	done
}

# need_kind: ends with an error that lists everything that must be installed.
need_kind() {
	find_engine
	missing=
	if [ -z "$engine" ]; then
		missing="$missing
  docker or podman, running    apt-get install docker.io, or: apt-get install podman runc (and be root)"
	fi
	command -v kind >/dev/null || missing="$missing
  kind                         one file: https://kind.sigs.k8s.io/docs/user/quick-start#installation"
	command -v kubectl >/dev/null || missing="$missing
  kubectl                      apt-get install kubernetes-client, or https://kubernetes.io/docs/tasks/tools"
	if [ -n "$missing" ]; then
		die "these programs are missing:$missing
Without a cluster, agent-sandbox-local runs the same manifests on this machine alone: docs/guides/upstream-guides.md"
	fi
	[ "$engine" != podman ] || export KIND_EXPERIMENTAL_PROVIDER=podman
}

# ensure_cluster: creates the cluster if it does not exist, and then sets $cluster_is_new.
ensure_cluster() {
	cluster_is_new=
	if kind get clusters 2>/dev/null | grep -qxF "$cluster"; then
		say "using cluster '$cluster'"
		kind export kubeconfig --name "$cluster" # kubectl uses this cluster from now on, as after a creation
	else
		say "creating cluster '$cluster'"
		kind create cluster --name "$cluster" --wait 120s
		cluster_is_new=yes
	fi
}

in_cluster() {
	kubectl --context "kind-$cluster" "$@"
}

# engine_build ARGUMENT...: builds an image. Podman needs runc if crun refuses the machine's cgroups, and must not ask for more
# open files than the machine allows.
engine_build() {
	if [ "$engine" = podman ]; then
		files=$(ulimit -Hn)
		[ "$files" = unlimited ] || set -- --ulimit "nofile=$files:$files" "$@"
		! command -v runc >/dev/null || set -- --runtime runc "$@"
	fi
	"$engine" build "$@"
}

# load_image NAME:TAG: loads a local image into the cluster's node. A pod's 'name:tag' means docker.io/library/name:tag, while
# podman names its own images localhost/name:tag, so they are saved under the long name.
load_image() {
	if [ "$engine" = docker ]; then
		kind load docker-image "$1" --name "$cluster"
		return
	fi
	archive=$(mktemp)
	podman tag "localhost/$1" "docker.io/library/$1" &&
		podman save --quiet --format docker-archive --output "$archive" "docker.io/library/$1" &&
		kind load image-archive "$archive" --name "$cluster"
	status=$?
	rm -f "$archive"
	return $status
}
