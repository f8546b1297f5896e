# SPDX-License-Identifier: Apache-2.0
"""deploy/ is what the plugins say of themselves, and works as files that people apply."""

import filecmp
import json
import os
import subprocess
import sys
import tempfile
import unittest

from cluster import ROOT
from controller import build_folder, binary
from suite import *

PLUGINS = ("sandbox", "template", "claim", "warmpool")


class Deploy(Case):
    def setUp(self):
        self.api = Suite.cluster.api

    def dumps(self, folder):
        """The plugins' own words, as files."""
        paths = []
        for name in PLUGINS:
            done = subprocess.run([binary(), "--dump-plugin", os.path.join(build_folder(), ".libs", name + ".so")],
                                  capture_output=True, text=True, timeout=20)
            self.assertEqual(0, done.returncode, done.stderr)
            json.loads(done.stdout)
            paths.append(os.path.join(folder, name + ".json"))
            with open(paths[-1], "w") as f:
                f.write(done.stdout)
        return paths

    def test_generated_files_are_current(self):
        if subprocess.run([sys.executable, "-c", "import yaml"], capture_output=True).returncode != 0:
            raise unittest.SkipTest("needs python3-yaml")
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "deploy")
            done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "generate-deploy.py"), "--output", made,
                                   "--kubeconfig", Suite.cluster.kubeconfig, *self.dumps(folder)],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stderr)
            stale, count = [], 0
            for where, _, names in os.walk(made):
                for name in names:
                    path = os.path.join(where, name)
                    committed = os.path.join(ROOT, "deploy", os.path.relpath(path, made))
                    count += 1
                    if not os.path.exists(committed) or not filecmp.cmp(path, committed, shallow=False):
                        stale.append(os.path.relpath(committed, ROOT))
            self.assertGreaterEqual(count, 8)
            self.assertEqual([], stale, "run scripts/regenerate-deploy.sh")

    def test_pods_of_sandboxes_cannot_reach_the_controller_s_ports(self):
        policy = self.applied("networkpolicy", "agent-sandbox-controller")
        pods = self.applied("statefulset", "agent-sandbox-controller")["spec"]["template"]
        self.assertEqual(pods["metadata"]["labels"], policy["spec"]["podSelector"]["matchLabels"])
        self.assertEqual(["Ingress"], policy["spec"]["policyTypes"])
        (rule,) = policy["spec"]["ingress"]
        (peer,) = rule["from"]
        self.assertEqual({"agents.x-k8s.io/sandbox-name-hash", "agents.x-k8s.io/pool"},
                         {e["key"] for e in peer["podSelector"]["matchExpressions"] if e["operator"] == "DoesNotExist"})
        self.assertEqual({p["name"] for p in pods["spec"]["containers"][0]["ports"]}, {p["port"] for p in rule["ports"]})

    @staticmethod
    def applied(kind, name):
        path = os.path.join(ROOT, "deploy", "manifest.yaml")
        found = json.loads(Suite.cluster.kubectl("apply", "--dry-run=client", "-o", "json", "-f", path).stdout)
        return next(o for o in found["items"] if (o["kind"].lower(), o["metadata"]["name"]) == (kind, name))

    def test_applying_twice_changes_nothing(self):
        for name in ("manifest.yaml", "extensions.yaml"):
            path = os.path.join(ROOT, "deploy", name)
            Suite.cluster.kubectl("apply", "-f", path)
            before = self.crd_versions()
            said = Suite.cluster.kubectl("apply", "-f", path).stdout
            # kubectl says "configured" of each CRD: its `webhook: null` is sent again each time.
            self.assertEqual([], [line for line in said.splitlines() if not line.endswith(" unchanged")
                                  and not line.startswith("customresourcedefinition")])
            self.assertEqual(before, self.crd_versions())

    def crd_versions(self):
        return {crd["metadata"]["name"]: crd["metadata"]["resourceVersion"]
                for crd in self.api.list("customresourcedefinitions")}

    def test_each_crd_is_under_200_kilobytes(self):
        """As JSON, which kubectl keeps in an annotation."""
        for crd in self.api.list("customresourcedefinitions"):
            applied = crd["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
            self.assertLess(len(applied), 200_000, crd["metadata"]["name"])

    def test_each_crd_is_established_and_structural(self):
        crds = self.api.list("customresourcedefinitions")
        self.assertEqual(4, len(crds))
        for crd in crds:
            found = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
            self.assertEqual("True", found["Established"])
            self.assertEqual("True", found["NamesAccepted"])
            self.assertNotEqual("True", found.get("NonStructuralSchema"))

    def test_the_controller_s_pod_is_hardened(self):
        found = self.api.call("GET", "/apis/apps/v1/namespaces/agent-sandbox-system/statefulsets/agent-sandbox-controller")
        spec = found["spec"]["template"]["spec"]
        self.assertEqual({"app": "agent-sandbox-controller"}, found["spec"]["template"]["metadata"]["labels"])
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual("RuntimeDefault", spec["securityContext"]["seccompProfile"]["type"])
        container = spec["containers"][0]
        self.assertEqual(["ALL"], container["securityContext"]["capabilities"]["drop"])
        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
        self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
        self.assertIn("--extensions", container["args"])

    def test_no_right_is_a_wildcard(self):
        for name in ("agent-sandbox-controller", "agent-sandbox-controller-extensions"):
            for rule in self.api.get("clusterroles", None, name)["rules"]:
                self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])
                self.assertNotIn("secrets", rule["resources"])

    def test_the_lease_may_be_written_in_its_namespace_only(self):
        for name in ("agent-sandbox-controller", "agent-sandbox-controller-extensions"):
            for rule in self.api.get("clusterroles", None, name)["rules"]:
                self.assertNotIn("leases", rule["resources"])
