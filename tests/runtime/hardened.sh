#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads the ELF headers of the programs that are built: position-independent, nothing writable after the start that need
# not be, a stack that is not executable, and the C library's checks where the build is optimised.
command -v readelf >/dev/null || { echo "skipped: no readelf"; exit 77; }
cd "${top_builddir:-.}" || exit 1
flags=$(sed -n 's/^HARDEN_CFLAGS = //p' Makefile)
sanitizers=$(sed -n 's/^SAN_CFLAGS = //p' Makefile)
found=0 failed=0

say() {
	echo "$program: $1"
	failed=1
}

for name in runtime controller local node router; do
	program=agent-sandbox-$name
	[ -x ".libs/$program" ] && program=.libs/$program
	[ -x "$program" ] && readelf -h "$program" >/dev/null 2>&1 || continue
	found=$((found + 1))
	readelf -hW "$program" | grep -q 'Type: *DYN' || say "is not position-independent"
	readelf -lW "$program" | grep -q GNU_RELRO || say "has no read-only relocations"
	readelf -lW "$program" | grep GNU_STACK | grep -q 'RWE' && say "has an executable stack"
	readelf -dW "$program" | grep -Eq 'BIND_NOW|Flags:.* NOW' || say "binds lazily"
	[ -n "$sanitizers" ] && continue
	case $flags in
	*_FORTIFY_SOURCE*) readelf -sW "$program" | grep -Eq '__[a-z]+_chk' || say "has no checks of _FORTIFY_SOURCE" ;;
	*) case " $(sed -n 's/^CFLAGS = //p' Makefile) $(sed -n 's/^CPPFLAGS = //p' Makefile) " in
		*_FORTIFY_SOURCE* | *' -O0 '*) ;;
		*' -O'[123sg]' '*) say "is optimised, and built without _FORTIFY_SOURCE" ;;
		esac ;;
	esac
done
[ $found -gt 0 ] || { echo "skipped: no program is built"; exit 77; }
# A property of whole programs only where each library has it as well; so the compiler's own macro is asked.
echo "programs: $found; flags:$flags"
exit $failed
