#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the controller into a kind cluster: makes the cluster if it is not there, builds the image from a build of this
# tree, loads it, applies deploy/, and waits until the controller is ready. The router's image is built and loaded too, for
# whoever applies deploy/router.yaml. Used as:
#
#	make deploy-kind EXTENSIONS=true
#
# With --check it only says what must be installed, before anything is built.
# Read from the environment:
#	EXTENSIONS   true: SandboxTemplate, SandboxClaim and SandboxWarmPool too
#	BUILD_DIR    the build to take the programs from (build/make)
#	BASE         the image to build on (debian:bookworm-slim)
#	ENGINE, CLUSTER   see scripts/kind-lib.sh
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$source/build/make}
# shellcheck source=scripts/kind-lib.sh
. "$source/scripts/kind-lib.sh"

case ${EXTENSIONS:=false} in
true | false) ;;
*) die "EXTENSIONS is '$EXTENSIONS'; it is true or false" ;;
esac
need_kind
[ "${1:-}" != --check ] || exit 0
ensure_cluster
for name in controller router; do
	"$source/scripts/program-image.sh" "$name" "$build" "$engine"
	load_image "agent-sandbox-$name:latest"
done

# A controller that runs already keeps its old image, which has the same name.
before=$(in_cluster get statefulset agent-sandbox-controller --namespace agent-sandbox-system --ignore-not-found --output name)
in_cluster apply --filename "$source/deploy/manifest.yaml"
if [ "$EXTENSIONS" = true ]; then
	in_cluster apply --filename "$source/deploy/extensions.yaml"
fi
if [ -n "$before" ]; then
	in_cluster rollout restart statefulset/agent-sandbox-controller --namespace agent-sandbox-system
fi
in_cluster rollout status statefulset/agent-sandbox-controller --namespace agent-sandbox-system --timeout=120s || {
	in_cluster get pods --namespace agent-sandbox-system >&2
	in_cluster logs statefulset/agent-sandbox-controller --namespace agent-sandbox-system --tail=20 >&2 || true
	die "the controller is not ready after 120 s; above are its pod and the end of its log"
}
say "the controller runs in cluster '$cluster'; try: kubectl get pods --namespace agent-sandbox-system"
say "SandboxClient needs the router, too: kubectl apply --filename deploy/router.yaml"
