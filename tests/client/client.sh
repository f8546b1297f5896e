#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the Python client; skipped where no Python here has pytest and the package kubernetes. $PYTHON names another.
package=$(cd "$(dirname "$0")/../../clients/python/agentic-sandbox-client" && pwd) || exit 1
builddir=$(cd "${top_builddir:-.}" && pwd)
for python in ${PYTHON:-python3 /usr/bin/python3}; do
	"$python" -c 'import kubernetes, pytest' 2>/dev/null || continue
	# The tree may be read-only: nothing is written beside the sources.
	cd "$package" && exec env top_builddir="$builddir" PYTHONDONTWRITEBYTECODE=1 "$python" -m pytest -q -rs -p no:cacheprovider "$@"
done
echo "skipped: pytest or the package kubernetes is missing (python3-pytest, python3-kubernetes)"
exit 77
