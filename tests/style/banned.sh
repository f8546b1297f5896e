#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that this project does not call: those that cannot report an error or bound a write, those that start a
# shell, and every wait and clock outside base/sched, without which a simulation would not replay.
# Use: banned.sh [TREE]
. "$(dirname "$0")/sources.sh"

list=$(sources)
[ -n "$list" ] || { echo "banned: no sources in '$root'" >&2; exit 99; }

# shellcheck disable=SC2086 # file names here have no blanks
awk '
# The line without comments, and with empty strings: what the compiler would call.
function code(line,    out, token) {
	out = ""
	while (line != "") {
		if (comment) {
			if (!match(line, /\*\//)) {
				return out
			}
			line = substr(line, RSTART + 2)
			comment = 0
			out = out " "
		} else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
			token = substr(line, RSTART, RLENGTH)
			out = out substr(line, 1, RSTART - 1)
			line = substr(line, RSTART + RLENGTH)
			if (token == "//") {
				return out
			}
			if (token == "/*") {
				comment = 1
			} else {
				out = out "\"\""
			}
		} else {
			return out line
		}
	}
	return out
}
function check(text, pattern, why) {
	if (match(text, "(^|[^A-Za-z0-9_.>])" pattern)) {
		printf "%s:%d: %s: %s\n", FILENAME, FNR, why, substr(text, RSTART, RLENGTH)
		bad = 1
	}
}
FNR == 1 {
	comment = 0
	sched = FILENAME ~ /^(base\/sched\.[ch]|tests\/unit\/base\/test-sched\.c)$/
}
{
	text = code($0)
	check(text, "(strto(l|ll|ul|ull)|ato(i|l|ll|f)|v?sprintf|strcpy|strtok|gets)[ \t]*\\(", "banned")
	check(text, "(system|popen)[ \t]*\\(", "no shells")
	check(text, "(u|nano)?sleep[ \t]*\\(", "wait on the thing itself")
	if (!sched) {
		check(text, "pthread_[a-z_]+", "only in base/sched")
		check(text, "(clock_gettime|clock_nanosleep|gettimeofday|time|getrandom|rand|random)[ \t]*\\(", "only in base/sched")
	}
}
END { exit bad }
' $list
