# SPDX-License-Identifier: Apache-2.0
"""Seed 004's steps 3 to 5 with its own manifests: a warm pool of real containers, under gVisor and under runc."""

import os
import subprocess
import sys
import urllib.error
import urllib.request

from suite import POD_NAME, Suite, annotations
from world import MANIFESTS, PORT, ROOT, Case, containers, execute

TESTER = os.path.join(ROOT, "examples", "python-runtime-sandbox", "tester.py")


class WarmPool(Case):
    def setUp(self):
        super().setUp()
        self.ns = "default"

    def kubectl(self, *argv):
        return Suite.cluster.kubectl(*argv).stdout

    def apply(self, name):
        self.kubectl("apply", "-f", os.path.join(MANIFESTS, name))

    def forget(self, *names):
        for name in names:
            self.kubectl("delete", "--ignore-not-found", "-f", os.path.join(MANIFESTS, name))
        self.no_pods()
        self.eventually(lambda: not containers(), lambda: f"no container is left: {containers()}")

    def claimed(self, template):
        """The address of a sandbox that was claimed from a pool of two, Ready soon."""
        self.addCleanup(self.forget, "claim.yaml", "warm-pool.yaml", template)
        self.apply("runtime-class-gvisor.yaml")
        self.apply(template)
        self.apply("warm-pool.yaml")
        self.pool_at_rest("python-warmpool", 60)
        self.kubectl("wait", "--for=condition=Ready", "pod", "-l", "agents.x-k8s.io/pool", "--timeout=240s")
        before = self.pool_pods("python-warmpool")
        self.apply("claim.yaml")
        self.ready("sandboxes", "warmpool-test")
        self.kubectl("wait", "--for=condition=Ready", "sandbox/warmpool-test", "--timeout=240s")
        pod = annotations(self.get("sandboxes", "warmpool-test"))[POD_NAME]
        self.assertIn(pod, before)
        return self.get("pods", pod)["status"]["podIP"]

    def works(self, address):
        self.assertEqual("hello\n", execute(address, "python3 -c \"print('hello')\"")["stdout"])
        self.assertEqual("3\n", execute(address, "sh -c 'echo a b c | wc -w'")["stdout"])
        timed_out = execute(address, "sleep 30", timeout=1)
        self.assertEqual(124, timed_out["exit_code"])
        tested = subprocess.run([sys.executable, TESTER, address, str(PORT)], capture_output=True, text=True)
        self.assertIn("All checks passed.", tested.stdout, tested.stdout + tested.stderr)

    def ends_with_its_claim(self, address):
        self.pool_at_rest("python-warmpool", 60)
        self.assertEqual(3, len(self.pods()))
        self.kubectl("delete", "-f", os.path.join(MANIFESTS, "claim.yaml"))
        self.eventually(lambda: len(self.pods()) == 2, "the claim's pod is gone")
        self.eventually(lambda: len(containers()) == 4, lambda: f"two pods' containers are left: {containers()}")
        with self.assertRaises((urllib.error.URLError, OSError)):
            execute(address, "true", patience=3)

    def test_under_gvisor(self):
        address = self.claimed("template-gvisor.yaml")
        self.assertIn("gVisor", execute(address, "dmesg")["stdout"])
        self.works(address)
        self.ends_with_its_claim(address)

    def test_under_runc(self):
        address = self.claimed("template.yaml")
        self.assertNotIn("gVisor", execute(address, "dmesg")["stdout"])
        self.works(address)
        self.ends_with_its_claim(address)


class ColdClaim(Case):
    def test_a_claim_without_a_pool_runs_a_command(self):
        self.template(template={"spec": {"containers": [{
            "name": "main", "image": "python-runtime-sandbox:latest", "imagePullPolicy": "IfNotPresent",
            "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1}}]}})
        self.claim()
        self.ready("sandboxclaims", "claim", 30)
        address = self.running("claim")
        self.assertEqual("42\n", execute(address, "python3 -c 'print(6*7)'")["stdout"])
        self.delete("sandboxclaims", "claim")
        self.no_pods()
