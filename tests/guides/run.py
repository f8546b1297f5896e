#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the guides tell people to type (docs/guides/upstream-guides.md), as far as it can be run on this machine.

    run.py [-k PATTERN]

The ways into a kind cluster run with stand-ins for kind, docker, podman and kubectl; the commands of the warm pool's guide
with kubectl against agent-sandbox-local and, where $KUBEBUILDER_ASSETS names one, a real kube-apiserver; the images with
podman, where it works. The programs are those of $top_builddir, or of the folder it is started in.
"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "contract")]

from cluster import interrupts_are_exceptions  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name contains this")
    args = parser.parse_args()
    interrupts_are_exceptions()
    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{args.k}*"]
    done = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(loader.discover(HERE, "test_*.py"))
    failed = len(done.failures) + len(done.errors)
    print(f"{done.testsRun - failed - len(done.skipped)} passed, {failed} failed")
    return 1 if failed or not done.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
