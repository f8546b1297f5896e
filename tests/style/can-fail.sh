#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The style tests can fail: each is shown a small tree with one fault, which it must find, and the same tree without.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0

fresh() {
	rm -rf "${tree:?}"/* "$tree/.git"
	mkdir -p "$tree/base" "$tree/kube" "$tree/net" "$tree/core" "$tree/node" "$tree/runtime" "$tree/apiserver" "$tree/controller" "$tree/local" "$tree/plugins/claim" "$tree/plugins/common" "$tree/examples" "$tree/router" "$tree/fakehost" "$tree/include/agent-sandbox"
	printf '/* SPDX-License-Identifier: Apache-2.0 */\n#include "config.h"\n/* never sleep( */\n' >"$tree/base/good.c"
	printf '#define A "agents.x-k8s.io/pod-name"\n' >"$tree/plugins/common/names.h"
}

# finds TEST FILE TEXT: with TEXT in FILE the test fails, without it passes.
finds() {
	fresh
	"$here/$1" "$tree" >/dev/null || { echo "$1 fails on a good tree"; bad=1; }
	printf '%s\n' "$3" >"$tree/$2"
	if "$here/$1" "$tree" >/dev/null; then
		echo "$1 does not see '$3' in $2"
		bad=1
	fi
}

finds layering.sh base/a.c '#include "kube/kind.h"'
finds layering.sh base/a.c '#include "tests/unit/x.h"'
finds layering.sh kube/a.c '#include "core/cache/store.h"'
finds layering.sh kube/a.c '#include "a.h"'
finds layering.sh net/a.h '#  include "kube/kind.h"'
finds layering.sh core/a.c '#include "apiserver/objects/objects.h"'
finds layering.sh core/a.c '#include <curl/curl.h>'
finds layering.sh node/a.c '#include "apiserver/objects/objects.h"'
finds layering.sh runtime/a.c '#include "core/observe/log.h"'
finds layering.sh fakehost/a.c '#include "core/cache/store.h"'
finds layering.sh plugins/claim/a.c '#include "base/buf.h"'
finds layering.sh plugins/claim/a.c '#include "plugins/sandbox/sandbox.h"'
finds layering.sh plugins/claim/a.c '#include <curl/curl.h>'
finds layering.sh plugins/common/a.c '#include "plugins/claim/claim.h"'
finds layering.sh plugins/common/a.c '#include "base/buf.h"'
finds layering.sh examples/a.c '#include "plugins/common/names.h"'
for text in 'x = "agents.x-k8s.io/pod-name";' 'x = "extensions.agents.x-k8s.io";'; do
	finds names.sh plugins/claim/a.c "$text"
done
finds names.sh router/a.c 'x = "agents.x-k8s.io/pod-nam";'
for call in 'strtol(x, 0, 10)' 'atoi(x)' 'sprintf(x, y)' 'strcpy (x, y)' 'strtok(x, y)' 'system(x)' 'popen(x, y)' \
	'pthread_mutex_lock(x)' 'clock_gettime(x, y)' 'sleep(1)' 'usleep(1)' 'getrandom(x, 1, 0)'; do
	finds banned.sh core/a.c "int f(void) { /* why */ return $call; }"
done

if command -v python3 >/dev/null 2>&1; then
	finds text.sh include/agent-sandbox/a.h "$(printf '/*\n * A sentence,\n and its end. */')"
	finds text.sh include/agent-sandbox/a.h "$(printf '/*\n *A sentence.\n */')"
	finds text.sh core/a.c "$(printf 'const char text[] = "no such "\n\t\t"flag";')"
	finds text.sh core/a.c "$(printf '#define TEXT "no such " \\\\\n\t"flag"')"
fi

if command -v git >/dev/null 2>&1; then
	for text in 'int x;' '/* SPDX-License-Identifier: MIT */' "$(printf '%s\n' \
		'/* SPDX-License-Identifier: Apache-2.0 */' '/* SPDX-License-Identifier: Apache-2.0 */')"; do
		fresh
		git -C "$tree" init -q
		printf '%s\n' "$text" >"$tree/core/a.c"
		git -C "$tree" add -A
		if "$here/spdx.sh" "$tree" >/dev/null; then
			echo "spdx.sh does not see '$text'"
			bad=1
		fi
	done
fi
exit $bad
