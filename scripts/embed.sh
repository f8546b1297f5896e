#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints a C file that defines a text file as a string constant: embed.sh NAME FILE
set -eu

if [ $# -ne 2 ]; then
	echo "usage: embed.sh NAME FILE" >&2
	exit 2
fi

tab=$(printf '\t')

printf '/* SPDX-License-Identifier: Apache-2.0 */\n'
printf 'extern const char %s[];\nconst char %s[] =\n' "$1" "$1"
# A question mark is escaped too: two in a row begin a trigraph in C11.
LC_ALL=C sed -e 's/[\\"?]/\\&/g' -e "s/$tab/\\\\t/g" -e 's/.*/"&\\n"/' -- "$2"
printf ';\n'
