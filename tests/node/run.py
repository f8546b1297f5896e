#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of agent-sandbox-node: real etcd and kube-apiserver, the fake runtime.

    run.py [-k PATTERN] [--keep]

The cluster is that of tests/contract. Exit status 0, 1, or 77 when the binaries are missing ($KUBEBUILDER_ASSETS).
"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "contract")]

from cluster import Cluster, interrupts_are_exceptions, missing_assets  # noqa: E402
from nodesuite import Suite, binary  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description="Run the cases of agent-sandbox-node.")
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name contains this")
    parser.add_argument("--keep", action="store_true", help="leave the cluster's files")
    args = parser.parse_args()
    why = missing_assets()
    if not why and not os.access(binary(), os.X_OK):
        why = f"'{binary()}' is not built (top_builddir names the build's folder)"
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{args.k}*"]
    Suite.cluster = Cluster(keep=args.keep)
    try:
        Suite.cluster.start()
        done = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(loader.discover(HERE, "test_*.py"))
    finally:
        Suite.cluster.stop()
    return 0 if done.wasSuccessful() and done.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
