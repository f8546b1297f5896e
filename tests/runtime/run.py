#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the server inside a sandbox: the real program, a fresh one and an empty base directory for each case.

    run.py [-k PATTERN] [--list] [--binary FILE] [--prefix WORDS]

A case is a function test_*(server) in a file test_*.py; its name is the promise it checks. Prints `ok`, `not ok` or
`skip` for each, and `N passed, M failed` at the end. Exit status 0, 1, or 77 when the program is not built
($top_builddir).
"""

import argparse
import fnmatch
import importlib
import os
import shlex
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from server import Server, Skip  # noqa: E402


def discover(pattern):
    cases = []
    for file in sorted(os.listdir(HERE)):
        if file.startswith("test_") and file.endswith(".py"):
            module = importlib.import_module(file[:-3])
            cases += [(f"{file[5:-3]}.{name[5:]}", member) for name, member in vars(module).items()
                      if name.startswith("test_") and callable(member)]
    if pattern:
        wild = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
        cases = [c for c in cases if fnmatch.fnmatch(c[0], wild)]
    return cases


def run(name, case):
    """'ok', 'skip' or 'not ok'."""
    begin = time.monotonic()
    server = Server(**getattr(case, "server", {}))
    word, why = "ok", []
    try:
        server.start()
        case(server)
        server.check()
    except Skip as e:
        word, why = "skip", [str(e)]
    except Exception as e:
        word, why = "not ok", (str(e).strip() or type(e).__name__).splitlines()
        why += [f"at {os.path.basename(f.filename)}:{f.lineno}: {f.line}"
                for f in traceback.extract_tb(e.__traceback__) if os.path.basename(f.filename).startswith("test_")]
        why += ["| " + line for line in server.log().splitlines()[-30:]]
    finally:
        try:
            server.stop()
        except Exception as e:
            word, why = "not ok", why + [f"at its end: {e}"]
    print(f"{word} {name}{': ' + why[0] if why else ''}  # {time.monotonic() - begin:.1f} s")
    for line in why[1:]:
        print("    " + line[:300])
    sys.stdout.flush()
    return word


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="pattern", help="only cases whose name contains this, or matches it as a pattern")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--binary", help="the program ($top_builddir/agent-sandbox-runtime)")
    parser.add_argument("--prefix", default="", help="what to run the program under, as 'valgrind -q'")
    args = parser.parse_args()
    cases = discover(args.pattern)
    if args.list:
        print("\n".join(name for name, _ in cases))
        return 0
    binary = os.path.abspath(args.binary or os.path.join(os.environ.get("top_builddir", "."), "agent-sandbox-runtime"))
    if not os.access(binary, os.X_OK):
        print(f"skipped: no '{binary}': top_builddir is not set to the folder of the build, or it is not built")
        return 77
    Server.choose(binary, shlex.split(args.prefix))
    words = [run(name, case) for name, case in cases]
    failed, skipped = words.count("not ok"), words.count("skip")
    print(f"{words.count('ok')} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not words else 0


if __name__ == "__main__":
    sys.exit(main())
