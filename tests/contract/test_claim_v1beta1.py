# SPDX-License-Identifier: Apache-2.0
"""SandboxClaim and Sandbox of v1beta1, from `kubectl apply` to a Ready claim, to its end."""

from suite import *
from test_pool_v1beta1 import AGENTS_BETA, EXTENSIONS_BETA, BetaPools


class ClaimV1beta1(BetaPools):
    def beta_claim(self, **spec):
        return {"apiVersion": EXTENSIONS_BETA, "kind": "SandboxClaim", "metadata": {"name": "claim"},
                "spec": dict({"warmPoolRef": {"name": "pool"}}, **spec)}

    def claimed(self, of_template=None, **spec):
        """A claim on a pool of no members, once it is Ready."""
        self.apply(self.beta_template(**(of_template or {})), self.beta_pool(0), self.beta_claim(**spec))
        return self.eventually(lambda: (c := self.read("sandboxclaims", "claim")) and is_ready(c) and c,
                               lambda: f"the claim is Ready: {self.read('sandboxclaims', 'claim').get('status')}")

    def reason(self):
        conditions = (self.read("sandboxclaims", "claim").get("status") or {}).get("conditions") or []
        return next((c["reason"] for c in conditions if c["type"] == "Ready"), None)

    def test_a_claim_that_is_applied_becomes_ready(self):
        claim = self.claimed({"service": True})
        sandbox = self.read("sandboxes", "claim")
        pod = self.api.get("pods", self.ns, "claim")
        status = claim["status"]
        self.assertEqual("claim", status["sandbox"]["name"])
        self.assertEqual(f"claim.{self.ns}.svc.cluster.local", status["sandbox"]["serviceFQDN"])
        self.assertEqual(sandbox["status"]["podIPs"], status["sandbox"]["podIPs"])
        self.assertEqual(["Ready"], [c["type"] for c in status["conditions"]])
        self.assertEqual([{"apiVersion": EXTENSIONS_BETA, "kind": "SandboxClaim", "name": "claim",
                           "uid": claim["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}],
                         sandbox["metadata"]["ownerReferences"])
        self.assertEqual(AGENTS_BETA, controller_of(pod)["apiVersion"])
        self.assertEqual(claim["metadata"]["uid"], labels(pod)[GROUP + "/claim-uid"])
        self.assertEqual(name_hash("tmpl"), labels(pod)[TEMPLATE_HASH])
        self.assertRegex(annotations(claim)[GROUP + "/controller-first-observed-at"], r"^\d{4}-.*T.*\.\d{9}Z$")
        policy = self.api.get("networkpolicies", self.ns, "tmpl-network-policy")
        self.assertEqual({TEMPLATE_HASH: name_hash("tmpl")}, policy["spec"]["podSelector"]["matchLabels"])

    def test_a_sandbox_is_suspended_and_resumed(self):
        self.claimed()
        uid = self.api.get("pods", self.ns, "claim")["metadata"]["uid"]
        self.change("sandboxes", "claim", {"spec": {"operatingMode": "Suspended"}})
        self.eventually(lambda: self.reason() == "SandboxSuspended" and not self.api.get("pods", self.ns, "claim"),
                        "the claim says that its Sandbox is suspended")
        self.change("sandboxes", "claim", {"spec": {"operatingMode": "Running"}})
        self.eventually(lambda: is_ready(self.read("sandboxclaims", "claim")), "the claim is Ready again")
        self.assertNotEqual(uid, self.api.get("pods", self.ns, "claim")["metadata"]["uid"])

    def test_what_a_claim_adds_reaches_the_pod(self):
        self.claimed({"envVarsInjectionPolicy": "Allowed"}, env=[{"name": "MINE", "value": "1"}],
                     additionalPodMetadata={"labels": {"sandbox.users.io/a": "b"}})
        pod = self.api.get("pods", self.ns, "claim")
        self.assertEqual("b", labels(pod)["sandbox.users.io/a"])
        self.assertIn({"name": "MINE", "value": "1"}, pod["spec"]["containers"][0]["env"])
        self.change("sandboxclaims", "claim", {"spec": {"additionalPodMetadata": {"labels": {"sandbox.users.io/c": "d"}}}})
        self.eventually(lambda: labels(self.api.get("pods", self.ns, "claim")).get("sandbox.users.io/c") == "d",
                        "the label reaches the pod")

    def test_what_the_template_does_not_allow_is_refused(self):
        self.apply(self.beta_template(), self.beta_pool(0), self.beta_claim(env=[{"name": "MINE", "value": "1"}]))
        self.eventually(lambda: self.reason() == "EnvVarsInjectionRejected", lambda: f"refused: {self.reason()}")

    def test_an_expired_claim_is_deleted(self):
        self.claimed(lifecycle={"shutdownTime": moment(3600), "shutdownPolicy": "DeleteForeground"})
        self.change("sandboxclaims", "claim", {"spec": {"lifecycle": {"shutdownTime": moment(-1)}}})
        self.gone("sandboxclaims", "claim")
        self.gone("sandboxes", "claim")
