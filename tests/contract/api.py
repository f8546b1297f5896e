# SPDX-License-Identifier: Apache-2.0
"""A small Kubernetes client: keep-alive HTTPS, one connection a thread, plain dictionaries."""

import http.client
import json
import re
import socket
import ssl
import threading
import urllib.parse

AGENTS = "/apis/agents.x-k8s.io/v1alpha1"
EXTENSIONS = "/apis/extensions.agents.x-k8s.io/v1alpha1"
ROOTS = {
    "sandboxes": AGENTS,
    "sandboxclaims": EXTENSIONS,
    "sandboxtemplates": EXTENSIONS,
    "sandboxwarmpools": EXTENSIONS,
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "runtimeclasses": "/apis/node.k8s.io/v1",
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1",
}
PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class ApiError(Exception):
    def __init__(self, method, path, code, body):
        self.code, self.body = code, body
        self.reason = body.get("reason", "") if isinstance(body, dict) else ""
        self.message = body.get("message", "") if isinstance(body, dict) else str(body)
        super().__init__(f"{method} {path}: {code} {self.reason}: {self.message}")


class _Connection(http.client.HTTPSConnection):
    def connect(self):
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Client:
    """Methods raise ApiError for any answer but 2xx; get() and delete() answer None for a 404."""

    def __init__(self, server, ca, token, timeout=30, agent="contract"):
        url = urllib.parse.urlsplit(server)
        self.server, self.ca, self.token, self.timeout = server, ca, token, timeout
        self.host, self.port = url.hostname, url.port
        self.tls = ssl.create_default_context(cafile=ca)
        self.headers = {"Authorization": "Bearer " + token, "Accept": "application/json", "User-Agent": agent}
        self.local = threading.local()

    @classmethod
    def from_kubeconfig(cls, path, **more):
        """Of a kubeconfig as cluster.py writes it: one cluster, one user, a token."""
        with open(path) as f:
            text = f.read()
        field = {k: re.search(rf"^\s+{k}: (\S+)$", text, re.M).group(1)
                 for k in ("server", "certificate-authority", "token")}
        return cls(field["server"], field["certificate-authority"], field["token"], **more)

    def _connect(self, timeout):
        return _Connection(self.host, self.port, timeout=timeout, context=self.tls)

    def raw(self, method, path, body=None, content_type="application/json"):
        """(status, bytes). A kept connection that the server has closed is opened once more; only a request that
        was certainly not answered is sent again, so creates here carry chosen names."""
        headers = dict(self.headers)
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = content_type
        for attempt in (1, 2):
            kept = getattr(self.local, "connection", None)
            connection = kept or self._connect(self.timeout)
            self.local.connection = connection
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                self.close()
                if kept is None or attempt == 2:
                    raise
            except http.client.HTTPException as e:
                # The server ended amid its answer: what a caller that expects kills catches is an OSError.
                self.close()
                raise ConnectionAbortedError(f"{method} {path}: {e!r}") from e
            except BaseException:
                self.close()
                raise

    def close(self):
        connection = getattr(self.local, "connection", None)
        if connection is not None:
            connection.close()
            self.local.connection = None

    def call(self, method, path, body=None, content_type="application/json"):
        status, data = self.raw(method, path, body, content_type)
        try:
            answer = json.loads(data) if data else {}
        except ValueError:
            answer = data.decode(errors="replace")
        if not 200 <= status < 300:
            raise ApiError(method, path, status, answer)
        return answer

    @staticmethod
    def path(kind, ns=None, name=None, sub=None, **query):
        parts = [ROOTS.get(kind, "/api/v1")]
        if ns:
            parts += ["namespaces", ns]
        parts += [kind] + [p for p in (name, sub) if p]
        path = "/".join(parts)
        query = {k: v for k, v in query.items() if v is not None}
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def get(self, kind, ns, name, sub=None):
        try:
            return self.call("GET", self.path(kind, ns, name, sub))
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def list(self, kind, ns=None, selector=None):
        return self.call("GET", self.path(kind, ns, labelSelector=selector))["items"]

    def create(self, kind, ns, body, **query):
        return self.call("POST", self.path(kind, ns, **query), body)

    def replace(self, kind, ns, name, body, sub=None):
        return self.call("PUT", self.path(kind, ns, name, sub), body)

    def patch(self, kind, ns, name, body, sub=None, how="merge"):
        return self.call("PATCH", self.path(kind, ns, name, sub), body, PATCHES[how])

    def delete(self, kind, ns, name, **options):
        body = dict({"kind": "DeleteOptions", "apiVersion": "v1"}, **options)
        try:
            return self.call("DELETE", self.path(kind, ns, name), body)
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def watch(self, kind, ns=None, version=None, seconds=300, selector=None, initial=False, opened=None):
        """Yields (type, object), on a connection of its own, until the server ends it after that many seconds.
        With initial, first an ADDED for what is there already. opened(stop) gets a function that ends it from
        another thread."""
        query = {"watch": "1", "timeoutSeconds": int(seconds), "allowWatchBookmarks": "true",
                 "resourceVersion": version, "labelSelector": selector}
        if initial:
            query.update(sendInitialEvents="true", resourceVersionMatch="NotOlderThan")
        path = self.path(kind, ns, **query)
        connection = self._connect(seconds + 30)
        try:
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise ApiError("GET", path, answer.status, answer.read().decode(errors="replace"))
            if opened is not None:
                sock = connection.sock
                opened(lambda: sock.shutdown(socket.SHUT_RDWR))
            for line in answer:
                event = json.loads(line)
                yield event["type"], event["object"]
        except http.client.HTTPException as e:
            raise ConnectionAbortedError(f"GET {path}: {e!r}") from e
        finally:
            connection.close()
