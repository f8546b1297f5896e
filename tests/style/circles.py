#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds source files, and directories, that need each other in a circle, by the symbols of the objects of a build.

Circles between directories are refused. Circles of files inside a directory must be listed in circles.txt, one a line, with a
reason; a line whose circle is gone must be removed, so that the list can only shrink.
Use: circles.py BUILD TREE
"""
import collections
import os
import subprocess
import sys

ROOMS = ("base", "kube", "net", "core", "controller", "node", "apiserver", "local", "router", "runtime", "fakehost", "plugins")

def objects(build, tree):
    """The objects of the programs and libraries, by the source file that each was made from."""
    found = {}
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(build, room)):
            place = os.path.relpath(folder, build)
            place = place[:-len("/.libs")] if place.endswith("/.libs") else place
            for name in names:
                if name.endswith(".o"):
                    # libtool writes core/cache/.libs/libcore_la-store.o, a program controller/agent_sandbox_controller-main.o;
                    # pod-validate.o is of pod-validate.c, not of validate.c beside it.
                    stem, tail = name[:-2], name[:-2].partition("-")[2]
                    stem = tail if tail and not os.path.exists(f"{tree}/{place}/{stem}.c") else stem
                    if os.path.exists(f"{tree}/{place}/{stem}.c"):
                        found[os.path.join(folder, name)] = f"{place}/{stem}"
    return found

def symbols(files):
    """What each source file defines, and what it needs of others."""
    defines, needs = {}, collections.defaultdict(set)
    listing = subprocess.run(["nm", "-A", "--format=posix", *files], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        path, _, rest = line.partition(": ")
        symbol, kind = rest.split()[:2]
        if kind == "U":
            needs[files[path]].add(symbol)
        elif kind in "BCDGRSTVW":
            defines.setdefault(symbol, set()).add(files[path])
    return defines, needs


def owners(defines, source, symbol):
    """The files whose symbol a source means: that of its own directory, else of its room, else the only one.

    A symbol of one program or plugin is not one of another's, even if both have the name.
    """
    found = defines.get(symbol, ())
    for part in (os.path.dirname(source), source.split("/")[0]):
        near = [target for target in found if target.startswith(part + "/")]
        if near:
            return near
    return found if len(found) == 1 else ()


def graph(defines, needs):
    edges = {}
    for source, wanted in needs.items():
        edges[source] = {
            target
            for symbol in wanted
            for target in owners(defines, source, symbol)
            if target != source
        }
    return edges

def circles(edges):
    """Tarjan's strongly connected components of more than one file."""
    index, low, stack, found = {}, {}, [], []
    for start in sorted(edges):
        if start in index:
            continue
        work = [(start, iter(sorted(edges[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            node, rest = work[-1]
            for target in rest:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    work.append((target, iter(sorted(edges.get(target, ())))))
                    break
                if target in stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while not members or members[-1] != node:
                        members.append(stack.pop())
                    if len(members) > 1:
                        found.append(sorted(members))
    return sorted(found)

def main():
    build, tree = sys.argv[1:3]
    edges = graph(*symbols(objects(build, tree)))
    allowed = set()
    with open(os.path.join(tree, "tests/style/circles.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                allowed.add(line.split(":")[0].strip())
    bad, seen = 0, set()
    folders, examples = collections.defaultdict(set), {}
    for source, targets in edges.items():
        for target in targets:
            pair = os.path.dirname(source), os.path.dirname(target)
            if pair[0] != pair[1]:
                folders[pair[0]].add(pair[1])
                examples.setdefault(pair, f"{source} uses {target}")
    for members in circles({folder: set(targets) for folder, targets in folders.items()}):
        print("directories that need each other: " + " ".join(members))
        for pair, example in sorted(examples.items()):
            if pair[0] in members and pair[1] in members:
                print("  " + example)
        bad = 1
    for members in circles(edges):
        if len({os.path.dirname(member) for member in members}) == 1:
            name = " ".join(members)
            seen.add(name)
            if name not in allowed:
                print("a circle that tests/style/circles.txt does not allow: " + name)
                bad = 1
    for name in sorted(allowed - seen):
        print("tests/style/circles.txt allows a circle that is gone; remove the line: " + name)
        bad = 1
    return bad

sys.exit(main())
