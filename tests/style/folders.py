#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the directories: none has more than 25 source files or fewer than 4, and tests/unit/ mirrors them.

A test tests/unit/DIRECTORY/test-NAME.c is about DIRECTORY/NAME.c, or about the part of it that the rest of its name says:
test-store-list.c is about store.c.
Use: folders.py TREE
"""
import os
import re
import sys

ROOMS = ("base", "kube", "net", "core", "controller", "node", "apiserver", "local", "router", "runtime", "fakehost", "plugins")
MOST, LEAST = 25, 4
# Directories with fewer files than LEAST, and the reason.
SMALL = {
    "plugins/template": "one reconciler that does one thing",
}
# Tests that are not named after one source file, and the reason.
OTHER_TESTS = {
    "net/test-server": "a server for the tests of the HTTP client",
    "net/test-curl-faults": "the client as a whole when servers and networks misbehave",
    "net/test-curl-proxy": "the client as a whole through proxies",
    "fakehost/test-fake-host": "the library as a whole",
    "fakehost/test-fake-host-check": "the library as a whole: mistakes of a test or plugin",
    "fakehost/test-fake-host-store": "the library as a whole: what a plugin sees",
    "fakehost/test-fake-host-write": "the library as a whole: writes and faults",
}


def main():
    os.chdir(sys.argv[1])
    bad = 0

    def say(text):
        nonlocal bad
        print(text)
        bad = 1

    for room in ROOMS:
        for folder, folders, names in os.walk(room):
            sources = [name for name in names if name.endswith((".c", ".h"))]
            modules = [name for name in names if name.endswith(".c")]
            if len(modules) > MOST:
                say(f"{folder} has {len(modules)} source files, more than {MOST}: divide it by ideas")
            if 0 < len(sources) < LEAST and folder not in SMALL:
                say(f"{folder} has {len(sources)} files, fewer than {LEAST}: join it with another, or give a reason in {sys.argv[0]}")
            if not sources and not folders and names != ["README.md"]:
                say(f"{folder} has no sources")
    for folder, _, names in os.walk("tests/unit"):
        mirrored = os.path.relpath(folder, "tests/unit")
        for name in sorted(names):
            match = re.fullmatch(r"test-(.+)\.c", name)
            if not match or f"{mirrored}/test-{match[1]}" in OTHER_TESTS:
                continue
            parts = match[1].split("-")
            if not any(os.path.exists(f"{mirrored}/{'-'.join(parts[:n])}{end}")
                       for n in range(1, len(parts) + 1) for end in (".c", ".h")):
                say(f"{folder}/{name} is about no file of {mirrored}/: name it after the source it tests")
    return bad


sys.exit(main())
