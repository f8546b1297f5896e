# SPDX-License-Identifier: Apache-2.0
"""deploy/router.yaml is what an API server takes, and gives the router the rights that it has been tried with."""

import filecmp
import os
import unittest

from cluster import ROOT
from localserver import LocalServer
from routersuite import *

MANIFEST = os.path.join(ROOT, "deploy", "router.yaml")
CLIENT = os.path.join(ROOT, "clients", "python", "agentic-sandbox-client", "sandbox-router", "sandbox_router.yaml")


class Deploy(Case):
    def setUp(self):
        super().setUp()
        if isinstance(Suite.cluster, LocalServer):
            raise unittest.SkipTest("deploy/ is for a cluster: RBAC and Deployments are not served in local mode")

    def test_the_client_s_manifest_is_the_same(self):
        self.assertTrue(filecmp.cmp(MANIFEST, CLIENT, shallow=False), "copy deploy/router.yaml to it")

    def test_the_manifest_is_taken_without_a_warning(self):
        done = Suite.cluster.kubectl("apply", "--dry-run=server", "-f", MANIFEST)
        self.assertEqual("", done.stderr)
        for name in ("service/sandbox-router-svc", "deployment.apps/sandbox-router-deployment",
                     "networkpolicy.networking.k8s.io/sandbox-router", "serviceaccount/sandbox-router"):
            self.assertIn(name, done.stdout)

    def test_its_rights_are_enough_and_no_more(self):
        Suite.cluster.kubectl("apply", "-f", MANIFEST)
        self.addCleanup(Suite.cluster.kubectl, "delete", "-f", MANIFEST)
        router = self.start(kubeconfig=Suite.cluster.service_account_kubeconfig("default", "sandbox-router"))
        name = self.sandbox()
        self.known(name, router=router)
        self.assertEqual(200, router.ask(name).status)
        for rule in self.api.get("clusterroles", None, "agent-sandbox-router")["rules"]:
            self.assertEqual(["get", "list", "watch"], rule["verbs"])
            self.assertIn(rule["resources"], (["sandboxes"], ["pods"]))

    def test_the_pod_is_hardened(self):
        found = Suite.cluster.kubectl("apply", "--dry-run=server", "-o", "json", "-f", MANIFEST).stdout
        spec = next(o for o in json.loads(found)["items"] if o["kind"] == "Deployment")["spec"]["template"]["spec"]
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertEqual("RuntimeDefault", spec["securityContext"]["seccompProfile"]["type"])
        container = spec["containers"][0]["securityContext"]
        self.assertEqual((["ALL"], True, False), (container["capabilities"]["drop"], container["readOnlyRootFilesystem"],
                                                  container["allowPrivilegeEscalation"]))
