#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a checkout on Debian 12 to Python that ran in a sandbox: installs packages, builds, starts local mode, creates a template
# and a warm pool of two, claims a sandbox, runs a command in it, prints the times, and removes everything again.
#
#	scripts/run.sh [--pods podman | process | fake] [--keep] [--state-dir DIR]
#
#	--pods       podman: containers, as root (default). process: plain processes, NOT isolated. fake: nothing runs.
#	--keep       leaves everything running, and says how to go on
#	--state-dir  of local mode (its own default: /var/lib/agent-sandbox for root, else ~/.local/state/agent-sandbox)
#
# Read from the environment:
#	BUILD_DIR    where to build (build/run in the tree)
#	JOBS         how many jobs at a time (as many as there are processors)
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$source/build/run}
unset BUILD_DIR # scripts/build-image.sh has one too: the runtime of an image is built otherwise
jobs=${JOBS:-$(nproc)}
pods=podman
keep=
state=
began=$(date +%s)

say() {
	echo "run.sh: $*"
}

die() {
	echo "run.sh: $*" >&2
	exit 1
}

usage() {
	echo "usage: scripts/run.sh [--pods podman | process | fake] [--keep] [--state-dir DIR]" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--pods | --state-dir)
		[ $# -ge 2 ] || usage
		[ "$1" = --pods ] && pods=$2 || state=$2
		shift
		;;
	--pods=*) pods=${1#*=} ;;
	--state-dir=*) state=${1#*=} ;;
	--keep) keep=yes ;;
	*) usage ;;
	esac
	shift
done
case $pods in
podman | process | fake) ;;
*) usage ;;
esac

# ---- packages ----

# Packages and Podman need root; sudo asks for its password itself.
root=
if [ "$(id -u)" -ne 0 ]; then
	root=$(command -v sudo) || root=none
fi

missing_packages() {
	wanted="$("$source/scripts/packages.sh" build) python3"
	if [ "$pods" = podman ]; then
		wanted="$wanted $("$source/scripts/packages.sh" run) mmdebstrap ca-certificates"
	else
		wanted="$wanted haproxy"
	fi
	command -v kubectl >/dev/null || wanted="$wanted kubernetes-client"
	for package in $wanted; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

install_packages() {
	command -v dpkg-query >/dev/null || return 0 # not Debian: what is missing is told by who needs it
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	[ "$root" != none ] || die "some packages are missing, and this user is not root and has no sudo; run as root: apt-get install $missing"
	say "apt-get${root:+, through sudo,} installs $missing"
	log=$build/packages.log
	{
		$root apt-get update -q &&
			$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
	} >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "apt-get failed; the end of $log is above"
	}
}

# ---- building ----

build_programs() {
	log=$build/build.log
	say "building; the log is $log"
	{
		[ -x "$source/configure" ] || (cd "$source" && ./autogen.sh)
		[ -f "$build/config.status" ] || (cd "$build" && "$source/configure" -q CFLAGS=-O2)
		make -s -C "$build" -j"$jobs" agent-sandbox-local agent-sandbox-node agent-sandbox-controller agent-sandbox-router \
			agent-sandbox-runtime sandbox.la template.la claim.la warmpool.la
	} >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		die "the build failed; the end of $log is above"
	}
}

# ---- local mode ----

# Podman's containers need root, and then everything that reads the state needs root too.
as_owner() {
	if [ "$pods" = podman ] && [ -n "$root" ]; then
		"$root" "$@"
	else
		"$@"
	fi
}

in_local() {
	as_owner "$build/agent-sandbox-local" "$@" ${state:+--state-dir "$state"}
}

on_api() {
	as_owner kubectl --kubeconfig "$kubeconfig" "$@"
}

# Starts local mode in the background and shows its output until it is ready. If it runs already it is used and left running.
start_local() {
	if in_local status >/dev/null; then
		in_local status | grep -q -- "--pods $pods" || die "local mode runs already, with another --pods: see agent-sandbox-local status"
		say "local mode runs already"
		return
	fi
	log=$build/up.log
	: >"$log"
	set -- up --pods "$pods"
	[ "$pods" != podman ] || set -- "$@" --first-image "$source/scripts/build-image.sh"
	PATH=$build:$PATH setsid sh -c 'exec "$@"' sh ${root:+$([ "$pods" = podman ] && echo "$root")} "$build/agent-sandbox-local" "$@" \
		${state:+--state-dir "$state"} >"$log" 2>&1 </dev/null &
	up=$!
	started=yes
	tail -n +1 -f "$log" &
	shown=$!
	until grep -q '^ready after' "$log"; do
		kill -0 "$up" 2>/dev/null || {
			kill "$shown" 2>/dev/null || true
			die "local mode did not start; the reason is above"
		}
		sleep 0.1
	done
	sleep 0.2 # for the last lines to be shown
	kill "$shown" 2>/dev/null || true
}

started=
shown=
kubeconfig=
clean_up() {
	status=$?
	trap - EXIT
	[ -z "$shown" ] || kill "$shown" 2>/dev/null || true
	if [ -n "$keep" ] && [ "$status" -eq 0 ]; then
		exit 0
	fi
	if [ -n "$kubeconfig" ]; then
		say "removing everything"
		on_api delete --ignore-not-found --timeout=60s sandboxclaim/run-sh-claim sandboxwarmpool/run-sh-pool >/dev/null || true
		on_api delete --ignore-not-found --timeout=60s sandboxtemplate/python-sandbox-template >/dev/null || true
	fi
	if [ -n "$started" ]; then
		in_local down || true
	fi
	[ "$status" -ne 0 ] || say "done after $(($(date +%s) - began)) s"
	exit "$status"
}

pool_is_full() {
	[ "$(on_api get sandboxwarmpool run-sh-pool -o 'jsonpath={.status.readyReplicas}')" = 2 ]
}

fill_pool() {
	say "creating a template (examples/python-template-sandbox) and a warm pool of two"
	on_api apply -f "$source/examples/python-template-sandbox/sandbox-python-template.yaml" -f - <<-END
		apiVersion: extensions.agents.x-k8s.io/v1alpha1
		kind: SandboxWarmPool
		metadata: {name: run-sh-pool}
		spec:
		  replicas: 2
		  sandboxTemplateRef: {name: python-sandbox-template}
	END
	deadline=$(($(date +%s) + 120))
	until pool_is_full; do
		[ "$(date +%s)" -lt "$deadline" ] || {
			on_api get pods,events >&2
			die "the pool is not ready after 120 s; its pods and their events are above"
		}
		sleep 0.1
	done
	on_api get pods -l agents.x-k8s.io/pool
}

mkdir -p "$build"
install_packages
build_programs
trap clean_up EXIT
trap 'exit 1' INT TERM
start_local
kubeconfig=$(in_local status | sed -n 's/^kubeconfig *//p')
router=$(in_local status | sed -n 's,^ *\(http://127.0.0.1:[0-9]*\)$,\1,p')
fill_pool
as_owner python3 "$source/scripts/run-claim.py" --kubeconfig "$kubeconfig" --pods "$pods" ${router:+--router "$router"}
if [ -n "$keep" ]; then
	cat <<-END
		run.sh: everything is still running. Next steps:
		  export KUBECONFIG=$kubeconfig
		  kubectl get sandboxes,pods
		  $build/agent-sandbox-local status${state:+ --state-dir $state}
		  $build/agent-sandbox-local down${state:+ --state-dir $state}      # ends it; the state stays on disk
	END
fi
