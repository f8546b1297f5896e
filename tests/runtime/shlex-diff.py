#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares runtime/exec/shlex with Python's shlex.split on random commands.

    shlex-diff.py [COUNT]

COUNT commands (20,000), the same ones each time. Exit status 0, 1, or 77 when shlex-words is not built ($top_builddir).
"""

import os
import random
import shlex
import subprocess
import sys

PIECES = [" ", " ", "\t", "\n", "\r", "\v", "\f", "'", "'", '"', '"', "\\", "\\", "a", "bc", "#", "$x", ";", "|", "é", "€", "😀",
          "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u200b", "\x1c", "\x01", "\x7f", "''", '""', "\\\\", "\\'", '\\"']


def expected(command):
    try:
        return "".join(word.encode().hex() + ". " for word in shlex.split(command))
    except ValueError as e:
        return f"! {e}"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    program = os.path.join(os.environ.get("top_builddir", "."), "tests/runtime/shlex-words")
    if not os.access(program, os.X_OK):
        print(f"skipped: no '{program}'")
        return 77
    chance = random.Random(1)
    commands = ["".join(chance.choices(PIECES, k=chance.randrange(1, 14))) for _ in range(count)]
    done = subprocess.run([program], input=b"".join(c.encode() + b"\0" for c in commands), stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode().split("\n")
    bad = [(c, line) for c, line in zip(commands, lines) if line != expected(c)]
    for command, line in bad[:10]:
        print(f"not ok {command!r}: '{line}', Python says '{expected(command)}'")
    print(f"{count - len(bad)} passed, {len(bad)} failed")
    return 1 if bad or len(lines) != count + 1 else 0


if __name__ == "__main__":
    sys.exit(main())
