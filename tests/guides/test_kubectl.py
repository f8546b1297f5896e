# SPDX-License-Identifier: Apache-2.0
"""Steps 1.5, 4 and 5 of the guide to the warm pool as its readers type them, and what they see; on agent-sandbox-local and
on a real kube-apiserver. Pods are made Ready by a fake node: the end-to-end suite has real ones."""

import os
import re
import shutil
import subprocess
import unittest

from api import Client
from cluster import ROOT, Cluster, manifests, missing_assets
from controller import Controller, binary
from fakenode import FakeNode
from localserver import LocalServer, missing_server
from process import until

MANIFESTS = os.path.join(ROOT, "examples", "warm-pool")
AGE = r"\d+(ms|s|m\d*s?)"
POD = r"python-warmpool-[a-z0-9]{5}"
POD_LINE = rf"{POD} +1/1 +Running +0 +{AGE}"
OLDER_CLAIM = """\
apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxClaim
metadata:
  name: older
  namespace: default
spec:
  templateRef:
    name: python-sandbox-template
"""


class Guide:
    """The cases; what has them says which server."""

    @classmethod
    def start(cls, server):
        if not os.access(binary(), os.X_OK):
            raise unittest.SkipTest(f"no '{binary()}': it is not built, or top_builddir is not set")
        cls.cluster = server()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start(manifests())
        api = cls.cluster.api
        cls.node = FakeNode(Client(api.server, api.ca, api.token, agent="fakenode")).start()
        cls.addClassCleanup(cls.node.stop)
        cls.controller = Controller(cls.cluster).start()
        cls.addClassCleanup(cls.controller.stop)

    def types(self, command, status=0):
        """What a reader of the guide types into a shell; the answer as it is printed."""
        environment = dict(os.environ, KUBECONFIG=self.cluster.kubeconfig, HOME=self.cluster.folder)
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(status, done.returncode, command + "\n" + done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def pastes(self, text, status=0):
        return self.types(f"kubectl apply -f - <<EOF\n{text}EOF\n", status)

    def pastes_file(self, name):
        with open(os.path.join(MANIFESTS, name)) as f:
            return self.pastes(f.read())

    def looks_like(self, printed, *lines):
        """One pattern for each line of the output."""
        printed = printed.splitlines()
        self.assertEqual(len(lines), len(printed), "\n".join(printed))
        for pattern, line in zip(lines, printed):
            self.assertRegex(line, f"^{pattern} *$")

    def deletes_later(self, *paths):
        for path in paths:
            self.addCleanup(self.types, f"kubectl delete --ignore-not-found --wait=false -f {path}")

    def test_the_warm_pool_from_the_template_to_the_replacement(self):
        self.deletes_later(*(os.path.join(MANIFESTS, f"{n}.yaml") for n in
                             ("runtime-class-gvisor", "template-gvisor", "warm-pool", "claim")))
        self.looks_like(self.pastes_file("runtime-class-gvisor.yaml"), r"runtimeclass\.node\.k8s\.io/gvisor created")
        self.looks_like(self.pastes_file("template-gvisor.yaml"),
                        r"sandboxtemplate\.extensions\.agents\.x-k8s\.io/python-runtime-template created")
        self.looks_like(self.types("kubectl get sandboxtemplate"), "NAME +AGE", rf"python-runtime-template +{AGE}")
        self.looks_like(self.pastes_file("warm-pool.yaml"),
                        r"sandboxwarmpool\.extensions\.agents\.x-k8s\.io/python-warmpool created")
        self.assertIn("python-warmpool", self.types("kubectl get sandboxwarmpool python-warmpool"))
        before = self.ready_pool()
        self.pastes_file("claim.yaml")
        # kubectl wait needs the object: a person types slower than the controller creates it.
        until(lambda: self.cluster.api.get("sandboxes", "default", "warmpool-test"), 5, "the Sandbox")
        self.looks_like(self.types("kubectl wait --for=condition=Ready sandbox/warmpool-test --timeout=10s"),
                        r"sandbox\.agents\.x-k8s\.io/warmpool-test condition met")
        pod = self.types("kubectl get sandbox warmpool-test "
                         r"-o jsonpath='{.metadata.annotations.agents\.x-k8s\.io/pod-name}'")
        self.assertIn(pod, before)
        after = self.ready_pool()
        self.assertNotIn(pod, after)
        self.assertEqual(1, len(before & after))

    def ready_pool(self):
        """The pods that the guide's commands show: two of them, in the form that the guide shows."""
        def two():
            return len(self.types("kubectl get pods -l agents.x-k8s.io/pool -o name").split()) == 2
        until(two, 10, "two pods in the pool")
        self.looks_like(self.types("kubectl wait --for=condition=Ready pod -l agents.x-k8s.io/pool --timeout=60s"),
                        *[rf"pod/{POD} condition met"] * 2)
        shown = self.types("kubectl get pods -l agents.x-k8s.io/pool")
        self.looks_like(shown, "NAME +READY +STATUS +RESTARTS +AGE", POD_LINE, POD_LINE)
        return set(re.findall(POD, shown))

    def test_the_nodes_are_waited_for(self):
        self.looks_like(self.types("kubectl wait --for=condition=Ready nodes --all --timeout=60s"), r"node/\S+ condition met")

    def test_a_template_and_a_claim_by_file(self):
        folder = os.path.join(ROOT, "examples", "python-template-sandbox")
        template, claim = (os.path.join(folder, f"sandbox-python-{n}.yaml") for n in ("template", "claim"))
        self.deletes_later(template, claim)
        self.types(f"kubectl apply -f {template} -f {claim}")
        selector = "--selector=app=python-sandbox,sandbox=codexec-python-sandbox"
        until(lambda: self.types(f"kubectl get pods {selector} -o name"), 10, "the pod")
        self.types(f"kubectl wait --for=condition=Ready pod {selector} --timeout=60s")

    def test_a_sandbox_by_file(self):
        path = os.path.join(ROOT, "examples", "python-runtime-sandbox", "sandbox-python-kind.yaml")
        self.deletes_later(path)
        self.looks_like(self.types(f"kubectl apply -f {path}"), r"sandbox\.agents\.x-k8s\.io/sandbox-python-example created")
        self.types("kubectl wait --for=condition=Ready sandbox/sandbox-python-example --timeout=60s")

    def test_the_field_of_the_older_guide_is_refused_by_name(self):
        self.assertIn('unknown field "spec.templateRef"', self.pastes(OLDER_CLAIM, status=1))


class Local(Guide, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing_server() or (None if shutil.which("kubectl") else "kubectl is not installed")
        if why:
            raise unittest.SkipTest(why)
        cls.start(LocalServer)


class Real(Guide, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing_assets()
        if why:
            raise unittest.SkipTest(why)
        cls.start(Cluster)


if __name__ == "__main__":
    unittest.main()
