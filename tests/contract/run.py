#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the contract suite: real kube-apiserver, real controller, one case a promise.

    run.py [-k PATTERN] [-j N] [--server real|local] [--keep] [--list]

--server local runs them against `agent-sandbox-local serve` instead, but for those that need the real one.

First the cases that share one controller, a few at a time; then those that must be alone; then those that start
controllers of their own. Prints `ok`, `not ok` or `skip` for each, and `N passed, M failed` at the end. Exit status
0, 1, or 77 when the binaries are missing ($KUBEBUILDER_ASSETS).
"""

import argparse
import fnmatch
import importlib
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from audit import Audit  # noqa: E402
from cluster import Cluster, interrupts_are_exceptions, manifests, missing_assets  # noqa: E402
from controller import Controller, binary  # noqa: E402
from localserver import NEEDS_REAL, LocalServer, missing_server  # noqa: E402
from fakenode import FakeNode  # noqa: E402
from api import Client  # noqa: E402
from suite import Suite  # noqa: E402


class Result(unittest.TestResult):
    """Prints a line for each case as it ends."""

    lock = threading.Lock()
    passed, failed, skipped = [], [], []

    def __init__(self):
        super().__init__()
        self.begin, self.why, self.bad = 0.0, None, False

    def startTest(self, test):
        self.begin, self.why, self.bad = time.monotonic(), None, False

    def _fail(self, test, error):
        self.bad = True
        self.why = self.why or error

    addError = addFailure = _fail

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._fail(test, error)

    def addSkip(self, test, reason):
        self.why = reason

    def stopTest(self, test):
        name = name_of(test)
        seconds = f"  # {time.monotonic() - self.begin:.1f} s"
        with self.lock:
            if self.bad:
                kind, value, trace = self.why
                self.failed.append(name)
                lines = str(value).strip().splitlines() or [kind.__name__]
                print(f"not ok {name}: {lines[0]}{seconds}")
                for line in lines[1:]:
                    print("    " + line)
                for frame in traceback.extract_tb(trace):
                    if frame.filename.startswith(HERE) and os.path.basename(frame.filename).startswith("test_"):
                        print(f"    at {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}")
                print_log(test)
            elif self.why is not None:
                self.skipped.append(name)
                print(f"skip {name}: {self.why}")
            else:
                self.passed.append(name)
                print(f"ok {name}{seconds}")
            sys.stdout.flush()


def print_log(test):
    """The end of the controller's log, and what it says of this case's namespace."""
    controller = getattr(test, "controller", None) or Suite.controller
    if controller is None:
        return
    try:
        with open(controller.log, errors="replace") as f:
            lines = f.readlines()
    except OSError:
        return
    ns = getattr(test, "ns", None)
    own = [line for line in lines if ns and ns in line][-15:]
    for line in own + ["-- end of the log --\n"] * bool(own) + lines[-8:]:
        print("    | " + line.rstrip()[:300])


def name_of(test):
    return f"{type(test).__module__.removeprefix('test_')}.{test._testMethodName.removeprefix('test_')}"


def flatten(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def discover(pattern):
    cases = []
    for file in sorted(os.listdir(HERE)):
        if file.startswith("test_") and file.endswith(".py"):
            module = importlib.import_module(file[:-3])
            cases += flatten(unittest.defaultTestLoader.loadTestsFromModule(module))
    if pattern:
        wild = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
        cases = [c for c in cases if fnmatch.fnmatch(name_of(c), wild)]
    return cases


def run_together(cases, threads):
    todo = queue.SimpleQueue()
    for case in cases:
        todo.put(case)

    def work():
        while True:
            try:
                case = todo.get_nowait()
            except queue.Empty:
                return
            while not Suite.controller.alive():
                time.sleep(0.1)  # run_together() starts another
            case.run(Result())
    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(0.2)
            if not Suite.controller.alive():
                start_again()


def start_again():
    """A controller that ended by itself fails the suite, and another serves the cases that are left. In the main
    thread only: a child dies with the thread that started it."""
    with Result.lock:
        Result.failed.append("controller")
        print(f"not ok controller: it ended with status {Suite.controller.process.child.returncode}")
        for line in Suite.controller.tail(60).splitlines():
            print("    | " + line[:300])
        sys.stdout.flush()
    Suite.controller = Controller(Suite.cluster).start()


def run_alone(cases):
    """Class by class, so that setUpClass and tearDownClass run."""
    classes = {}
    for case in cases:
        classes.setdefault(type(case), []).append(case)
    for kind, members in classes.items():
        try:
            kind.setUpClass()
            for case in members:
                case.run(Result())
        except unittest.SkipTest as e:
            for case in members:
                Result.skipped.append(name_of(case))
                print(f"skip {name_of(case)}: {e}")
        except Exception as e:  # a setUpClass that failed fails its cases
            for case in members:
                Result.failed.append(name_of(case))
                print(f"not ok {name_of(case)}: {e}")
        finally:
            kind.tearDownClass()


def run(cases, args):
    if args.server == "local":
        cases = without_real(cases)
    shared = [c for c in cases if not c.own_controller]
    Suite.cluster = (LocalServer if args.server == "local" else Cluster)(keep=args.keep).start(manifests())
    Suite.audit = Audit(Suite.cluster.audit_log)
    api = Suite.cluster.api
    Suite.node = FakeNode(Client(api.server, api.ca, api.token, agent="fakenode")).start()
    if shared:
        Suite.controller = Controller(Suite.cluster).start()
        run_together([c for c in shared if not c.alone], args.jobs)
        run_alone([c for c in shared if c.alone])
        if Suite.controller.stop() != 0:
            Result.failed.append("controller")
            print(f"not ok controller: SIGTERM: status {Suite.controller.process.child.returncode}")
        Suite.controller = None
    run_alone([c for c in cases if c.own_controller])
    check_logs()


def without_real(cases):
    """The cases that local mode can run; the others are told as skipped."""
    left = []
    for case in cases:
        why = next((why for pattern, why in NEEDS_REAL.items() if fnmatch.fnmatch(name_of(case), pattern)), None)
        if why is None:
            left.append(case)
        else:
            Result.skipped.append(name_of(case))
            print(f"skip {name_of(case)}: {why}")
    return left


def check_logs():
    """What a sanitizer says of any controller fails the suite, whatever the cases saw."""
    for file in sorted(os.listdir(Suite.cluster.folder)):
        if not file.startswith(("controller-", "local")) or not file.endswith(".log"):
            continue
        with open(Suite.cluster.file(file), errors="replace") as f:
            lines = f.readlines()
        found = [i for i, line in enumerate(lines) if re.search("Sanitizer|runtime error:", line)]
        if found:
            Result.failed.append("sanitizer")
            print(f"not ok sanitizer: {file}: {lines[found[0]].strip()}")
            for line in lines[found[0]:found[0] + 40]:
                print("    | " + line.rstrip()[:200])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="pattern", help="only cases whose name contains this, or matches it as a pattern")
    parser.add_argument("-j", dest="jobs", type=int, default=6, help="cases at a time, where they may share (6)")
    parser.add_argument("--server", choices=("real", "local"), default="real", help="whose API: a real kube-apiserver, "
                        "or local mode (real)")
    parser.add_argument("--keep", action="store_true", help="leave cluster and logs at the end, until Enter or Ctrl-C")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    args = parser.parse_args()
    cases = discover(args.pattern)
    if args.list:
        print("\n".join(name_of(c) for c in cases))
        return 0
    why = (missing_server() if args.server == "local" else missing_assets()) or (None if os.access(binary(), os.X_OK) else f"no '{binary()}': top_builddir is not set "
                               "to the folder of the build, or the controller is not built")
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    begin = time.monotonic()
    try:
        run(cases, args)
        if args.keep:
            print(f"kept: export KUBECONFIG={Suite.cluster.kubeconfig}  (Ctrl-C ends it)", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("interrupted")
        Result.failed.append("interrupted")
    finally:
        if Suite.node:
            Suite.node.stop()
        if Suite.cluster:
            Suite.cluster.stop()
    print(f"{len(Result.passed)} passed, {len(Result.failed)} failed"
          + (f", {len(Result.skipped)} skipped" if Result.skipped else "")
          + f"  # {time.monotonic() - begin:.0f} s")
    return 1 if Result.failed or not Result.passed else 0


if __name__ == "__main__":
    sys.exit(main())
