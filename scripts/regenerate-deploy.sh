#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generates deploy/ from the plugins of a build: regenerate-deploy.sh BUILD-DIRECTORY
# Needs $KUBEBUILDER_ASSETS: it starts an API server, from which the schemas come.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: regenerate-deploy.sh BUILD-DIRECTORY" >&2
	exit 2
fi
scripts=$(cd "$(dirname "$0")" && pwd)
dumps=$(mktemp -d)
trap 'rm -rf "$dumps"' EXIT
for plugin in sandbox template claim warmpool; do
	"$1/agent-sandbox-controller" --dump-plugin "$1/.libs/$plugin.so" >"$dumps/$plugin.json"
done
# shellcheck disable=SC2016 # for the inner shell
python3 "$scripts/../tests/contract/cluster.py" --no-manifests --no-node \
	sh -c 'exec python3 "$0" --kubeconfig "$KUBECONFIG" "$@"' "$scripts/generate-deploy.py" "$dumps"/*.json
