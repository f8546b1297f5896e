# SPDX-License-Identifier: Apache-2.0
"""What the cases of the node share: one cluster, a node of its own for each case class, pods in a namespace of theirs."""

import http.client
import itertools
import json
import os
import socket
import time
import unittest

from audit import Audit
from process import Process, tail, until

SOON = 20  # seconds in which anything that does not wait for a clock must have happened


class Suite:
    """Set by run.py before the first case."""

    cluster = None
    numbers = itertools.count(1)


def binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-node")


class Node:
    """One running node with the fake runtime, whose table survives it."""

    def __init__(self, cluster, name, *flags):
        self.cluster, self.name = cluster, name
        self.folder = cluster.file(name)
        self.socket = cluster.file(name + ".sock")
        self.argv = [binary(), "--kubeconfig", cluster.kubeconfig, "--node-name", name, "--runtime", "fake",
                     "--state-dir", self.folder, "--listen-unix", self.socket, "--node-ip", "192.0.2.7", *flags]
        self.process = None

    def start(self):
        self.process = Process(self.name, self.argv, self.cluster.file(self.name + ".log"))
        self.cluster.processes.append(self.process)
        return self

    def wait_ready(self):
        def ready():
            node = self.cluster.api.get("nodes", None, self.name)
            return any(c["type"] == "Ready" and c["status"] == "True"
                       for c in ((node or {}).get("status") or {}).get("conditions") or [])
        self.process.wait_ready(ready, SOON)
        return self

    def kill(self):
        self.process.kill()
        self.cluster.processes.remove(self.process)

    def stop(self):
        if self.process in self.cluster.processes:
            self.cluster.processes.remove(self.process)
        return self.process.stop()

    def table(self):
        """What the fake runtime has, by its journal; a line that is being written is not there yet."""
        rows = {}
        try:
            with open(os.path.join(self.folder, "fake.json")) as f:
                lines = [json.loads(line) for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        for line in lines:
            rows.pop(line.get("removed"), None)
            line.pop("last", None)
            if "id" in line:
                rows[line["id"]] = line
        return list(rows.values())

    def rows(self, uid):
        return [row for row in self.table() if row["podUid"] == uid and "name" in row]

    def get(self, path):
        """(status, text) of the socket."""
        connection = http.client.HTTPConnection("node")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def log(self):
        return tail(self.cluster.file(self.name + ".log"))


class Case(unittest.TestCase):
    """Each class has a node with --bind; each case a namespace. Pods choose the class's node by a selector."""

    flags = ("--bind",)

    @classmethod
    def setUpClass(cls):
        cls.cluster = Suite.cluster
        cls.api = cls.cluster.api
        cls.audit = Audit(cls.cluster.audit_log)
        cls.node = Node(cls.cluster, f"node-{next(Suite.numbers)}", *cls.flags).start().wait_ready()

    @classmethod
    def tearDownClass(cls):
        status = cls.node.stop()
        cls.api.delete("nodes", None, cls.node.name)
        assert status == 0, f"the node ended with {status}:\n{cls.node.log()}"

    def setUp(self):
        self.ns = f"case-{next(Suite.numbers)}"
        self.api.create("namespaces", None, {"metadata": {"name": self.ns}})
        until(lambda: self.api.get("serviceaccounts", self.ns, "default"), SOON, "the default service account")

    def tearDown(self):
        for pod in self.api.list("pods", self.ns):
            self.api.delete("pods", self.ns, pod["metadata"]["name"], gracePeriodSeconds=0)

    def eventually(self, question, what, seconds=SOON):
        return until(question, seconds, lambda: f"{what() if callable(what) else what}\n{self.node.log()}")

    def pod(self, name="pod", image="fake/run:1", containers=None, **spec):
        body = {"metadata": {"name": name}, "spec": {
            "nodeSelector": {"kubernetes.io/hostname": self.node.name}, "automountServiceAccountToken": False,
            "containers": containers or [{"name": "main", "image": image}], **spec}}
        return self.api.create("pods", self.ns, body)

    def get(self, name="pod"):
        return self.api.get("pods", self.ns, name)

    def status(self, name="pod"):
        return (self.get(name) or {}).get("status") or {}

    def condition(self, kind, name="pod"):
        for entry in self.status(name).get("conditions") or []:
            if entry["type"] == kind:
                return entry
        return {}

    def container(self, name="pod", number=0, which="containerStatuses"):
        entries = self.status(name).get(which) or []
        return entries[number] if len(entries) > number else {}

    def ready(self, name="pod"):
        return self.condition("Ready", name).get("status") == "True"

    def wait_ready(self, name="pod"):
        self.eventually(lambda: self.ready(name), lambda: f"{name} is ready: {self.status(name)}")
        return self.get(name)

    def waiting(self, name="pod"):
        return ((self.container(name).get("state") or {}).get("waiting") or {}).get("reason")

    def events(self, reason, name="pod"):
        return [e for e in self.api.list("events", self.ns)
                if e["reason"] == reason and e["involvedObject"]["name"] == name]

    def quiet(self, seconds=1.0):
        """Nothing is written to pods of this namespace for so long."""
        mark = self.audit.mark()
        time.sleep(seconds)
        return [e for e in self.audit.entries(mark, namespace=self.ns) if e.resource.startswith("pods")]
