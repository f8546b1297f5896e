# SPDX-License-Identifier: Apache-2.0
"""The built controller as a process, under a service account with the rights of deploy/, never as admin."""

import http.client
import os
import re

from process import Process, free_ports, tail

NAMESPACE, ACCOUNT = "agent-sandbox-system", "agent-sandbox-controller"
# Those of the Go controller v0.1 and of v0.2 and later, in the order in which they are acquired.
LEASES = ("a3317529.x-k8s.io", "a3317529.agent-sandbox.x-k8s.io")
CORE_ROLES = ("agent-sandbox-controller",)
ALL_ROLES = ("agent-sandbox-controller", "agent-sandbox-controller-extensions")


def build_folder():
    return os.environ.get("top_builddir") or os.getcwd()


def binary():
    return os.path.join(build_folder(), "agent-sandbox-controller")


def account(api, name, roles=ALL_ROLES):
    """One more service account with the deployed rights, so that the audit log can tell two controllers apart."""
    api.create("serviceaccounts", NAMESPACE, {"metadata": {"name": name}})
    subject = [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
    group = "rbac.authorization.k8s.io"
    for role in roles:
        api.create("clusterrolebindings", None, {
            "metadata": {"name": f"{name}-{role}"}, "subjects": subject,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role}})
    api.create("rolebindings", NAMESPACE, {
        "metadata": {"name": name}, "subjects": subject,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT}})
    return name


def user_name(name=ACCOUNT):
    return f"system:serviceaccount:{NAMESPACE}:{name}"


def forget_leases(api):
    for name in LEASES:
        api.delete("leases", NAMESPACE, name)


class Controller:
    """One running controller. name is that of its log file; account is its service account."""

    count = 0

    def __init__(self, cluster, *flags, extensions=True, leader_elect=True, account=ACCOUNT, kubeconfig=None,
                 env=None):
        Controller.count += 1
        self.cluster, self.account, self.env = cluster, account, env
        self.name = f"controller-{Controller.count}"
        self.metrics_port, self.probe_port = free_ports(2)
        self.argv = [
            binary(), "--plugin-dir", os.path.join(build_folder(), ".libs"),
            "--kubeconfig", kubeconfig or cluster.service_account_kubeconfig(NAMESPACE, account),
            "--metrics-bind-address", f"127.0.0.1:{self.metrics_port}",
            "--health-probe-bind-address", f"127.0.0.1:{self.probe_port}",
            "--leader-election-namespace", NAMESPACE,
            *(["--extensions"] if extensions else []), f"--leader-elect={str(leader_elect).lower()}", *flags]
        self.process = None

    @property
    def user(self):
        return user_name(self.account)

    @property
    def log(self):
        return self.cluster.file(self.name + ".log")

    def start(self, wait=30):
        """Starts it, and waits until /readyz answers unless wait is 0."""
        self.process = self.cluster.spawn(self.name, self.argv, self.env)
        if wait:
            self.wait_ready(wait)
        return self

    def wait_ready(self, seconds):
        self.process.wait_ready(lambda: self.probe("/readyz")[0] == 200, seconds)

    def _http(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except OSError as e:
            return 0, str(e)
        finally:
            connection.close()

    def probe(self, path):
        """(status, body) of the probe address; status 0 when nobody answers."""
        return self._http(self.probe_port, path)

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        status, text = self._http(self.metrics_port, "/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: {status} {text}")
        pattern = re.compile(r"^([A-Za-z_:][\w:]*(?:\{.*\})?) (\S+)", re.M)
        return {name: float(value) for name, value in pattern.findall(text)}

    def metric(self, name, default=0.0):
        """The sum over all labels."""
        values = [v for k, v in self.metrics().items() if k.split("{")[0] == name]
        return sum(values) if values else default

    def leads(self):
        """Whether it says that it holds all leases."""
        values = [v for k, v in self.metrics().items() if k.split("{")[0] == "leader_election_master_status"]
        return len(values) == len(LEASES) and all(value == 1 for value in values)

    def alive(self):
        return self.process is not None and self.process.alive()

    def stop(self):
        return self.process.stop() if self.process else None

    def kill(self):
        return self.process.kill()

    def tail(self, lines=40):
        return tail(self.log, lines)
