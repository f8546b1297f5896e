#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end cases: real kube-apiserver, controller, node, Podman, runc and gVisor.

    run.py [-k PATTERN] [--keep]

Needs root, Podman with runc and runsc, and $KUBEBUILDER_ASSETS; exit status 77 and the reason where one is missing.
$E2E_BUILD_IMAGE makes the image anew even where there is one.
"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "contract")]

from audit import Audit  # noqa: E402
from cluster import Cluster, interrupts_are_exceptions, manifests, missing_assets  # noqa: E402
from process import Deadline, until  # noqa: E402
from suite import Suite  # noqa: E402
from world import containers, end_world, make_image, missing, remove_leftovers, start_world  # noqa: E402


def left_behind(seconds=30):
    """Names of containers that are there although all pods are gone."""
    try:
        until(lambda: not containers(), seconds, "no container is left")
    except Deadline:
        pass
    return [c["Names"] for c in containers()]


def report(done):
    """The lines that other suites end with."""
    failed = len(done.failures) + len(done.errors) + len(done.unexpectedSuccesses)
    print(f"{done.testsRun - failed - len(done.skipped)} passed, {failed} failed")
    return 0 if failed == 0 and done.testsRun else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name contains this")
    parser.add_argument("--keep", action="store_true", help="leave the cluster's files")
    args = parser.parse_args()
    why = missing_assets() or missing() or make_image()
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    remove_leftovers()
    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{args.k}*"]
    Suite.cluster = Cluster(keep=args.keep)
    try:
        Suite.cluster.start(manifests())
        Suite.audit = Audit(Suite.cluster.audit_log)
        start_world(Suite.cluster)
        done = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(loader.discover(HERE, "test_*.py"))
        left = left_behind()
        if left:
            print(f"containers are left behind: {left}\n{Suite.real_node.log()}")
            return 1
        return report(done)
    finally:
        end_world()
        Suite.cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
