# SPDX-License-Identifier: Apache-2.0
"""A server that is killed, and one whose disk is full: nothing that was acknowledged is lost, and it goes on.

With the built controller and node beside it (--runtime fake), as a user runs them.
"""

import ctypes
import ctypes.util
import os
import random
import re
import shutil
import tempfile
import threading
import time
import unittest

from server import ApiError, LocalServer, ServerCase, until

from controller import binary, build_folder
from test_kubectl import CRDS

KILLS = int(os.environ.get("LOCAL_KILLS", "20"))
EXTENSIONS = "/apis/extensions.agents.x-k8s.io/v1alpha1/namespaces/default/"
TEMPLATE = {"apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxTemplate", "metadata": {"name": "t"},
            "spec": {"podTemplate": {"spec": {"containers": [{"name": "main", "image": "example.com/none"}]}}}}
POOL = {"apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxWarmPool", "metadata": {"name": "p"},
        "spec": {"replicas": 5, "sandboxTemplateRef": {"name": "t"}}}


def claim(name):
    return {"apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxClaim", "metadata": {"name": name},
            "spec": {"sandboxTemplateRef": {"name": "t"}}}


def start_parts(server, config=None):
    """The controller and a node that only pretends, by the server's own kubeconfig or this one."""
    config = config or server.written
    missing = [p for p in (binary(), os.path.join(build_folder(), "agent-sandbox-node")) if not os.access(p, os.X_OK)]
    if missing:
        raise unittest.SkipTest(f"not built: {missing[0]}")
    server.spawn("controller", [
        binary(), "--plugin-dir", os.path.join(build_folder(), ".libs"), "--kubeconfig", config, "--extensions",
        "--leader-elect=false",
        "--metrics-bind-address", "0", "--health-probe-bind-address", "0"])
    server.spawn("node", [
        os.path.join(build_folder(), "agent-sandbox-node"), "--kubeconfig", config, "--runtime", "fake", "--bind",
        "--state-dir", server.file("node"), "--max-pods", "1000",
        "--listen-unix", os.path.join(server.state, "node.sock")])


def ready(obj):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in (obj.get("status") or {}).get("conditions") or [])


class Writer:
    """Writes without a pause and keeps what was acknowledged: the last value of each config map, each claim."""

    def __init__(self, server, number):
        self.server, self.number = server, number
        self.values, self.claims, self.pending = {}, [], None
        self.acknowledged = 0
        self.stopping, self.errors = False, []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        turn = 0
        while not self.stopping:
            turn += 1
            try:
                self.write(turn)
                self.acknowledged += 1
            except (OSError, ApiError) as e:
                # What was under way may have been written or not: its map is not counted on any more.
                self.values.pop(self.pending, None)
                if isinstance(e, ApiError) and e.code not in (409, 500, 503):
                    self.errors.append(str(e))
                time.sleep(0.01)

    def write(self, turn):
        api = self.server.api
        name = f"w{self.number}-{turn % 50}"
        if turn % 10 == 0 and len(self.claims) < 40:
            self.pending = None
            claimed = f"c{self.number}-{turn}"
            api.call("POST", EXTENSIONS + "sandboxclaims", claim(claimed))
            self.claims.append(claimed)
            return
        self.pending = name
        maps = "/api/v1/namespaces/default/configmaps"
        if name in self.values:
            api.call("PATCH", f"{maps}/{name}", {"data": {"turn": str(turn)}}, "application/merge-patch+json")
        elif api.get("configmaps", "default", name) is None:
            api.call("POST", maps, {"metadata": {"name": name}, "data": {"turn": str(turn)}})
        else:
            api.call("PUT", f"{maps}/{name}", {"metadata": {"name": name}, "data": {"turn": str(turn)}})
        self.values[name] = str(turn)


class Crash(unittest.TestCase):
    def setUp(self):
        self.server = LocalServer()
        self.addCleanup(self.server.stop)
        self.server.serve()
        self.server.apply(*(os.path.join(CRDS, n) for n in sorted(os.listdir(CRDS))))
        start_parts(self.server)
        self.server.api.create("sandboxtemplates", "default", TEMPLATE)
        self.server.api.create("sandboxwarmpools", "default", POOL)

    def crash(self):
        """Kills the server and starts it again on the same port; its clients find it again."""
        process = next(p for p in reversed(self.server.processes) if p.name.startswith("local-"))
        process.kill()
        self.server.processes.remove(process)
        self.server.serve()

    def test_kills_under_load_lose_nothing(self):
        writers = [Writer(self.server, n) for n in range(4)]
        rng = random.Random(1)
        for _ in range(KILLS):
            before = sum(w.acknowledged for w in writers)
            until(lambda: sum(w.acknowledged for w in writers) >= before + 20, 20, "the writers write")
            time.sleep(rng.uniform(0.1, 0.5))  # the moment of the kill is the input
            self.crash()
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.thread.join(60)
        api = self.server.api
        maps = {m["metadata"]["name"]: m["data"]["turn"] for m in api.list("configmaps", "default")
                if m["metadata"]["name"].startswith("w")}
        values = {name: value for w in writers for name, value in w.values.items()}
        claims = [name for w in writers for name in w.claims]
        self.assertEqual([], [e for w in writers for e in w.errors])
        self.assertEqual(values, {name: maps.get(name) for name in values})
        self.assertGreater(len(values), 4)
        self.assertGreater(len(claims), 4)

        def settled():
            found = {c["metadata"]["name"]: c for c in api.list("sandboxclaims", "default")}
            return set(claims) <= set(found) and all(ready(found[name]) for name in claims)
        until(settled, 60, "every acknowledged claim is Ready")
        self.check_sandboxes(claims)
        print(f"# {KILLS} kills: {len(values)} config maps and {len(claims)} claims acknowledged, none lost")

    def check_sandboxes(self, claims):
        """Each claim has its Sandbox, that its pod, no two the same; and the pool is whole again."""
        api = self.server.api

        def owners():
            pods = [p for p in api.list("pods", "default") if "deletionTimestamp" not in p["metadata"]]
            by = {}
            for pod in pods:
                owner = next(o for o in pod["metadata"]["ownerReferences"] if o.get("controller"))
                by.setdefault((owner["kind"], owner["name"]), []).append(pod)
            return by
        until(lambda: len(owners().get(("SandboxWarmPool", "p"), [])) == 5, 30, "the pool is whole")
        by = owners()
        sandboxes = {s["metadata"]["name"]: s for s in api.list("sandboxes", "default")}
        for name in claims:
            self.assertIn(name, sandboxes)
            self.assertTrue(ready(sandboxes[name]), name)
            self.assertEqual(1, len(by[("Sandbox", name)]), name)


class Full(ServerCase):
    """A disk of its own, which is filled; needs the right to mount."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="full-")
        cls.libc = ctypes.CDLL(None, use_errno=True)
        if cls.libc.mount(b"full", cls.folder.encode(), b"tmpfs", 0, b"size=6m,mode=0700") != 0:
            os.rmdir(cls.folder)
            raise unittest.SkipTest(f"cannot mount a tmpfs (needs root): {os.strerror(ctypes.get_errno())}")
        LocalServer.state_folder = os.path.join(cls.folder, "state")
        try:
            super().setUpClass()
        finally:
            LocalServer.state_folder = None

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.libc.umount2(cls.folder.encode(), 2)
            shutil.rmtree(cls.folder, ignore_errors=True)

    def fill(self):
        """Everything that is left of the disk."""
        with open(os.path.join(self.folder, "ballast"), "wb", buffering=0) as f:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def test_a_full_disk_refuses_writes_until_there_is_space(self):
        api, kept = self.api, []
        for i in range(20):
            api.create("configmaps", "default", {"metadata": {"name": f"before-{i}"}, "data": {"x": "y" * 1000}})
            kept.append(f"before-{i}")
        self.fill()
        refused = None
        for i in range(400):
            try:
                api.create("configmaps", "default", {"metadata": {"name": f"full-{i}"}, "data": {"x": "y" * 20000}})
                kept.append(f"full-{i}")
            except ApiError as e:
                refused = e
                break
        self.assertIsNotNone(refused, "a full disk takes 8 MB")
        self.assertIn(refused.code, (500, 503, 507), refused)
        self.assertEqual("Status", refused.body["kind"])
        self.assertRegex(refused.message, "(?i)full|space|storage|disk")
        self.assertEqual(kept[0], api.get("configmaps", "default", kept[0])["metadata"]["name"])
        os.remove(os.path.join(self.folder, "ballast"))

        def goes_on():
            try:
                return api.create("configmaps", "default", {"metadata": {"generateName": "after-"}})
            except ApiError:
                return None
        kept.append(until(goes_on, 15, "writes are taken again", pause=0.2)["metadata"]["name"])
        type(self).process.kill()
        api.close()
        type(self).process = self.server.serve()
        names = {m["metadata"]["name"] for m in self.server.api.list("configmaps", "default")}
        self.assertEqual([], [name for name in kept if name not in names])


class Pods(ServerCase):
    """What needs a node: logs. The parts use the unix socket."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        start_parts(cls.server, cls.server.socket_kubeconfig())

    def test_logs_come_from_the_node(self):
        self.api.create("pods", "default", {"metadata": {"name": "talks"}, "spec": {
            "containers": [{"name": "main", "image": "example.com/none"}]}})
        until(lambda: (self.api.get("pods", "default", "talks")["status"].get("phase") == "Running"), 20, "it runs")
        said = self.kubectl("logs", "talks").stdout
        self.assertRegex(said, "this is main")
        self.kubectl("wait", "--for=condition=Ready", "pod/talks", "--timeout=240s")
        self.assertRegex(self.kubectl("describe", "pod", "talks").stdout, re.compile("Started|Scheduled"))
        self.kubectl("delete", "pod", "talks", "--timeout=240s")


if __name__ == "__main__":
    unittest.main()
