# SPDX-License-Identifier: Apache-2.0
"""What the router's cases share: a network of their own, sandboxes that are sockets, routers as processes."""

import http.client
import itertools
import json
import os
import socket
import subprocess
import threading
import unittest

from api import ApiError
from process import free_ports, tail, until

NODE_ADDRESS = "10.99.255.254"  # what pods say of their node
NOWHERE = "10.98.0.77"          # an address of the network that nobody has
NETWORK = """
ip link set lo up
ip link add d0 type veth peer name d1
ip link set d1 up
ip addr add 10.98.0.1/24 dev d0
ip link set d0 up
ip route add default via 10.98.0.2
ip route add local 10.99.0.0/16 dev lo
ip route add local 10.1.0.0/16 dev lo
ip -6 route add local fd99::/64 dev lo
"""


class Suite:
    """Set by run.py before the first case."""

    cluster = router = sandboxes = None
    options = None
    numbers = itertools.count(1)


def make_network():
    """A default route for the API server, and addresses for pods: all of 10.99.0.0/16 is this machine."""
    for line in NETWORK.strip().splitlines():
        subprocess.run(line.split(), check=True, capture_output=True)


def binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-router")


def bodies(detail):
    return {"detail": detail}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [None])[0]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Request:
    """As a sandbox sees it, byte for byte."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:] if line]

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        return (self.all(name) or [default])[0]


class Sandboxes:
    """A server on every address of this network: which one was meant is part of its answers. A path in `scripts`
    belongs to a case: script(connection, reader, request) answers itself, and true keeps the connection."""

    def __init__(self, port=8888):
        self.scripts, self.port, self.seen = {}, port, []
        self.listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        reader = connection.makefile("rb")
        try:
            while self._one(connection, reader):
                pass
        except (OSError, ValueError):
            pass
        finally:
            reader.close()
            connection.close()

    def _one(self, connection, reader):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline(65536)
            if not line:
                return False
            head += line
        request = Request(head[:-4])
        self.seen.append((request.method, request.path))
        script = self.scripts.get(request.path.split("?")[0])
        if script:
            return script(connection, reader, request)
        return self._echo(connection, reader, request)

    def _echo(self, connection, reader, request):
        length = sum(len(data) for data in body_of(reader, request))
        address = connection.getsockname()[0].removeprefix("::ffff:")
        said = json.dumps({"method": request.method, "path": request.path, "headers": request.headers, "address": address,
                           "port": self.port, "length": length, "client": connection.getpeername()[1]}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n".encode()
        connection.sendall(head + (b"" if request.method == "HEAD" else said))
        return request.get("connection", "").lower() != "close"


def body_of(reader, request):
    """The pieces of a request's body."""
    if "chunked" in request.get("transfer-encoding", ""):
        while True:
            size = int(reader.readline(100).split(b";")[0], 16)
            data = reader.read(size)
            reader.readline(100)
            if size == 0:
                return
            yield data
    left = int(request.get("content-length", 0))
    while left > 0:
        data = reader.read1(min(left, 1 << 20))
        if not data:
            raise ValueError("the body ends early")
        left -= len(data)
        yield data


def says(data, then_close=True):
    """A script that reads a request and answers these bytes."""
    def script(connection, reader, request):
        for _ in body_of(reader, request):
            pass
        connection.sendall(data)
        return not then_close
    return script


class Router:
    """One agent-sandbox-router. name is that of its log and run folder."""

    def __init__(self, *flags, kubeconfig=None, listen="127.0.0.1", env=None):
        self.name = f"router-{next(Suite.numbers)}"
        self.port, self.health, self.metrics, self.haproxy_metrics = free_ports(4)
        # The path of a socket has to be short.
        self.run_dir = Suite.cluster.file(self.name)
        self.env = dict(os.environ, **env) if env else None
        self.argv = [binary(), "--kubeconfig", kubeconfig or Suite.cluster.kubeconfig, "--run-dir", self.run_dir,
                     "--listen", f"{listen}:{self.port}", "--health-probe-bind-address", f"127.0.0.1:{self.health}",
                     "--metrics-bind-address", f"127.0.0.1:{self.metrics}",
                     "--haproxy-metrics-bind-address", f"127.0.0.1:{self.haproxy_metrics}", *flags]
        self.process = None

    @property
    def log(self):
        return tail(Suite.cluster.file(self.name + ".log"), 200)

    def start(self):
        self.process = Suite.cluster.spawn(self.name, self.argv, self.env)
        self.process.wait_ready(self.ready, 30)
        return self

    def ready(self):
        return self.page(self.health, "/readyz")[0] == 200

    def stop(self):
        return self.process.stop(20)

    def kill(self):
        return self.process.kill()

    @staticmethod
    def page(port, path):
        """(status, text) of a port of this machine; status 0: nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as e:
            return 0, str(e)
        finally:
            connection.close()

    def haproxy(self):
        """The number of its child; None while there is none."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            found = f.read().split()
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/children") as f:
                found += f.read().split()
        return int(found[0]) if found else None

    def connect(self, timeout=120):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, sandbox=None, path="/", method="GET", headers=(), body=None, timeout=120, **more):
        """One request on a connection of its own. more: ns and port of the sandbox."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        named = [("X-Sandbox-ID", sandbox), ("X-Sandbox-Namespace", more.get("ns")), ("X-Sandbox-Port", more.get("port"))]
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in [*named, *headers]:
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def raw(self, data, timeout=120):
        """Sends these bytes and reads until the connection ends, or nothing comes for that long."""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            got = b""
            try:
                while True:
                    more = connection.recv(65536)
                    if not more:
                        return got
                    got += more
            except (TimeoutError, ConnectionResetError):
                return got

    def command(self, text):
        """A command for HAProxy itself."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(os.path.join(self.run_dir, "haproxy.sock"))
            s.sendall(text.encode() + b"\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def entries(self):
        """HAProxy's map as it is: {key: address}."""
        lines = self.command(f"show map {self.run_dir}/sandboxes.map").split("\n")
        return dict(line.split(" ", 2)[1:] for line in lines if line.strip())


class Case(unittest.TestCase):
    """Sandboxes and pods as the API server has them, written by the case: no controller runs."""

    def setUp(self):
        self.api = Suite.cluster.api
        self.router = Suite.router
        self.sandboxes = Suite.sandboxes

    def start(self, *flags, **how):
        router = Router(*flags, **how).start()
        self.addCleanup(router.process.stop, 20)
        return router

    @staticmethod
    def fresh_name(prefix="sb"):
        return f"{prefix}-{next(Suite.numbers)}"

    @staticmethod
    def fresh_address():
        number = next(Suite.numbers)
        return f"10.99.{number >> 8 & 127}.{number & 255}"

    def script(self, script):
        """A path of the sandboxes that answers so; gone after the case."""
        path = f"/script-{next(Suite.numbers)}"
        self.sandboxes.scripts[path] = script
        self.addCleanup(self.sandboxes.scripts.pop, path)
        return path

    def make_sandbox(self, name=None, ns="default", **spec):
        name = name or self.fresh_name()
        made = self.api.create("sandboxes", ns, {
            "apiVersion": "agents.x-k8s.io/v1alpha1", "kind": "Sandbox", "metadata": {"name": name},
            "spec": dict({"podTemplate": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}, **spec)})
        self.addCleanup(self.api.delete, "sandboxes", ns, name)
        return made

    def make_pod(self, owner, name=None, address=None, host=NODE_ADDRESS, ready=True, ns=None, finalizers=(), since=None,
                 **spec):
        """A pod of this owner; with an address it reports so."""
        ns, name = ns or owner["metadata"]["namespace"], name or owner["metadata"]["name"]
        reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                     "uid": owner["metadata"]["uid"], "controller": True}
        self.api.create("pods", ns, {
            "metadata": {"name": name, "ownerReferences": [reference], "finalizers": list(finalizers)},
            "spec": dict({"containers": [{"name": "a", "image": "x"}], "automountServiceAccountToken": False}, **spec)})
        self.addCleanup(self.remove_pod, ns, name)
        if address:
            self.report(ns, name, address, host, ready, since)
        return name

    def remove_pod(self, ns, name):
        try:
            self.api.patch("pods", ns, name, {"metadata": {"finalizers": None}})
        except ApiError as e:  # its owner's end has taken it along
            if e.code != 404:
                raise
        self.api.delete("pods", ns, name, gracePeriodSeconds=0)

    def report(self, ns, name, address, host=NODE_ADDRESS, ready=True, since=None):
        self.api.patch("pods", ns, name, {"status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": host,
            "hostIPs": [{"ip": host}], "startTime": since,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}}, sub="status")

    def sandbox(self, address=None, **pod):
        """The name of a Sandbox with a Ready pod that the router knows."""
        made = self.make_sandbox(ns=pod.pop("ns", "default"))
        self.make_pod(made, address=address or self.fresh_address(), **pod)
        return made["metadata"]["name"]

    def known(self, name, ns="default", address=None, router=None):
        """Waits until HAProxy's map has it (with this address)."""
        def ask():
            found = (router or self.router).entries().get(f"{name}/{ns}")
            return found if address is None or found == address else None
        return until(ask, 10, f"{name} is in the map {address or ''}")

    def unknown(self, name, ns="default", seconds=10, router=None):
        until(lambda: f"{name}/{ns}" not in (router or self.router).entries(), seconds, f"{name} is not in the map")

    def never_known(self, name, ns="default"):
        """A later change has come through, and this was not in the map."""
        marker = self.sandbox()
        self.known(marker)
        self.assertNotIn(f"{name}/{ns}", self.router.entries())

    def assert_detail(self, status, detail, answer):
        self.assertEqual((status, {"detail": detail}), (answer.status, answer.json()), answer)
        self.assertEqual("application/json", answer.get("content-type"))


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


__all__ = [name for name in globals() if not name.startswith("_")]
