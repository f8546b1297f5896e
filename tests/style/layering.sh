#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Dependencies point one way: reads the #include lines of every C file and prints those that point the wrong way.
# Use: layering.sh [TREE]
. "$(dirname "$0")/sources.sh"

list=$(sources)
[ -n "$list" ] || { echo "layering: no sources in '$root'" >&2; exit 99; }

# shellcheck disable=SC2086 # file names here have no blanks
awk '
BEGIN {
	# top directory: what it may include besides itself. "abi" is <agent-sandbox/...>.
	may["base"] = ""
	may["kube"] = "base abi"
	may["net"] = "base"
	may["core"] = "base kube net abi"
	may["runtime"] = "base net"
	may["router"] = "base kube net core abi"
	may["node"] = "base kube net core abi"
	may["controller"] = "base kube net core abi"
	may["apiserver"] = "base kube net core abi"
	may["local"] = "base kube net core apiserver abi"
	may["fakehost"] = "base kube apiserver abi"
	may["include"] = "abi"
	may["plugins"] = "abi"
	may["examples"] = "abi"
	may["bench"] = "base kube net core apiserver fakehost abi"
	may["tests"] = "base kube net core controller apiserver local fakehost node runtime router plugins include abi"
	# Libraries by the header that names them: which top directories may use them.
	lib["pthread.h"] = "base"
	lib["yaml.h"] = "base"
	lib["curl/"] = "net"
	lib["microhttpd.h"] = "net runtime apiserver local router tests"
	lib["openssl/"] = "core base fakehost apiserver local tests"
	lib["sqlite3.h"] = "apiserver tests"
	lib["zlib.h"] = "apiserver"
	lib["dlfcn.h"] = "core tests"
	lib["cmocka.h"] = "tests"
}
function fail(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}
function listed(word, words) {
	return index(" " words " ", " " word " ") > 0
}
FNR == 1 {
	room = FILENAME
	sub(/\/.*/, "", room)
	folder = FILENAME
	sub(/\/[^\/]*$/, "", folder)
	if (!(room in may) && !(room in told)) {
		fail("layering.sh does not know the directory \"" room "\"")
		told[room] = 1
	}
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	name = part[2]
	if (name == "config.h") {
		next
	}
	target = name
	if (!sub(/\/.*/, "", target)) {
		fail("\"" name "\" is not a path from the root")
	} else if (room == "plugins" || room == "examples") {
		# plugins/common/ is compiled into each of our four plugins, and sees the installed headers only.
		if (index(name, folder "/") != 1 && !(room == "plugins" && index(name, "plugins/common/") == 1)) {
			fail("a plugin may include <agent-sandbox/...>, plugins/common/ and its own directory, not \"" name "\"")
		}
	} else if (target != room && !listed(target, may[room])) {
		fail(room " may not include \"" name "\"")
	}
	next
}
/^[ \t]*#[ \t]*include[ \t]*</ {
	name = $0
	sub(/^[^<]*</, "", name)
	sub(/>.*/, "", name)
	if (name ~ /^agent-sandbox\//) {
		if (!listed("abi", may[room])) {
			fail(room " may not include <" name ">")
		}
		next
	}
	if (FILENAME ~ /^[a-z]+\/main\.c$/ && name == "curl/curl.h") {
		next # curl_global_init() belongs to main, before there are threads
	}
	for (start in lib) {
		if (index(name, start) == 1 && !listed(room, lib[start])) {
			fail(room " may not include <" name ">")
		}
	}
}
END { exit bad }
' $list
