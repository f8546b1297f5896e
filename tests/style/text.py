#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks text that clang-format can damage or split.

- Block comments of the installed headers: each further line begins with " *" and a blank or a tab, is " *", or ends the comment.
- String literals of the product are not split in the middle of a sentence: then grep finds a message. A literal that does not
  end in a line break may not be followed by a literal that begins on the next line.
Use: text.py [TREE]
"""
import os
import re
import subprocess
import sys

PRODUCT = ("base", "kube", "net", "core", "controller", "node", "apiserver", "local", "router", "runtime", "fakehost", "plugins", "include")
# Files whose literals are not sentences but texts of a format, divided where its parts end.
FORMATS = {
    "apiserver/remote/spdy-block.c",  # the dictionary of SPDY, with its lengths
    "apiserver/storage/storage.c",  # SQL, with a comment for each statement
    "node/server/logs.c",  # the header section of a response
}
COMMENT = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
SPLIT = re.compile(r'"((?:\\.|[^"\\\n])*)"[ \t\\]*\n[ \t]*"')


def sources():
    if os.path.exists(".git"):
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.c", "*.h"], check=True,
                                capture_output=True, text=True).stdout.split("\n")
        return [path for path in listed if path and os.path.exists(path)]
    return [os.path.relpath(os.path.join(folder, name), ".") for top in PRODUCT for folder, _, names in os.walk(top)
            for name in names if name.endswith((".c", ".h"))]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("top_srcdir", os.path.join(os.path.dirname(__file__), "../..")))
    bad = 0
    for path in sorted(sources()):
        if path.split("/")[0] not in PRODUCT:
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.startswith("include/agent-sandbox/"):
            for match in COMMENT.finditer(text):
                if not match[0].startswith("/*"):
                    continue
                for n, line in enumerate(match[0].split("\n")[1:], 1):
                    if not re.match(r"\t* \*([ \t/]|$)", line):
                        print(f"{path}:{line_of(text, match.start()) + n}: a line of a comment does not begin with ' * '")
                        bad = 1
        if path in FORMATS:
            continue
        for match in SPLIT.finditer(COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text)):
            if not match[1].endswith("\\n"):
                print(f"{path}:{line_of(text, match.start())}: a string literal is split in the middle of a sentence")
                bad = 1
    return bad


sys.exit(main())
