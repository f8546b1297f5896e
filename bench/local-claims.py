#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures claims in local mode with pods that are only pretended: API server, controller and node are the built ones.
Run it in the build folder, after `make all bench/claim-load`:
    python3 ../bench/local-claims.py [--runs N] [--claims N] [--rate N] [--profile FILE] [--json FILE]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from world import (CLAIMS, Window, bare_claims, bare_rate, build_folder, cpu_seconds, load, make_pool, memory_kb,
                   plain_pod_template, pods_at_rest, post_claim, prefer)

from cluster import ROOT, interrupts_are_exceptions
from controller import binary
from localserver import LocalServer, missing_server, server_binary
from process import until

NS = "bench"
CRDS = os.path.join(ROOT, "deploy", "crds")

# What is shown: (text, unit, path into a run's figures).
ROWS = [
    ("server: exec to Ready", "ms", ("ready_ms",)),
    ("RSS idle, API server", "MB", ("idle_mb", "local-1")),
    ("RSS idle, controller", "MB", ("idle_mb", "controller")),
    ("RSS idle, node", "MB", ("idle_mb", "node")),
    ("pool filled", "pods/s", ("fill_s",)),
    ("burst, until all are Ready", "claims/s", ("burst", "claims_s")),
    ("  bare writes in the same run", "claims/s", ("bare", "claims_s")),
    ("  share of that", "%", ("bare", "share")),
    ("  claim to Ready, p50", "ms", ("burst", "p50_ms")),
    ("  claim to Ready, p99", "ms", ("burst", "p99_ms")),
    ("  CPU a claim, API server", "ms", ("burst", "cpu_ms", "local-1")),
    ("  CPU a claim, controller", "ms", ("burst", "cpu_ms", "controller")),
    ("  CPU a claim, node", "ms", ("burst", "cpu_ms", "node")),
    ("  load of others", "%", ("burst", "foreign")),
    ("  RSS after, API server", "MB", ("loaded_mb", "local-1")),
    ("  RSS after, controller", "MB", ("loaded_mb", "controller")),
    ("paced, claim to Ready, p50", "ms", ("paced", "p50_ms")),
    ("paced, claim to Ready, p99", "ms", ("paced", "p99_ms")),
    ("  CPU a claim, API server", "ms", ("paced", "cpu_ms", "local-1")),
    ("  CPU a claim, controller", "ms", ("paced", "cpu_ms", "controller")),
    ("  CPU a claim, node", "ms", ("paced", "cpu_ms", "node")),
    ("  load of others", "%", ("paced", "foreign")),
]


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


class NiceServer(LocalServer):
    """Its processes have this nice value, for a machine that others use meanwhile."""

    def __init__(self, nice, **more):
        super().__init__(**more)
        self.nice = nice

    def spawn(self, *args, **more):
        process = super().spawn(*args, **more)
        if self.nice:
            prefer(process.pid, self.nice)
        return process


class Run:
    def __init__(self, options):
        self.options, self.figures = options, {}
        self.server = NiceServer(options.nice, keep=options.keep)

    def all(self):
        try:
            self.start()
            self.idle()
            self.fill()
            self.figures["burst"] = self.claims("burst", self.options.claims, self.options.creators, 0)
            self.figures["loaded_mb"] = self.memory()
            self.rest()
            count = int(self.options.rate * self.options.seconds)
            self.figures["paced"] = self.claims("paced", count, 16, self.options.rate)
            self.bare()
            return self.figures
        finally:
            self.server.stop()

    def start(self):
        self.server.audit_log = None
        began = time.monotonic()
        self.server.serve()
        self.figures["ready_ms"] = (time.monotonic() - began) * 1000
        self.server.apply(*(os.path.join(CRDS, name) for name in sorted(os.listdir(CRDS))))
        config = self.server.socket_kubeconfig() if self.options.unix else self.server.written
        self.controller = self.server.spawn("controller", [
            binary(), "--plugin-dir", os.path.join(build_folder(), ".libs"), "--kubeconfig", config, "--extensions", "--leader-elect=false",
            "--metrics-bind-address", "0", "--health-probe-bind-address", "0", "--log-level", "warning"])
        self.node = self.server.spawn("node", [
            os.path.join(build_folder(), "agent-sandbox-node"), "--kubeconfig", config, "--runtime", "fake", "--bind",
            "--state-dir", self.server.file("node"), "--max-pods", "10000", "--log-level", "warning"])

    def memory(self):
        return {p.name: memory_kb(p.pid)["VmRSS"] / 1024 for p in self.server.processes}

    def idle(self):
        until(lambda: self.server.api.call("GET", "/api/v1/nodes")["items"], 20, "the node is there")
        time.sleep(2)  # the time for which they must have been idle is the thing measured
        self.figures["idle_mb"] = self.memory()

    def fill(self):
        begin = time.monotonic()
        make_pool(self.server.api, NS, self.options.claims, plain_pod_template())
        pods_at_rest(self.server.api, NS, self.options.claims)
        self.figures["fill_s"] = self.options.claims / (time.monotonic() - begin)
        self.rest()

    def rest(self):
        """The pool is full, and nobody has anything to do."""
        pods_at_rest(self.server.api, NS, self.options.claims)
        last = [0.0, time.monotonic()]

        def still():
            used, now = sum(cpu_seconds(p.pid) for p in self.server.processes), time.monotonic()
            if used - last[0] > 0.05:
                last[:] = [used, now]
            return now - last[1] > 1
        until(still, 120, "all are at rest", pause=0.2)

    def claims(self, prefix, count, workers, rate):
        window, profile = Window(self.server), None
        if self.options.profile and prefix in self.options.profile:
            pids = ",".join(str(p.pid) for p in self.server.processes)
            profile = subprocess.Popen(["perf", "record", "-q", "-g", "-F", "499", "-o", self.options.profile, "-p", pids])
        report = load(self.server, post_claim(NS), [[f"{prefix}-{i}"] for i in range(count)], workers, rate,
                      CLAIMS.format(NS))
        if profile:
            profile.terminate()
            profile.wait()
        used = window.end()
        times = [ready - sent for sent, ready in zip(report["sent_ms"], report["ready_ms"])]
        return {"claims_s": count / max(report["ready_ms"]) * 1000, "p50_ms": percentile(times, 0.5),
                "posted_s": count / max(report["answered_ms"]) * 1000,
                "p99_ms": percentile(times, 0.99), "foreign": used["foreign_load"] * 100,
                "cpu_ms": {name: value * 1000 / count for name, value in used["cpu_s"].items()}}


    def bare(self):
        """The ceiling of this server on this machine in this minute: nobody else asks anything of it."""
        for process in (self.controller, self.node):
            process.stop()
        items, uid = bare_claims(self.server, "bare", self.options.claims, node=False)
        rate = bare_rate(self.server, "bare", uid, items, self.options.creators)
        self.figures["bare"] = {"claims_s": rate, "share": self.figures["burst"]["claims_s"] / rate * 100}


def dig(figures, path):
    for key in path:
        figures = figures[key]
    return figures


def main():
    parser = argparse.ArgumentParser(description="Measure claims in local mode with pretended pods.")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--claims", type=int, default=1000, help="of the burst, and the size of the pool")
    parser.add_argument("--creators", type=int, default=32)
    parser.add_argument("--rate", type=float, default=100, help="claims a second in the steady part")
    parser.add_argument("--seconds", type=float, default=30, help="of the steady part")
    parser.add_argument("--profile", help="perf's record of the part whose name (burst, paced) is in this file's name")
    parser.add_argument("--unix", action="store_true", help="controller and node use the unix socket")
    parser.add_argument("--nice", type=int, default=0, help="of all processes, where others use the machine too")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--keep", action="store_true", help="keep the servers' folders")
    options = parser.parse_args()
    why = missing_server()
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    if options.nice:
        prefer(os.getpid(), options.nice)
    runs = [Run(options).all() for _ in range(options.runs)]
    print(f"{'':34}{'median':>9}{'least':>9}{'most':>9}")
    for text, unit, path in ROWS:
        values = [dig(run, path) for run in runs]
        print(f"{text:34}{statistics.median(values):9.1f}{min(values):9.1f}{max(values):9.1f}  {unit}")
    if options.json:
        with open(options.json, "w") as f:
            json.dump(runs, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
