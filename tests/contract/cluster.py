# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API of real binaries on loopback: etcd, kube-apiserver, kube-controller-manager.

The binaries are found through $KUBEBUILDER_ASSETS only. As a script it starts one, with the project's manifests
applied and a fake node, prints the kubeconfig's path and stays until it is interrupted:
    python3 tests/contract/cluster.py [--no-manifests] [--no-node] [COMMAND...]
With a command it runs that instead, with $KUBECONFIG set, and ends with its status.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from api import Client
from process import Process, free_ports, until

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager")
CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "serviceaccount-controller",
               "root-ca-certificate-publisher-controller", "endpointslice-controller", "endpoints-controller",
               "ttl-after-finished-controller", "persistentvolumeclaim-protection-controller",
               "pod-garbage-collector-controller", "resourcequota-controller")
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  users: ["system:apiserver", "kcm"]
- level: Metadata
"""

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: contract
clusters:
- name: contract
  cluster:
    server: {server}
    certificate-authority: {ca}
users:
- name: {user}
  user:
    token: {token}
contexts:
- name: contract
  context:
    cluster: contract
    user: {user}
    namespace: {namespace}
"""


def missing_assets():
    """Why there can be no cluster here, or None."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return ("KUBEBUILDER_ASSETS is not set: it names a folder with etcd, kube-apiserver and "
                "kube-controller-manager (setup-envtest or a build of Kubernetes gives them)")
    for name in BINARIES:
        if not os.access(os.path.join(folder, name), os.X_OK):
            return f"'{folder}' (KUBEBUILDER_ASSETS) has no {name}"
    for name in ("kubectl", "openssl"):
        if not shutil.which(name):
            return f"{name} is not installed"
    return None


class Cluster:
    """start() to stop(). Everything it writes is in self.folder, which stop() removes unless keep is set."""

    def __init__(self, keep=False):
        self.keep = keep
        self.assets = os.environ["KUBEBUILDER_ASSETS"]
        self.folder = tempfile.mkdtemp(prefix="contract-")
        self.processes = []
        self.admin_token = secrets.token_hex(16)
        self.kcm_token = secrets.token_hex(16)
        etcd, peer, self.port = free_ports(3)
        self.etcd_url, self.peer_url = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peer}"
        self.server = f"https://127.0.0.1:{self.port}"
        self.ca = self.file("ca.crt")
        self.audit_log = self.file("audit.log")
        self.kubeconfig = self.file("admin.kubeconfig")
        self.api = None

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.file(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        return path

    def spawn(self, name, argv, env=None):
        process = Process(name, argv, self.file(name + ".log"), env)
        self.processes.append(process)
        return process

    # ---- start -------------------------------------------------------------------------------------

    def start(self, manifests=()):
        """Manifests are applied before kube-controller-manager starts: its garbage collector looks for new kinds
        only every 30 s."""
        try:
            self._start_etcd()
            self._start_apiserver()
            self.apply(*manifests)
            self._start_controller_manager()
        except BaseException:
            self.stop()
            raise
        return self

    def _openssl(self, *argv):
        subprocess.run(["openssl", *argv], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def _make_keys(self):
        new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl(*new, "-x509", "-days", "3", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=contract-ca",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._openssl(*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=kube-apiserver")
        self.write("server.ext", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "3", "-extfile", "server.ext", "-out", "server.crt")
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "sa.key")
        self._openssl("pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def _start_etcd(self):
        self.spawn("etcd", [
            os.path.join(self.assets, "etcd"), "--name=default", "--data-dir=" + self.file("etcd"),
            "--unsafe-no-fsync", "--log-level=warn",
            "--listen-client-urls=" + self.etcd_url, "--advertise-client-urls=" + self.etcd_url,
            "--listen-peer-urls=" + self.peer_url, "--initial-advertise-peer-urls=" + self.peer_url,
            "--initial-cluster=default=" + self.peer_url])

    def _start_apiserver(self):
        self._make_keys()
        self.write("tokens.csv", f'{self.admin_token},admin,admin,"system:masters"\n'
                                 f'{self.kcm_token},kcm,kcm,"system:masters"\n')
        self.write("audit.yaml", AUDIT_POLICY)
        server = self.spawn("kube-apiserver", [
            os.path.join(self.assets, "kube-apiserver"), "--etcd-servers=" + self.etcd_url,
            "--bind-address=127.0.0.1", f"--secure-port={self.port}",
            "--tls-cert-file=" + self.file("server.crt"), "--tls-private-key-file=" + self.file("server.key"),
            "--authorization-mode=RBAC", "--anonymous-auth=false", "--token-auth-file=" + self.file("tokens.csv"),
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + self.file("sa.pub"),
            "--service-account-signing-key-file=" + self.file("sa.key"),
            "--service-cluster-ip-range=10.0.0.0/16", "--endpoint-reconciler-type=none", "--allow-privileged=true",
            "--audit-policy-file=" + self.file("audit.yaml"), "--audit-log-path=" + self.audit_log,
            "--profiling=false"])
        self.api = Client(self.server, self.ca, self.admin_token)
        self._kubeconfig_file("admin.kubeconfig", "admin", self.admin_token)

        def ready():
            try:
                return self.api.raw("GET", "/readyz")[0] == 200
            except OSError:
                return False
        server.wait_ready(ready, 90)

    def _start_controller_manager(self):
        config = self._kubeconfig_file("kcm.kubeconfig", "kcm", self.kcm_token)
        manager = self.spawn("kube-controller-manager", [
            os.path.join(self.assets, "kube-controller-manager"), "--kubeconfig=" + config, "--leader-elect=false",
            "--controllers=" + ",".join(CONTROLLERS), "--secure-port=0", "--kube-api-qps=2000",
            "--kube-api-burst=4000", "--concurrent-gc-syncs=20", "--concurrent-namespace-syncs=10",
            "--service-account-private-key-file=" + self.file("sa.key"), "--root-ca-file=" + self.ca,
            "--use-service-account-credentials=false"])
        manager.wait_ready(lambda: self.api.get("serviceaccounts", "default", "default"), 60)

    # ---- use ---------------------------------------------------------------------------------------

    def _kubeconfig_file(self, name, user, token, namespace="default"):
        return self.write(name, KUBECONFIG.format(server=self.server, ca=self.ca, user=user, token=token,
                                                  namespace=namespace))

    def service_account_kubeconfig(self, namespace, name, seconds=86400):
        """A kubeconfig for this service account, with a token asked for from the API server."""
        until(lambda: self.api.get("serviceaccounts", namespace, name), 10, f"service account {namespace}/{name}")
        answer = self.api.call("POST", self.api.path("serviceaccounts", namespace, name, "token"), {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds}})
        return self._kubeconfig_file(f"{namespace}-{name}.kubeconfig", name, answer["status"]["token"], namespace)

    def kubectl(self, *argv, stdin=None, check=True, timeout=60):
        """Runs kubectl as the admin; the CompletedProcess, with text."""
        env = dict(os.environ, KUBECONFIG=self.kubeconfig, HOME=self.folder)
        done = subprocess.run(["kubectl", *argv], input=stdin, env=env, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def apply(self, *paths):
        """Applies these files and waits until the kinds they define are served."""
        for path in paths:
            self.kubectl("apply", "-f", path)

        def served():
            return all(condition["status"] == "True"
                       for crd in self.api.list("customresourcedefinitions")
                       for condition in crd["status"].get("conditions") or [{"status": "none yet"}]
                       if condition.get("type") in (None, "Established"))
        until(served, 30, "the applied kinds are served")
        self.forget_kinds()

    def forget_kinds(self):
        """kubectl keeps for minutes what kinds there are, and an old one does not look again for a short name."""
        shutil.rmtree(os.path.join(self.folder, ".kube", "cache"), ignore_errors=True)

    # ---- stop --------------------------------------------------------------------------------------

    def stop(self):
        """The newest first; safe to call twice."""
        while self.processes:
            process = self.processes.pop()
            # Nothing here is kept, so etcd and the API server need no orderly end.
            process.kill()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def interrupts_are_exceptions():
    """SIGTERM and SIGHUP end the suite as Ctrl-C does: through the finally clauses that stop our processes."""
    def handler(number, frame):
        raise KeyboardInterrupt
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def manifests():
    return [os.path.join(ROOT, "deploy", name) for name in ("manifest.yaml", "extensions.yaml")]


def main():
    parser = argparse.ArgumentParser(description="Start a Kubernetes API of real binaries and stay.")
    parser.add_argument("--no-manifests", action="store_true", help="do not apply deploy/")
    parser.add_argument("--no-node", action="store_true", help="do not start the fake node")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run this, then end")
    args = parser.parse_args()
    why = missing_assets()
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    cluster = Cluster()
    try:
        begin = time.monotonic()
        cluster.start([] if args.no_manifests else manifests())
        if not args.no_node:
            cluster.spawn("fakenode", [sys.executable, os.path.join(HERE, "fakenode.py"),
                                       "--kubeconfig", cluster.kubeconfig])
        if args.command:
            return subprocess.run(args.command, env=dict(os.environ, KUBECONFIG=cluster.kubeconfig)).returncode
        print(f"export KUBECONFIG={cluster.kubeconfig}  # up after {time.monotonic() - begin:.1f} s", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    finally:
        cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
