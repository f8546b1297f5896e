# SPDX-License-Identifier: Apache-2.0
"""A claim that reads Ready can be used at once, through any router, however late the router's watches are."""

import http.client
import itertools
import queue
import threading
import time

from controller import Controller
from fakenode import FakeNode
from proxy import Proxy
from routersuite import *
from suite import condition
from test_process import kubeconfig_through

LAG_S = 0.2
WORKERS = 6


class LateProxy(Proxy):
    """What watches tell comes LAG_S later; its order and its rate stay."""

    @staticmethod
    def _stream(writer, answer):
        late = queue.Queue()
        def read():
            data = b"x"
            while data:
                try:
                    data = answer.read1(65536)
                except (OSError, AttributeError, http.client.HTTPException):  # the connection was closed meanwhile
                    data = b""
                late.put((time.monotonic() + LAG_S, data))
        threading.Thread(target=read, daemon=True).start()
        kept = [f"{k}: {v}" for k, v in answer.getheaders() if k.lower() not in ("content-length", "transfer-encoding")]
        writer.write("\r\n".join([f"HTTP/1.1 {answer.status} x", *kept, "Transfer-Encoding: chunked", "", ""]).encode())
        writer.flush()
        data = b"x"
        while data:
            when, data = late.get()
            threading.Event().wait(max(0.0, when - time.monotonic()))
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            writer.flush()


class Lag(Case):
    def late_router(self):
        proxy = LateProxy(Suite.cluster)
        self.addCleanup(proxy.stop)
        return self.start(kubeconfig=kubeconfig_through(proxy, self.fresh_name("kubeconfig")))

    def setUp(self):
        super().setUp()
        controller = Controller(Suite.cluster)
        controller.start()
        self.addCleanup(controller.stop)
        node = FakeNode(self.api)
        # Few addresses, so that each is used again and again by another Sandbox.
        node.addresses = itertools.cycle(range(1, 61))
        node.start()
        self.addCleanup(node.stop)
        self.api.create("namespaces", None, {"metadata": {"name": "lag"}})
        until(lambda: self.api.get("serviceaccounts", "lag", "default"), 10, "the namespace is ready")
        group = "extensions.agents.x-k8s.io/v1alpha1"
        self.api.create("sandboxtemplates", "lag", {"apiVersion": group, "kind": "SandboxTemplate", "metadata": {
            "name": "t"}, "spec": {"podTemplate": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}})
        self.api.create("sandboxwarmpools", "lag", {"apiVersion": group, "kind": "SandboxWarmPool", "metadata": {
            "name": "p"}, "spec": {"replicas": 4, "sandboxTemplateRef": {"name": "t"}}})
        self.routers = [self.late_router(), self.late_router()]

    def is_ready(self, name):
        claim = self.api.get("sandboxclaims", "lag", name)
        return claim if condition(claim).get("status") == "True" else None

    def cycle(self, number):
        """Claims, waits for Ready, sends one command; its time from Ready to the answer."""
        name = f"c{number}"
        self.api.create("sandboxclaims", "lag", {
            "apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxClaim", "metadata": {"name": name},
            "spec": {"sandboxTemplateRef": {"name": "t"}}})
        claim = until(lambda: self.is_ready(name), 20, f"{name} is Ready", pause=0.01)
        begin = time.monotonic()
        sandbox = claim["status"]["sandbox"]["Name" if "Name" in claim["status"]["sandbox"] else "name"]
        answer = self.routers[number % 2].ask(sandbox, "/execute", "POST", ns="lag", body=b'{"command":"true"}')
        took = time.monotonic() - begin
        self.assertEqual(200, answer.status, answer)
        meta = self.api.get("sandboxes", "lag", sandbox)["metadata"]
        pod = self.api.get("pods", "lag", (meta.get("annotations") or {}).get("agents.x-k8s.io/pod-name", sandbox))
        self.assertEqual(pod["status"]["podIP"], answer.json()["address"])
        self.api.delete("sandboxclaims", "lag", name)
        return took

    def test_no_command_fails_once_its_claim_reads_ready(self):
        numbers, times, failed = iter(range(Suite.options.cycles)), [], []
        lock = threading.Lock()
        def work():
            while not failed:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                try:
                    times.append(self.cycle(number))
                except Exception as e:  # told by the main thread
                    failed.append(f"cycle {number}: {e}")
        threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failed)
        times.sort()
        print(f"{len(times)} cycles, Ready to answer: p50 {times[len(times) // 2] * 1000:.0f} ms, "
              f"p99 {times[int(len(times) * 0.99)] * 1000:.0f} ms, most {times[-1] * 1000:.0f} ms ", end="", flush=True)
