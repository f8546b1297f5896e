# SPDX-License-Identifier: Apache-2.0
"""What a measurement stands on: the objects it makes, the load generator, and what processes cost."""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "contract"))

from cluster import Cluster  # noqa: E402
from controller import build_folder  # noqa: E402
from process import until  # noqa: E402

AGENTS, EXTENSIONS = "agents.x-k8s.io", "extensions.agents.x-k8s.io"
TEMPLATE, POOL = "template", "pool"
CLAIMS = "/apis/" + EXTENSIONS + "/v1alpha1/namespaces/{}/sandboxclaims"
QUERY = "?fieldManager=bench&fieldValidation=Ignore"
JSON_PATCH = "application/json-patch+json"


def prefer(pid, nice):
    """Where sessions are groups of the scheduler (autogroup), a process's own nice value means little."""
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    try:
        with open(f"/proc/{pid}/autogroup", "w") as f:
            f.write(str(nice))
    except OSError:
        pass


class BenchCluster(Cluster):
    """A cluster whose processes have this nice value, for a machine that others use meanwhile."""

    def __init__(self, nice=0, **more):
        super().__init__(**more)
        self.nice = nice
        if nice:
            prefer(os.getpid(), nice)

    def spawn(self, *args, **more):
        process = super().spawn(*args, **more)
        if self.nice:
            prefer(process.pid, self.nice)
        return process


# ---- objects ---------------------------------------------------------------------------------------

def name_hash(name):
    """FNV-1a, 32 bit, as the contract has it."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{value:08x}"


def pod_template():
    """An agent's sandbox as the guides have it: a container with a port, limits and a probe."""
    return {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{
        "name": "runtime", "image": "example.com/runtime:v1", "ports": [{"containerPort": 8888}],
        "env": [{"name": "MODE", "value": "bench"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "512Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8888}, "periodSeconds": 1}}], "restartPolicy": "Always"}}


def claim(name, template=TEMPLATE):
    return {"apiVersion": EXTENSIONS + "/v1alpha1", "kind": "SandboxClaim", "metadata": {"name": name},
            "spec": {"sandboxTemplateRef": {"name": template}}}


def plain_pod_template():
    """Nothing that a machine runs out of and nothing to probe: for pods that are only pretended."""
    template = pod_template()
    for field in ("resources", "readinessProbe"):
        del template["spec"]["containers"][0][field]
    return template


def make_pool(api, ns, replicas, template=None):
    """A namespace with a template and a pool of it; the pool's UID."""
    api.create("namespaces", None, {"metadata": {"name": ns}})
    api.create("sandboxtemplates", ns, {
        "apiVersion": EXTENSIONS + "/v1alpha1", "kind": "SandboxTemplate", "metadata": {"name": TEMPLATE},
        "spec": {"podTemplate": template or pod_template()}})
    return api.create("sandboxwarmpools", ns, {
        "apiVersion": EXTENSIONS + "/v1alpha1", "kind": "SandboxWarmPool", "metadata": {"name": POOL},
        "spec": {"replicas": replicas, "sandboxTemplateRef": {"name": TEMPLATE}}})["metadata"]["uid"]


def pool_pod(name, uid):
    """A pod as the pool plugin makes it."""
    template = pod_template()
    labels = dict(template["metadata"]["labels"], **{
        AGENTS + "/pool": name_hash(POOL), AGENTS + "/sandbox-template-ref-hash": name_hash(TEMPLATE)})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": name, "generateName": POOL + "-", "labels": labels,
        "annotations": {AGENTS + "/pod-template-hash": "0" * 64},
        "ownerReferences": [owner("SandboxWarmPool", POOL, uid)]},
        "spec": dict(template["spec"], automountServiceAccountToken=False)}


def owner(kind, name, uid):
    group = AGENTS if kind == "Sandbox" else EXTENSIONS
    return {"apiVersion": group + "/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": True,
            "blockOwnerDeletion": True}


def condition(message):
    return {"type": "Ready", "status": "True", "reason": "DependenciesReady", "message": message,
            "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}


def six_writes(ns, pool_uid):
    """The warm path of one claim, as steps of claim-load: @0@ the claim, @1@ its UID, @2@ the pod, @3@ its UID, @4@ the
    pod that takes its place. The Sandbox's UID is that of step 0's answer."""
    root = "/apis/" + AGENTS + "/v1alpha1/namespaces/" + ns
    extensions = "/apis/" + EXTENSIONS + "/v1alpha1/namespaces/" + ns
    core = "/api/v1/namespaces/" + ns
    template = pod_template()
    template["metadata"]["labels"][AGENTS + "/claim-uid"] = "@1@"
    template["spec"]["automountServiceAccountToken"] = False
    sandbox = {"apiVersion": AGENTS + "/v1alpha1", "kind": "Sandbox", "metadata": {
        "name": "@0@", "annotations": {AGENTS + "/pod-name": "@2@"}, "ownerReferences": [owner("SandboxClaim", "@0@", "@1@")]},
        "spec": {"podTemplate": template, "replicas": 1}}
    pod_patch = [
        {"op": "test", "path": "/metadata/uid", "value": "@3@"},
        {"op": "test", "path": "/metadata/ownerReferences/0/uid", "value": pool_uid},
        {"op": "replace", "path": "/metadata/ownerReferences/0", "value": owner("Sandbox", "@0@", "@uid0@")},
        {"op": "remove", "path": "/metadata/labels/agents.x-k8s.io~1pool"},
        {"op": "remove", "path": "/metadata/labels/agents.x-k8s.io~1sandbox-template-ref-hash"},
        {"op": "add", "path": "/metadata/labels/agents.x-k8s.io~1sandbox-name-hash", "value": "01234567"},
        {"op": "add", "path": "/metadata/labels/agents.x-k8s.io~1sandbox-uid", "value": "@uid0@"},
        {"op": "add", "path": "/metadata/labels/agents.x-k8s.io~1claim-uid", "value": "@1@"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {
        "name": "@0@", "labels": {AGENTS + "/sandbox-name-hash": "01234567"},
        "ownerReferences": [owner("Sandbox", "@0@", "@uid0@")]},
        "spec": {"clusterIP": "None", "selector": {AGENTS + "/sandbox-name-hash": "01234567",
                                                   AGENTS + "/sandbox-uid": "@uid0@"}}}
    sandbox_status = {"service": "@0@", "serviceFQDN": f"@0@.{ns}.svc.cluster.local", "replicas": 1,
                      "selector": AGENTS + "/sandbox-name-hash=01234567",
                      "conditions": [condition("Pod is Ready; Service Exists")]}
    claim_status = {"conditions": [condition("Pod is Ready; Service Exists")], "sandbox": {"Name": "@0@"}}

    def patch(path, operations):
        return {"method": "PATCH", "path": path + QUERY, "contentType": JSON_PATCH, "body": operations}

    def status(path, uid, value):
        return patch(path + "/status", [{"op": "test", "path": "/metadata/uid", "value": uid},
                                        {"op": "add", "path": "/status", "value": value}])
    return [
        {"method": "POST", "path": root + "/sandboxes" + QUERY, "body": sandbox},
        patch(core + "/pods/@2@", pod_patch),
        {"method": "POST", "path": core + "/services" + QUERY, "body": service},
        status(root + "/sandboxes/@0@", "@uid0@", sandbox_status),
        status(extensions + "/sandboxclaims/@0@", "@1@", claim_status),
        {"method": "POST", "path": core + "/pods" + QUERY, "body": pool_pod("@4@", pool_uid)}]


def pods_at_rest(api, ns, count):
    """Waits until the pool has that many Ready pods, none of them claimed."""
    def settled():
        pods = api.list("pods", ns, AGENTS + "/pool=" + name_hash(POOL))
        ready = [p for p in pods if any(c["type"] == "Ready" and c["status"] == "True"
                                        for c in p.get("status", {}).get("conditions", []))]
        return pods if len(ready) == len(pods) == count else None
    return until(settled, 180, f"{count} pods of the pool are Ready", pause=0.25)


# ---- load ------------------------------------------------------------------------------------------

def load(cluster, steps, items, workers=32, rate=0, watch=None):
    """Runs claim-load; its report. Raises when a request fails or somebody does not become Ready."""
    script = cluster.write("load.json", json.dumps({"steps": steps, "items": items}))
    argv = [os.path.join(build_folder(), "bench", "claim-load"), "--kubeconfig", cluster.kubeconfig, "--script", script,
            "--workers", str(workers)]
    if rate:
        argv += ["--rate", str(rate)]
    if watch:
        argv += ["--watch", watch]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise AssertionError(f"claim-load: status {done.returncode}\n{done.stdout[:600]}\n{done.stderr}")
    return json.loads(done.stdout)


def post_claim(ns):
    return [{"method": "POST", "path": CLAIMS.format(ns), "body": claim("@0@")}]


def bare_claims(cluster, ns, count, node):
    """Claims and pods of a pool that no controller sees: the items of six_writes, and the pool's UID."""
    uid = make_pool(cluster.api, ns, count)
    names = [f"pod-{i}" for i in range(count)]
    load(cluster, [{"method": "POST", "path": f"/api/v1/namespaces/{ns}/pods", "body": pool_pod("@0@", uid)}],
         [[name] for name in names])
    if node:
        pods_at_rest(cluster.api, ns, count)
    pods = {p["metadata"]["name"]: p["metadata"]["uid"] for p in cluster.api.list("pods", ns)}
    load(cluster, post_claim(ns), [[f"claim-{i}"] for i in range(count)])
    claims = {c["metadata"]["name"]: c["metadata"]["uid"] for c in cluster.api.list("sandboxclaims", ns)}
    return [[f"claim-{i}", claims[f"claim-{i}"], names[i], pods[names[i]], f"next-{i}"] for i in range(count)], uid


def bare_rate(cluster, ns, uid, items, creators):
    """Claims a second when a plain client does a controller's six writes for each: the ceiling."""
    report = load(cluster, six_writes(ns, uid), items, creators)
    return len(items) / max(report["answered_ms"]) * 1000


# ---- costs -----------------------------------------------------------------------------------------

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """utime + stime. In nanoseconds from schedstat's sum over threads where the kernel has it, else in ticks."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds():
    """(busy, all) of all CPUs together since boot."""
    with open("/proc/stat") as f:
        numbers = [int(n) for n in f.readline().split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / TICKS, sum(numbers) / TICKS


def memory_kb(pid):
    """VmRSS and its parts, of /proc/PID/status."""
    with open(f"/proc/{pid}/status") as f:
        lines = dict(line.split(":", 1) for line in f)
    return {name: int(lines[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssFile", "RssShmem")} | {
        "Threads": int(lines["Threads"])}


class Window:
    """What each process of the cluster, and everybody else on the machine, uses between start and end()."""

    def __init__(self, cluster):
        self.processes = {p.name: p.pid for p in cluster.processes if p.alive()}
        self.before = self._read()
        self.machine = machine_seconds()
        self.children = os.times()

    def _read(self):
        return {name: cpu_seconds(pid) for name, pid in self.processes.items() if os.path.exists(f"/proc/{pid}")}

    def end(self):
        after, (busy, whole), own = self._read(), machine_seconds(), os.times()
        used = {name: after[name] - self.before[name] for name in after}
        used["bench"] = sum(own[:4]) - sum(self.children[:4])
        busy, whole = busy - self.machine[0], whole - self.machine[1]
        # How much of the machine people who have nothing to do with this took.
        foreign = max(0.0, busy - sum(used.values())) / whole if whole > 0 else 0.0
        return {"cpu_s": {name: round(value, 3) for name, value in used.items()}, "foreign_load": round(foreign, 3)}
