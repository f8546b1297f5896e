# SPDX-License-Identifier: Apache-2.0
"""What a controller finds before it starts: definitions as each generation of the Go controller leaves them, and leases.

The definitions are made by hand, with the fields alone by which one generation is told from another."""

import itertools
import os
import subprocess

from cluster import Cluster, ROOT
from controller import LEASES, NAMESPACE, Controller, binary
from process import PATIENCE_SECONDS
from suite import *

MICRO = "%Y-%m-%dT%H:%M:%S.%fZ"
KINDS = {"sandboxes": ("Sandbox", "agents.x-k8s.io"), "sandboxtemplates": ("SandboxTemplate", "extensions.agents.x-k8s.io"),
         "sandboxclaims": ("SandboxClaim", "extensions.agents.x-k8s.io"),
         "sandboxwarmpools": ("SandboxWarmPool", "extensions.agents.x-k8s.io")}
HARMS = 3
NUMBERS = itertools.count()


def definition(plural, versions, fields=(), webhook=False):
    """A CRD that serves these versions and stores the last of them."""
    kind, group = KINDS[plural]
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True,
            "properties": {field: {"type": "string"} for field in fields}}
    schema = {"type": "object", "properties": {
        "spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
           "metadata": {"name": f"{plural}.{group}"},
           "spec": {"group": group, "scope": "Namespaced",
                    "names": {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()},
                    "versions": [{"name": name, "served": True, "storage": name == versions[-1],
                                  "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}
                                 for name in versions]}}
    if webhook:
        crd["spec"]["conversion"] = {"strategy": "Webhook", "webhook": {
            "conversionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": NAMESPACE, "name": "agent-sandbox-webhook-service"}}}}
    return crd


class CheckCluster(Case):
    """A cluster of its own, whose definitions each case makes."""

    own_controller = True

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()
        cls.cluster.kubectl("create", "namespace", NAMESPACE)
        cls.cluster.kubectl("create", "serviceaccount", "agent-sandbox-controller", "--namespace", NAMESPACE)
        for name in ("role", "extensions-role"):
            cls.cluster.kubectl("apply", "-f", os.path.join(ROOT, "deploy", "rbac", name + ".yaml"))

    @classmethod
    def tearDownClass(cls):
        if getattr(cls, "cluster", None):
            cls.cluster.stop()

    def setUp(self):
        self.api, self.ns = self.cluster.api, "default"
        self.addCleanup(self.forget)

    def gone_definitions(self):
        """Whether none is left. One whose deletion has failed once is tried again at each change, else after a long pause."""
        left = [crd["metadata"]["name"] for crd in self.api.list("customresourcedefinitions")]
        for name in left:
            try:
                self.api.patch("customresourcedefinitions", None, name,
                               {"metadata": {"annotations": {"tests/asked": str(next(NUMBERS))}}})
            except ApiError as e:
                if e.code not in (404, 409):
                    raise
        return not left

    def forget(self):
        for plural, (_, group) in KINDS.items():
            self.api.delete("customresourcedefinitions", None, f"{plural}.{group}")
        self.eventually(self.gone_definitions, "no definition is left")
        for name in LEASES:
            self.api.delete("leases", NAMESPACE, name)

    def make(self, crd):
        self.api.create("customresourcedefinitions", None, crd)
        self.stored(crd["metadata"]["name"])

    def stored(self, name):
        """Its status.storedVersions, once there are some."""
        return self.eventually(lambda: ((self.api.get("customresourcedefinitions", None, name) or {}).get("status") or {})
                               .get("storedVersions"), f"{name} is served")

    def ours(self):
        self.cluster.apply(os.path.join(ROOT, "deploy", "crds"))

    def check(self, *flags, kubeconfig=None):
        """(status, what it prints)"""
        done = subprocess.run(
            [binary(), "--check-cluster", "--extensions", "--kubeconfig", kubeconfig or self.cluster.kubeconfig, *flags],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        return done.returncode, done.stdout + done.stderr

    def refused(self, *words):
        """--check-cluster says so, and a controller does not start, whatever it is told about leases."""
        status, text = self.check()
        self.assertEqual(HARMS, status, text)
        for word in (*words, "does not start here"):
            self.assertIn(word, text)
        for leader_elect in (True, False):
            c = Controller(self.cluster, leader_elect=leader_elect).start(wait=0)
            self.assertNotEqual(0, c.process.wait(PATIENCE_SECONDS))
            with open(c.log) as f:
                log = f.read()
            for word in (*words, "would do harm here", "--check-cluster"):
                self.assertIn(word, log)
        for name in LEASES:
            self.assertIsNone(self.api.get("leases", NAMESPACE, name))

    def test_an_empty_cluster_gets_advice(self):
        status, text = self.check()
        self.assertEqual(0, status, text)
        for plural, (_, group) in KINDS.items():
            self.assertIn(f"{plural}.{group}: not there", text)
            self.assertIn(f"{plural}.{group}: apply the definition", text)
        for name in LEASES:
            self.assertIn(f"lease {name}: not there", text)
        self.assertIn("may start", text)

    def test_without_extensions_only_sandboxes_are_looked_at(self):
        done = subprocess.run([binary(), "--check-cluster", "--kubeconfig", self.cluster.kubeconfig],
                              capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        self.assertIn("sandboxes.agents.x-k8s.io: not there", done.stdout)
        self.assertNotIn("sandboxclaims", done.stdout)

    def test_it_writes_nothing(self):
        self.ours()
        before = {kind: [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in self.api.list(kind)]
                  for kind in ("customresourcedefinitions", "leases", "events")}
        self.assertEqual(0, self.check()[0])
        after = {kind: [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in self.api.list(kind)]
                 for kind in before}
        self.assertEqual(before, after)

    def test_conversion_by_a_webhook_is_refused_until_it_is_patched_away(self):
        self.make(definition("sandboxes", ("v1alpha1", "v1beta1"), webhook=True))
        self.api.patch("customresourcedefinitions", None, "sandboxes.agents.x-k8s.io",
                       {"status": {"storedVersions": ["v1beta1"]}}, sub="status")
        self.refused("kubectl patch crd sandboxes.agents.x-k8s.io --type merge -p "
                     """'{"spec":{"conversion":{"strategy":"None","webhook":null}}}'""")
        self.cluster.kubectl("patch", "crd", "sandboxes.agents.x-k8s.io", "--type", "merge", "-p",
                             '{"spec":{"conversion":{"strategy":"None","webhook":null}}}')
        status, text = self.check()
        self.assertEqual(0, status, text)

    def test_objects_stored_as_the_v1alpha1_of_v0_5_are_refused_until_they_are_migrated(self):
        name = "sandboxwarmpools.extensions.agents.x-k8s.io"
        self.make(definition("sandboxwarmpools", ("v1alpha1",)))
        # As its upgrade leaves it: both served, the new one stored, the old one still in storedVersions.
        versions = definition("sandboxwarmpools", ("v1alpha1", "v1beta1"))["spec"]["versions"]
        self.api.patch("customresourcedefinitions", None, name, {"spec": {"versions": versions}})
        self.eventually(lambda: self.stored(name) == ["v1alpha1", "v1beta1"], "both are stored versions")
        self.refused(f"{name}: objects may be stored as v1alpha1 of the Go controller v0.2 to v0.5")
        self.api.patch("customresourcedefinitions", None, name, {"status": {"storedVersions": ["v1beta1"]}}, sub="status")
        status, text = self.check()
        self.assertEqual(0, status, text)

    def test_the_v1alpha1_of_v0_2_is_told_from_that_of_v0_1_by_its_fields(self):
        self.make(definition("sandboxtemplates", ("v1alpha1",), ("networkPolicy", "networkPolicyManagement")))
        self.make(definition("sandboxclaims", ("v1alpha1",), ("sandboxTemplateRef",)))
        status, text = self.check()
        self.assertEqual(HARMS, status, text)
        self.assertIn("sandboxtemplates.extensions.agents.x-k8s.io: objects may be stored as v1alpha1", text)
        self.assertNotIn("sandboxclaims.extensions.agents.x-k8s.io: objects may be", text)

    def test_the_definitions_of_v0_1_and_of_v1_are_taken_over(self):
        for versions, words in ((("v1alpha1",), "definition of v1alpha1 alone"),
                                (("v1beta1",), "definition of the Go controller v1")):
            with self.subTest(versions):
                self.forget()
                for plural in KINDS:
                    self.make(definition(plural, versions))
                status, text = self.check()
                self.assertEqual(0, status, text)
                self.assertEqual(4, text.count(words), text)
                self.assertEqual(4, text.count("in place of this one"), text)

    def test_the_definitions_of_this_project_are_fine(self):
        self.ours()
        status, text = self.check()
        self.assertEqual(0, status, text)
        self.assertIn("Result: this controller may start.", text)
        c = Controller(self.cluster).start()
        self.eventually(c.leads, "it leads")
        status, text = self.check("--leader-election-namespace", NAMESPACE)
        self.assertEqual(0, status, text)
        self.assertIn("it waits as long as", text)
        self.assertEqual(0, c.stop())

    def test_a_live_holder_of_a_lease_is_named(self):
        now, then = moment(0, MICRO), moment(-3600, MICRO)
        for name, holder, when in ((LEASES[0], "gone", then), (LEASES[1], "a-go-controller", now)):
            self.api.create("leases", NAMESPACE, {"metadata": {"name": name}, "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": 600, "acquireTime": when, "renewTime": when}})
        status, text = self.check()
        self.assertEqual(0, status, text)
        self.assertIn(f"lease {LEASES[0]}: was held by 'gone'", text)
        self.assertIn(f"lease {LEASES[1]}: held by 'a-go-controller'", text)
        self.assertIn("scale its Deployment to 0", text)
        self.assertIn("it waits as long as 'a-go-controller' renews its lease", text)

    def test_what_may_not_be_read_is_said_and_does_not_stop_the_controller(self):
        self.ours()
        self.api.create("serviceaccounts", NAMESPACE, {"metadata": {"name": "nobody"}})
        kubeconfig = self.cluster.service_account_kubeconfig(NAMESPACE, "nobody")
        status, text = self.check(kubeconfig=kubeconfig)
        self.assertEqual(1, status, text)
        self.assertIn("cannot be read", text)
        self.assertIn("not all could be checked", text)
        c = Controller(self.cluster, kubeconfig=kubeconfig).start(wait=0)
        self.addCleanup(c.stop)

        def warned():
            with open(c.log) as f:
                return "the CRDs could not be checked, going on" in f.read()
        self.eventually(warned, "the log says that the check was left out")
        self.assertTrue(c.alive())

    def test_an_api_server_out_of_reach_is_no_answer(self):
        kubeconfig = self.cluster.write("nowhere.kubeconfig", """\
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
""")
        status, text = self.check(kubeconfig=kubeconfig)
        self.assertEqual(1, status, text)
        self.assertIn("cannot check the cluster", text)
