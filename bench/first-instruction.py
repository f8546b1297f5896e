#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a claim to the first answer of a command, with real containers: cold and from a warm pool, under runc and gVisor.

    first-instruction.py [-n RUNS]

What is measured begins before the claim's POST and ends with the first byte of the answer to POST /execute of "true" at
the sandbox. The client asks for the claim every 5 ms until it is Ready. Everything is real: kube-apiserver, controller,
node, Podman. Prints medians with the least and the most, in milliseconds.
Needs what tests/e2e needs; exit status 77 and the reason where that is missing.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tests", "contract")]

from cluster import Cluster, interrupts_are_exceptions, manifests, missing_assets  # noqa: E402
from process import until  # noqa: E402
from suite import POD_NAME, Suite, annotations, body, is_ready  # noqa: E402
from world import PORT, IMAGE, end_world, make_image, missing, remove_leftovers, start_world  # noqa: E402

NS, POOL, PATIENCE = "first-instruction", "pool", 120


def template(runtime_class):
    """The guides' sandbox, under that class; None: the node's default."""
    return {"spec": {**({"runtimeClassName": runtime_class} if runtime_class else {}), "containers": [{
        "name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1}}]}}


def create(api, kind, name, spec):
    return api.create(kind, NS, body(kind, name, spec))


def first_byte(address):
    """Seconds until the first byte of /execute's answer."""
    connection = http.client.HTTPConnection(address, PORT, timeout=PATIENCE)
    connection.request("POST", "/execute", json.dumps({"command": "true"}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    now = time.monotonic()
    said = json.load(answer)
    assert said["exit_code"] == 0, said
    connection.close()
    return now


def one_claim(api, name, template_name):
    """(claim to Ready, claim to the first byte), in seconds."""
    begin = time.monotonic()
    create(api, "sandboxclaims", name, {"sandboxTemplateRef": {"name": template_name}})
    until(lambda: is_ready(api.get("sandboxclaims", NS, name)), PATIENCE, f"claim {name} is Ready", 0.005)
    ready = time.monotonic()
    sandbox = api.get("sandboxes", NS, name)
    pod = api.get("pods", NS, annotations(sandbox).get(POD_NAME, name))
    return ready - begin, first_byte(pod["status"]["podIP"]) - begin


def end_claim(api, name, rest):
    """Until its pod is gone and rest pods are Ready, so that no run is measured amid another's end."""
    api.delete("sandboxclaims", NS, name)

    def quiet():
        pods = api.list("pods", NS)
        return len(pods) == rest and all(is_ready(pod) for pod in pods)
    until(quiet, PATIENCE, f"{rest} pods are Ready and nothing else", 0.1)


def series(api, label, runs, runtime_class, warm):
    """Times of that many claims, one after the other, behind one that is not counted."""
    name = label.replace(" ", "-").lower()
    create(api, "sandboxtemplates", name, {"podTemplate": template(runtime_class)})
    rest = 2 if warm else 0
    if warm:
        create(api, "sandboxwarmpools", POOL, {"replicas": rest, "sandboxTemplateRef": {"name": name}})
        until(lambda: sum(is_ready(p) for p in api.list("pods", NS)) == rest, PATIENCE, "the pool is Ready", 0.1)
    times = []
    for number in range(runs + 1):
        times.append(one_claim(api, f"{name}-{number}", name))
        end_claim(api, f"{name}-{number}", rest)
    if warm:
        api.delete("sandboxwarmpools", NS, POOL)
        until(lambda: not api.list("pods", NS), PATIENCE, "the pool is gone", 0.1)
    return times[1:]


def line(label, seconds):
    ms = [1000 * s for s in seconds]
    return f"{label:<44}{statistics.median(ms):9.0f}{min(ms):9.0f}{max(ms):9.0f}  ms"


def measure(api, runs):
    api.create("namespaces", None, {"metadata": {"name": NS}})
    until(lambda: api.get("serviceaccounts", NS, "default"), 20, "the namespace's service account")
    api.create("runtimeclasses", None, {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
                                        "metadata": {"name": "gvisor"}, "handler": "runsc"})
    print(f"{'':<44}{'median':>9}{'least':>9}{'most':>9}")
    for warm in (False, True):
        for handler, runtime_class in (("runc", None), ("gVisor", "gvisor")):
            label = f"{'warm' if warm else 'cold'} {handler}"
            times = series(api, label, runs, runtime_class, warm)
            print(line(f"{label}, claim to Ready", [t[0] for t in times]))
            print(line(f"{label}, claim to first output", [t[1] for t in times]), flush=True)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=10, metavar="RUNS", help="claims in each series (10)")
    args = parser.parse_args()
    why = missing_assets() or missing() or make_image()
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    remove_leftovers()
    Suite.cluster = Cluster()
    try:
        Suite.cluster.start(manifests())
        start_world(Suite.cluster)
        measure(Suite.cluster.api, args.n)
        return 0
    finally:
        end_world()
        Suite.cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
