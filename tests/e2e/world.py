# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end cases share: a real kube-apiserver, the controller, and the node with real containers."""

import json
import os
import shutil
import subprocess
import urllib.request

from controller import Controller
from process import tail, until
from suite import Case as ContractCase
from suite import Suite, condition

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MANIFESTS = os.path.join(ROOT, "examples", "warm-pool")
IMAGE = "python-runtime-sandbox:latest"
NODE = "e2e-node"
PORT = 8888
PROGRAMS = ("podman", "runc", "runsc", "conmon", "catatonit", "netavark")


def node_binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-node")


def missing():
    """Why containers cannot be run here, or None."""
    if os.geteuid() != 0:
        return "not root, and Podman's pods of others than root cannot be reached from outside"
    lacking = [program for program in PROGRAMS if not shutil.which(program) and
               not os.path.exists(f"/usr/lib/podman/{program}")]
    if lacking:
        return f"not installed: {' '.join(lacking)}"
    if not os.access(node_binary(), os.X_OK):
        return f"no '{node_binary()}': it is not built, or top_builddir is not set"
    works = subprocess.run(["podman", "info"], capture_output=True, text=True)
    return None if works.returncode == 0 else f"podman does not work: {works.stderr.strip()[-200:]}"


def make_image():
    """The sandbox's image as the guides name it, where it is not there yet. Returns why not, or None."""
    if subprocess.run(["podman", "image", "exists", IMAGE]).returncode == 0 and not os.environ.get("E2E_BUILD_IMAGE"):
        return None
    made = subprocess.run([os.path.join(ROOT, "scripts", "build-image.sh")], capture_output=True, text=True)
    return None if made.returncode == 0 else f"no image: {(made.stdout + made.stderr).strip()[-300:]}"


class Node:
    """The node as a process; kill() and start() leave its containers alone."""

    def __init__(self, cluster):
        self.cluster, self.state, self.process, self.starts = cluster, cluster.file("node"), None, 0

    def start(self):
        self.starts += 1
        self.process = self.cluster.spawn(f"node-{self.starts}", [
            node_binary(), "--kubeconfig", self.cluster.kubeconfig, "--node-name", NODE, "--bind", "--runtime",
            "podman", "--state-dir", self.state])
        return self

    def wait_ready(self):
        self.process.wait_ready(lambda: condition(self.cluster.api.get("nodes", None, NODE)).get("status") == "True", 90)
        return self

    def log(self, lines=15):
        return tail(self.cluster.file(f"node-{self.starts}.log"), lines)


def labelled(ours):
    """Containers of nodes whose label is ours(label), as `podman ps` tells."""
    listed = subprocess.run(["podman", "ps", "--all", "--format", "json", "--filter", "label=agent-sandbox.node"],
                            capture_output=True, text=True, check=True).stdout
    return [c for c in json.loads(listed or "[]") if ours(c["Labels"]["agent-sandbox.node"])]


def containers():
    """This world's containers, pauses included; trials of handlers, which last a moment, are not."""
    ours = f"{NODE}@{Suite.real_node.state}/"
    return [c for c in labelled(lambda label: label.startswith(ours)) if "agent-sandbox.trial" not in c["Labels"]]


def remove(found):
    """Pauses after those who use their network."""
    for members in (True, False):
        ids = [c["Id"] for c in found if ("agent-sandbox.container" in c["Labels"]) == members]
        if ids:
            subprocess.run(["podman", "rm", "--force", "--time", "0", *ids], capture_output=True, timeout=120)


def remove_leftovers():
    """What suites have left that were killed: their folders are gone, or nobody runs a node on them."""
    def dead(label):
        name, _, folder = label.partition("@")
        return name == NODE and not node_runs(os.path.dirname(folder))
    remove(labelled(dead))


def node_runs(state):
    """Whether a process has this --state-dir."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if state.encode() in f.read().split(b"\0"):
                    return True
        except OSError:
            pass
    return False


def end_world():
    """The node ends, and then whatever it has left."""
    node = getattr(Suite, "real_node", None)
    if node and node.process:
        node.process.kill()
        ours = f"{NODE}@{node.state}/"
        remove(labelled(lambda label: label.startswith(ours)))


def execute(address, command, patience=30, **more):
    """POST /execute at a sandbox; more are fields of the request."""
    body = json.dumps({"command": command, **more}).encode()
    call = urllib.request.Request(f"http://{address}:{PORT}/execute", data=body,
                                  headers={"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(call, timeout=patience) as answer:
        return json.load(answer)


class Case(ContractCase):
    """A case with a namespace of its own; its pods run on the one node."""

    def setUp(self):
        # Registered first, so it runs last: when claims and pools are gone that would make pods anew.
        self.addCleanup(self._forget_pods)
        super().setUp()

    def _forget_pods(self):
        if hasattr(self, "ns"):
            self.api.call("DELETE", self.api.path("pods", self.ns), {"gracePeriodSeconds": 0})

    @property
    def node(self):
        return Suite.real_node

    def eventually(self, question, what, seconds=30):
        return until(question, seconds, lambda: f"{what() if callable(what) else what}\n{self.node.log()}")

    def run_pod(self, name, *command, pull="IfNotPresent", image=IMAGE, restart="Never", resources=None, spec=None,
                **container):
        """A pod with one container that runs a command."""
        main = {"name": "main", "image": image, "imagePullPolicy": pull, "resources": resources or {}, **container}
        if command:
            main["command"] = list(command)
        return self.api.create("pods", self.ns, {"metadata": {"name": name}, "spec": {
            "restartPolicy": restart, "automountServiceAccountToken": False, "containers": [main], **(spec or {})}})

    def pod_status(self, name):
        return (self.get("pods", name) or {}).get("status") or {}

    def container_status(self, name):
        return (self.pod_status(name).get("containerStatuses") or [{}])[0]

    def state(self, name, kind):
        """The container's state of that kind (waiting, running, terminated), or {}."""
        return (self.container_status(name).get("state") or {}).get(kind) or {}

    def running(self, name):
        """Its address, once it is Ready."""
        def ask():
            pod = self.get("pods", name)
            return condition(pod).get("status") == "True" and pod["status"]["podIP"]
        return self.eventually(ask, lambda: f"{name} is Ready: {self.pod_status(name)}")

    def has_event(self, reason, name, part=""):
        return self.eventually(lambda: [e for e in self.events(reason, name) if part in e["message"]],
                               lambda: f"event {reason} about {name}: {[(e['reason'], e['message']) for e in self.events(about=name)]}")

    def no_pods(self, seconds=40):
        self.eventually(lambda: not self.pods(), lambda: f"no pods are left: {[p['metadata']['name'] for p in self.pods()]}",
                        seconds)


def start_world(cluster):
    Suite.real_node = Node(cluster).start().wait_ready()
    Suite.controller = Controller(cluster).start()
