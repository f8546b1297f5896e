#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is installed is what third parties get: installs into a folder of its own, and builds, tests and loads examples/plugin
# from there alone. Run by make check, which says where things go.
set -eu

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dest=$work/dest
bad=0

fail() {
	echo "installed-plugin: $*"
	bad=1
}

# run WANTED COMMAND...: its output is in $work/out, and its exit status is the wanted one.
run() {
	wanted=$1
	shift
	status=0
	"$@" >"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] || { fail "exit status $status, not $wanted: $*"; cat "$work/out"; }
}

says() {
	grep -qF -- "$1" "$work/out" || { fail "no '$1' in what it said:"; cat "$work/out"; }
}

# What make check was told (its jobs, TESTS=...) is not for the makes in here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES TESTS DESTDIR
run 0 "${MAKE:-make}" -C "$top_builddir" install DESTDIR="$dest"
[ $bad -eq 0 ] || exit 1

# ---- exactly these files ----

programs='agent-sandbox-controller agent-sandbox-local agent-sandbox-node agent-sandbox-router agent-sandbox-runtime'
sort >"$work/wanted" <<END
$(for program in $programs; do echo "$bindir/$program"; done)
$includedir/agent-sandbox/fake-host.h
$includedir/agent-sandbox/helpers.h
$includedir/agent-sandbox/plugin.h
$libdir/libagent-sandbox-fake-host.la
$libdir/libagent-sandbox-fake-host.so
$libdir/libagent-sandbox-fake-host.so.0
$libdir/libagent-sandbox-fake-host.so.0.0.0
$(for page in "$top_srcdir"/docs/man/*.[1-8]; do echo "$mandir/man${page##*.}/${page##*/}"; done)
$pkgconfigdir/agent-sandbox.pc
$(for plugin in claim sandbox template warmpool; do echo "$plugindir/$plugin.la"; echo "$plugindir/$plugin.so"; done)
END
find "$dest" ! -type d | sed "s,^$dest,," | sort >"$work/there"
diff "$work/wanted" "$work/there" || fail "other files are installed than those expected (<)"

# ---- the tree becomes usable where it is: its .pc names the folders it will be in ----

mkdir "$work/pkgconfig"
cp "$dest$pkgconfigdir/agent-sandbox.pc" "$work/pkgconfig"
for name in prefix exec_prefix libdir includedir plugindir; do
	value=$(PKG_CONFIG_PATH=$dest$pkgconfigdir pkg-config --variable=$name agent-sandbox)
	sed -i "s,^$name=.*,$name=$dest$value," "$work/pkgconfig/agent-sandbox.pc"
done
PKG_CONFIG_PATH=$work/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

# ---- the example builds, passes its tests, loads ----

mkdir "$work/example"
cp "$top_srcdir"/examples/plugin/* "$work/example"
chmod -R u+w "$work/example"
run 0 "${MAKE:-make}" -C "$work/example" CC="$CC" CFLAGS="-O1 -g -Wall -Wextra -Wshadow -Werror $SAN_CFLAGS" all check
says "all tests passed"

controller=$dest$bindir/agent-sandbox-controller
plugin=$work/example/sandbox-ttl.so
run 0 "$controller" --dump-plugin "$plugin"
says '"name":"sandbox-ttl"'
says 'kind: SandboxTTL'
run 0 "$controller" --plugin-dir "$dest$plugindir" --plugin "$plugin" --help
says '--sandbox-ttl.min-seconds'
says '--sandbox.cluster-domain'
run 0 "${MAKE:-make}" -C "$work/example" install
run 0 "$controller" --plugin-dir "$dest$plugindir" --help
says '--sandbox-ttl.min-seconds'
chmod g+w "$plugin"
run 1 "$controller" --dump-plugin "$plugin"
says 'is writable by others'

# ---- each plugin exports one symbol ----

for file in "$dest$plugindir"/*.so; do
	symbols=$($NM -D --defined-only "$file" | awk '{ print $NF }')
	[ "$symbols" = asb_plugin_entry ] || fail "$file exports more or less than asb_plugin_entry:" $symbols
	run 0 "$controller" --dump-plugin "$file"
done

# ---- every program tells its version and its flags, from where it is installed ----

for program in $programs; do
	run 0 "$dest$bindir/$program" --version
	says "$program "
	run 0 "$dest$bindir/$program" --help
	says '--version'
done

# ---- the controller's flags ----

run 0 "$controller" --version
says 'agent-sandbox-controller '
run 0 "$controller" -help
says 'Usage:'
run 2 "$controller" --no-such-flag
says "'--no-such-flag'"
run 2 "$controller" word
run 2 "$controller" --kube-api-qps=many
run 2 "$controller" --plugin
run 1 "$controller" --plugin-dir "$work/nowhere"
says "$work/nowhere"
run 1 "$controller" --dump-plugin "$controller"
exit $bad
