# SPDX-License-Identifier: Apache-2.0
"""One run on a fresh cluster: the ceiling, memory, start, a burst of claims and a steady trickle of them."""

import collections
import datetime
import os
import signal
import sys
import time

from world import (BenchCluster, CLAIMS, ROOT, Window, bare_claims, bare_rate, claim, cpu_seconds, load, make_pool,
                   memory_kb, pods_at_rest, post_claim)

from audit import Audit
from cluster import manifests
from controller import Controller
from process import until

NODE = os.path.join(ROOT, "tests", "contract", "fakenode.py")
NS = "bench"
REST_SECONDS = 20  # long enough for what is done now and then to have been done

# The writes on the way to Ready, each with those whose answers it needs.
WAITS_FOR = {
    "create sandboxclaims": [],
    "create sandboxes": ["create sandboxclaims"],
    "patch pods": ["create sandboxes"],
    "create services": ["create sandboxes"],
    "patch sandboxes/status": ["patch pods", "create services"],
    "patch sandboxclaims/status": ["patch sandboxes/status"],
}


def seconds(timestamp):
    return datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def quiet(controller, seconds=1.0):
    """Waits until the controller has used next to no CPU for a while."""
    last = [cpu_seconds(controller.process.pid), time.monotonic()]

    def still():
        used, now = cpu_seconds(controller.process.pid), time.monotonic()
        if used - last[0] > 0.02:
            last[:] = [used, now]
        return now - last[1] > seconds
    until(still, 120, "the controller is at rest", pause=0.1)


class Run:
    def __init__(self, options):
        self.options, self.figures = options, {}
        self.cluster = BenchCluster(options.nice, keep=options.keep)
        self.audit = Audit(self.cluster.audit_log)

    @property
    def api(self):
        return self.cluster.api

    def all(self):
        try:
            self.cluster.start(manifests())
            self.node = self.cluster.spawn("fakenode", [sys.executable, NODE, "--kubeconfig", self.cluster.kubeconfig,
                                                        "--threads", "4"])
            self.idle()
            controller = self.start()
            self.paced(controller)
            self.burst(controller)
            controller.stop()
            self.figures["bare"] = self.ceiling("bare", node=True)
            self.node.signal(signal.SIGSTOP)
            self.figures["bare_no_node"] = self.ceiling("bare-no-node", node=False)
            self.sum_up()
            return self.figures
        finally:
            self.cluster.stop()

    # ---- memory and start ------------------------------------------------------------------------------

    def idle(self):
        controller = Controller(self.cluster).start()
        time.sleep(3)  # the time for which it must have been idle is the thing measured
        self.figures["idle"] = memory_kb(controller.process.pid)
        controller.stop()

    def start(self):
        """Starts it with a claim waiting: the time to its first write for that. Then lets it fill the pool."""
        make_pool(self.api, "start", 0)
        self.api.create("sandboxclaims", "start", claim("first"))
        make_pool(self.api, NS, self.options.claims)
        mark, controller = self.audit.mark(), Controller(self.cluster)
        began = time.time()
        controller.start(wait=0)
        entry = until(lambda: self.audit.entries(mark, user=controller.user, namespace="start", settle=0), 60,
                      "the first write", pause=0.05)[0]
        self.figures["start_ms"] = (seconds(entry.received) - began) * 1000
        self.api.delete("sandboxclaims", "start", "first")
        self.rest(controller)
        return controller

    def rest(self, controller):
        pods_at_rest(self.api, NS, self.options.claims)
        quiet(controller)

    # ---- claims ----------------------------------------------------------------------------------------

    def claims(self, controller, prefix, count, workers, rate=0):
        """The figures of so many claims, their report, and where the audit log stood before."""
        mark, cpu = self.audit.mark(), cpu_seconds(controller.process.pid)
        window = Window(self.cluster)
        report = load(self.cluster, post_claim(NS), [[f"{prefix}-{i}"] for i in range(count)], workers, rate,
                      CLAIMS.format(NS))
        figures = dict(window.end(), **self.latency(report))
        self.rest(controller)
        figures["controller_cpu_ms"] = (cpu_seconds(controller.process.pid) - cpu) * 1000 / count
        figures["writes"] = self.writes(mark, controller, count)
        return figures, report, mark

    def paced(self, controller):
        figures, _, mark = self.claims(controller, "paced", self.options.paced, 4, self.options.rate)
        figures["path"] = self.path(mark, NS)
        self.figures["paced"] = figures
        for i in range(self.options.paced):
            self.api.delete("sandboxclaims", NS, f"paced-{i}")
        until(lambda: not self.api.list("sandboxes", NS) and not self.pods_of(NS), 120, "the claims' objects are gone")
        self.rest(controller)

    def burst(self, controller):
        count = self.options.claims
        figures, report, _ = self.claims(controller, "burst", count, self.options.creators)
        figures["claims_s"] = count / max(report["ready_ms"]) * 1000
        figures["posted_s"] = count / max(report["answered_ms"]) * 1000
        self.figures["burst"] = figures
        self.figures["loaded"] = memory_kb(controller.process.pid)
        cpu = cpu_seconds(controller.process.pid)
        time.sleep(REST_SECONDS)
        self.figures["rested"] = memory_kb(controller.process.pid)
        self.figures["rest_cpu_ms_s"] = (cpu_seconds(controller.process.pid) - cpu) * 1000 / REST_SECONDS

    # ---- the API server alone --------------------------------------------------------------------------

    def ceiling(self, ns, node):
        """The same six writes a claim by a plain client and no controller."""
        items, uid = bare_claims(self.cluster, ns, self.options.claims, node)
        window = Window(self.cluster)
        rate = bare_rate(self.cluster, ns, uid, items, self.options.creators)
        return dict(window.end(), claims_s=rate)

    # ---- what it comes to ------------------------------------------------------------------------------

    @staticmethod
    def latency(report):
        times = [ready - sent for sent, ready in zip(report["sent_ms"], report["ready_ms"])]
        posts = [answered - sent for sent, answered in zip(report["sent_ms"], report["answered_ms"])]
        return {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99), "max_ms": max(times),
                "post_p50_ms": percentile(posts, 0.5)}

    def writes(self, mark, controller, count):
        """{verb resource: writes a claim} by the controller, from the audit log; failed ones with their code."""
        found = collections.Counter(
            e.what if e.code < 300 else f"{e.what} {e.code}"
            for e in self.audit.entries(mark, user=controller.user) if e.resource != "leases")
        return {what: number / count for what, number in sorted(found.items())}

    def path(self, mark, ns):
        """Where a claim's time goes, medians in ms, as the API server saw it: inside each write, and from the end of what
        it had to wait for to its arrival (then it was in the controller, or on its way)."""
        claims = collections.defaultdict(dict)
        owners = {p["metadata"]["name"]: claim for claim, p in self.pods_of(ns).items()}
        for entry in self.audit.entries(mark, namespace=ns):
            name = owners.get(entry.name) if entry.what == "patch pods" else entry.name
            if entry.what in WAITS_FOR and name:
                claims[name].setdefault(entry.what, (seconds(entry.received), seconds(entry.answered)))
        steps = collections.defaultdict(list)
        for writes in claims.values():
            if len(writes) == len(WAITS_FOR):
                for what, before in WAITS_FOR.items():
                    steps[what].append(writes[what][1] - writes[what][0])
                    if before:
                        steps["until " + what].append(writes[what][0] - max(writes[b][1] for b in before))
        return {what: percentile(times, 0.5) * 1000 for what, times in steps.items()}

    def pods_of(self, ns):
        """The pod of each claim."""
        return {c["name"]: p for p in self.api.list("pods", ns)
                for c in p["metadata"].get("ownerReferences", []) if c["kind"] == "Sandbox"}

    def sum_up(self):
        burst, paced = self.figures["burst"], self.figures["paced"]
        claims, more = self.options.claims, self.options.paced
        total = burst["controller_cpu_ms"] * claims + paced["controller_cpu_ms"] * more
        self.figures["controller_cpu_ms"] = total / (claims + more)
        self.figures["share_of_ceiling"] = burst["claims_s"] / self.figures["bare"]["claims_s"]
