# SPDX-License-Identifier: Apache-2.0
"""The API of local mode as a cluster: `agent-sandbox-local serve` in a folder of its own, in place of etcd,
kube-apiserver and kube-controller-manager. What it does not serve (RBAC, Deployments) is left out of manifests."""

import base64
import json
import os
import re
import shutil

from api import Client
from cluster import Cluster
from process import tail, until

# Cases that need the real one, by pattern, and why.
NEEDS_REAL = {
    "bad_input.quota_is_told": "there are no ResourceQuotas in local mode",
    "template.a_refusal_for_lack_of_quota_*": "there are no ResourceQuotas in local mode",
    "process.the_log_holds_no_token_*": "it looks for the parts of a JWT; tokens of local mode are none",
    "process.a_missing_kind_parks_*": "it starts a cluster of its own",
    "check_cluster.*": "it starts a cluster of its own",
    "deploy.*": "deploy/ is for a cluster: RBAC and Deployments are not served in local mode",
}


RIGHTS = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")


class LocalClient(Client):
    """Rights are not kept in local mode, so none need be given."""

    def create(self, kind, ns, body, **query):
        return body if kind in RIGHTS else super().create(kind, ns, body, **query)


def server_binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-local")


def missing_server():
    if not os.access(server_binary(), os.X_OK):
        return f"no '{server_binary()}': top_builddir is not set to the folder of the build, or it is not built"
    return None


class LocalServer(Cluster):
    state_folder = None  # another place for the state than the server's own folder

    def __init__(self, keep=False):
        os.environ.setdefault("KUBEBUILDER_ASSETS", "")
        super().__init__(keep)
        self.state = self.state_folder or self.file("state")
        self.written = self.file("server.kubeconfig")
        self.starts = 0

    def start(self, manifests=()):
        try:
            self.serve()
            self.apply(*manifests)
        except BaseException:
            self.stop()
            raise
        return self

    def serve(self, *flags):
        """Starts the server, or starts it again on the same state."""
        self.starts += 1
        audit = ["--audit-log", self.audit_log] if self.audit_log else []
        server = self.spawn(f"local-{self.starts}", [
            server_binary(), "serve", "--state-dir", self.state, "--port", str(self.port), "--kubeconfig", self.written,
            *audit, *flags])

        server.wait_ready(lambda: self.written in tail(server.log, 5), 20)
        with open(self.written) as f:
            text = f.read()
        self.admin_token = re.search(r"^\s+token: (\S+)$", text, re.M).group(1)
        ca = re.search(r"certificate-authority-data: (\S+)", text).group(1)
        self.ca = self.write("ca.crt", base64.b64decode(ca).decode())
        for name in ("server.crt", "server.key"):  # for proxies in front of it
            shutil.copy(os.path.join(self.state, name), self.file(name))
        self._kubeconfig_file("admin.kubeconfig", "admin", self.admin_token)
        self.api = LocalClient(self.server, self.ca, self.admin_token)
        until(lambda: self.api.raw("GET", "/readyz")[0] == 200, 10, "the server is ready")
        return server

    def socket_kubeconfig(self):
        """For parts on this machine: the server's unix socket, without TLS or a token."""
        return self.write("socket.kubeconfig", json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "local",
            "clusters": [{"name": "local", "cluster": {"server": f"unix://{self.state}/api.sock"}}],
            "users": [{"name": "local", "user": {}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}]}))

    def served_kinds(self):
        kinds = set()
        for path in ["/api/v1"] + ["/apis/" + v["groupVersion"] for g in self.api.call("GET", "/apis")["groups"]
                                   for v in g["versions"]]:
            version = path.split("/", 2)[2]
            kinds |= {(version, r["kind"]) for r in self.api.call("GET", path)["resources"]}
        return kinds

    def apply(self, *paths):
        """As Cluster.apply, without the documents of kinds that are not served."""
        for path in paths:
            with open(path) as f:
                documents = re.split(r"^---\s*$", f.read(), flags=re.M)
            kinds = self.served_kinds()

            def served(text):
                kind = re.search(r"^kind: (\S+)$", text, re.M)
                version = re.search(r"^apiVersion: (\S+)$", text, re.M)
                return kind and version and (version.group(1), kind.group(1)) in kinds
            text = "\n---\n".join(d for d in documents if served(d))
            if text:
                super().apply(self.write("applied.yaml", text))


__all__ = ["LocalServer", "NEEDS_REAL", "missing_server"]
