#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Deploys the controller to a kind cluster: creates the cluster if it does not exist, builds the image from a build of this
# tree, loads it, applies deploy/, and waits until the controller is ready. It also copies the runtime to the Dockerfiles of
# the examples, so that docker build works there. Used as:
#
#	make deploy-kind EXTENSIONS=true
#
# With --check it only says what must be installed, and builds nothing.
# Read from the environment:
#	EXTENSIONS   true: SandboxTemplate, SandboxClaim and SandboxWarmPool too, and the router, which SandboxClient needs
#	BUILD_DIR    the build directory of the programs (build/make)
#	BASE         the base image (debian:bookworm-slim)
#	ENGINE, CLUSTER   see scripts/kind-lib.sh
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$source/build/make}
# shellcheck source=scripts/kind-lib.sh
. "$source/scripts/kind-lib.sh"

# ready WHAT NAMESPACE: waits until it is ready, or shows why it is not.
ready() {
	in_cluster rollout status "$1" --namespace "$2" --timeout=120s && return
	in_cluster get pods --namespace "$2" >&2
	in_cluster logs "$1" --namespace "$2" --tail=20 >&2 || true
	die "$1 is not ready after 120 s; the pods and the end of a log are above"
}

case ${EXTENSIONS:=false} in
true | false) ;;
*) die "EXTENSIONS must be true or false, not '$EXTENSIONS'" ;;
esac
need_kind
[ "${1:-}" != --check ] || exit 0
ensure_cluster
env -u BUILD_DIR -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$source/scripts/stage-runtime.sh"
programs=controller
[ "$EXTENSIONS" != true ] || programs='controller router'
for name in $programs; do
	"$source/scripts/program-image.sh" "$name" "$build" "$engine"
	load_image "agent-sandbox-$name:latest"
done

# A controller or router that runs already would keep its old image, which has the same name.
before=$(in_cluster get statefulset agent-sandbox-controller --namespace agent-sandbox-system --ignore-not-found --output name)
in_cluster apply --filename "$source/deploy/manifest.yaml"
if [ "$EXTENSIONS" = true ]; then
	in_cluster apply --filename "$source/deploy/extensions.yaml"
fi
[ -z "$before" ] || in_cluster rollout restart statefulset/agent-sandbox-controller --namespace agent-sandbox-system
ready statefulset/agent-sandbox-controller agent-sandbox-system
if [ "$EXTENSIONS" = true ]; then
	in_cluster apply --filename "$source/deploy/router.yaml"
	[ -z "$before" ] || in_cluster rollout restart deployment/sandbox-router-deployment --namespace default
	ready deployment/sandbox-router-deployment default
fi
say "the controller runs in cluster '$cluster'; try: kubectl get pods --namespace agent-sandbox-system"
