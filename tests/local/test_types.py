#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Local mode's kinds against a real kube-apiserver: the same objects are created (dry run) on both, and what comes of
them must be equal but for what no two servers share. Needs $KUBEBUILDER_ASSETS; the program is
$top_builddir/tests/local/types-tool, or the first argument."""

import copy
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "contract"))
import cases_types as cases  # noqa: E402
from cluster import Cluster, missing_assets  # noqa: E402
from api import Client  # noqa: E402

STAMPS = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, kind, ns, body, store=False, old=None):
        line = {"type": kind, "ns": ns, "object": body, "strict": True, "store": store}
        if old is not None:
            line["old"] = old
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"types-tool ended at {line}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=120)


def path_of(kind, ns):
    group, version, plural = kind
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/{ns}/{plural}" if ns else f"{root}/{plural}"


def create(api, kind, ns, body, store=False):
    path = path_of(kind, ns) + "?fieldValidation=Strict" + ("" if store else "&dryRun=All")
    _, data = api.raw("POST", path, body)
    return json.loads(data)


def normal(value):
    """Random names and addresses are replaced, empty things dropped: a typed server does not keep them."""
    if isinstance(value, dict):
        return {k: n for k, n in ((k, normal(v)) for k, v in value.items()) if n not in ({}, [], "", None)}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, str) and value.startswith("kube-api-access-"):
        return "kube-api-access-"
    return value


def shape(answer):
    if answer.get("kind") == "Status":
        causes = sorted((c["reason"], c["field"], c["message"].split("\n")[0])
                        for c in answer.get("details", {}).get("causes", []))
        return {"code": answer["code"], "reason": answer["reason"], "causes": causes,
                "message": "" if causes else answer["message"]}
    answer = copy.deepcopy(answer)
    for stamp in STAMPS:
        answer["metadata"].pop(stamp, None)
    spec = answer.get("spec", {})
    if answer["kind"] == "Service" and spec.get("clusterIP", "None") not in ("None", ""):
        spec["clusterIP"] = "address"
        spec["clusterIPs"] = ["address"]
        for port in spec.get("ports", []):
            port.pop("nodePort", None)
    # Taints and finalizers that admission plugins of a whole cluster add.
    if answer["kind"] == "Node":
        spec.pop("taints", None)
    if answer["kind"] == "PersistentVolumeClaim":
        answer["metadata"].pop("finalizers", None)
    if answer["kind"] == "CustomResourceDefinition":
        answer.pop("status", None)
    return normal(answer)


def compare(name, ours, theirs):
    ours, theirs = shape(ours), shape(theirs)
    if ours == theirs:
        return True
    print(f"DIFFERS {name}\n  ours   {json.dumps(ours, sort_keys=True)}\n  theirs {json.dumps(theirs, sort_keys=True)}")
    return False


def run(api, tool):
    bad = total = known = 0
    for name, kind, ns, body in cases.SETUP:
        tool.ask(kind, ns, copy.deepcopy(body), store=True)
        create(api, kind, ns, body, store=True)
    wait_for_things(api)
    for name, kind, ns, body in cases.all_cases():
        total += 1
        ours = tool.ask(kind, ns, copy.deepcopy(body))
        theirs = create(api, kind, ns, body)
        if name in cases.KNOWN:
            known += 1
        else:
            bad += not compare(name, ours, theirs)
    print(f"{total} objects, {bad} differ, {known} known to")
    return bad


def wait_for_things(api):
    """Until a CRD's kind is served, and the namespace has its service account."""
    from process import until
    until(lambda: api.raw("GET", "/apis/t.example/v1/things")[0] == 200, 30, "the CRD is served")
    until(lambda: api.raw("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200, 30, "the account")


def main():
    why = missing_assets()
    if why:
        print("skipped: " + why)
        return 77
    tool = Tool(sys.argv[1] if len(sys.argv) > 1
                else os.path.join(os.environ.get("top_builddir", "."), "tests/local/types-tool"))
    running = os.environ.get("TYPES_KUBECONFIG")  # one that runs already
    if running:
        return 1 if run(Client.from_kubeconfig(running), tool) + tool.close() else 0
    cluster = Cluster().start()
    try:
        return 1 if run(cluster.api, tool) + tool.close() else 0
    finally:
        cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
