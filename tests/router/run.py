#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of agent-sandbox-router in a network namespace of its own: HAProxy in front of sandboxes that are
sockets, an API server that is real ($KUBEBUILDER_ASSETS) or agent-sandbox-local.

    run.py [-k PATTERN] [--keep] [--cycles N] [--gigabytes N] [--websocket-seconds N]

Exit status 0, 1, or 77 with a reason when it cannot run here.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "contract")]

from cluster import Cluster, interrupts_are_exceptions, manifests, missing_assets  # noqa: E402
from localserver import LocalServer, missing_server  # noqa: E402
from routersuite import Router, Sandboxes, Suite, binary, make_network  # noqa: E402

INSIDE = "ROUTER_TEST_NETWORK"


def missing():
    """Why it cannot run here, or None."""
    if not os.access(binary(), os.X_OK):
        return f"'{binary()}' is not built (top_builddir names the build's folder)"
    if not os.access("/usr/sbin/haproxy", os.X_OK):
        return "haproxy is not installed"
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "ip (iproute2) or unshare (util-linux) is not installed"
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        return "no network namespace of its own can be made (that takes root)"
    without_real = missing_assets()
    return without_real and missing_server() and f"{without_real}; {missing_server()}"


def make_cluster(keep):
    return LocalServer(keep) if missing_assets() else Cluster(keep)


def main():
    parser = argparse.ArgumentParser(description="Run the cases of agent-sandbox-router.")
    parser.add_argument("-k", metavar="PATTERN", help="only cases whose name contains this")
    parser.add_argument("--keep", action="store_true", help="leave the cluster's files")
    parser.add_argument("--cycles", type=int, default=100, help="claims in the case of late watches")
    parser.add_argument("--gigabytes", type=float, default=2, help="up and down in the case of large bodies")
    parser.add_argument("--websocket-seconds", type=float, default=2, help="how long a WebSocket stays open")
    Suite.options = args = parser.parse_args()
    why = missing()
    if why:
        print("skipped:", why)
        return 77
    if os.environ.get(INSIDE) != "1":
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-n", "--", sys.executable, *sys.argv])
    interrupts_are_exceptions()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    make_network()
    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{args.k}*"]
    Suite.cluster = make_cluster(args.keep)
    Suite.sandboxes = Sandboxes()
    try:
        Suite.cluster.start(manifests())
        Suite.router = Router().start()
        done = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(loader.discover(HERE, "test_*.py"))
        if not done.wasSuccessful():
            print(Suite.router.log[-4000:])
    finally:
        Suite.cluster.stop()
    return 0 if done.wasSuccessful() and done.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
