# SPDX-License-Identifier: Apache-2.0
"""SandboxClaim: templates, cold starts, status, NetworkPolicy."""

from suite import *

HTTP = {"ports": [{"port": 80, "protocol": "TCP"}]}
DNS = {"ports": [{"port": 53, "protocol": "UDP"}]}


class Claim(Case):
    def running(self, template=None, **spec):
        self.template(template=template, **spec)
        self.claim()
        return self.ready("sandboxclaims", "claim")

    def test_makes_a_sandbox_of_its_own_name(self):
        self.running(pod_template(labels={"mine": "1"}, annotations={"note": "2"}, hostname="inside"))
        sandbox = self.get("sandboxes", "claim")
        self.assert_controlled(sandbox, self.get("sandboxclaims", "claim"), "SandboxClaim")
        template = sandbox["spec"]["podTemplate"]
        self.assertEqual("inside", template["spec"]["hostname"])
        self.assertEqual("1", template["metadata"]["labels"]["mine"])
        self.assertEqual("2", template["metadata"]["annotations"]["note"])
        self.assertEqual(1, sandbox["spec"]["replicas"])

    def test_a_sandbox_gets_no_service_account_token(self):
        self.running()
        self.assertIs(False, self.get("sandboxes", "claim")["spec"]["podTemplate"]["spec"]["automountServiceAccountToken"])
        self.assertIs(False, self.get("pods", "claim")["spec"]["automountServiceAccountToken"])

    def test_a_template_may_ask_for_the_token(self):
        self.running(pod_template(automountServiceAccountToken=True))
        self.assertIs(True, self.get("pods", "claim")["spec"]["automountServiceAccountToken"])

    def test_ready_is_the_sandbox_s_ready(self):
        claim = self.running()
        ours, theirs = condition(claim), condition(self.get("sandboxes", "claim"))
        self.assertEqual((theirs["status"], theirs["reason"], theirs["message"]),
                         (ours["status"], ours["reason"], ours["message"]))
        self.assertEqual("claim", claim["status"]["sandbox"]["Name"])

    def test_not_ready_is_passed_on_too(self):
        self.running()
        self.hold("claim", "never-ready")
        self.not_ready("sandboxclaims", "claim", "DependenciesNotReady", "^Pod is Running but not Ready; Service Exists$")
        self.hold("claim", None)
        self.ready("sandboxclaims", "claim")

    def test_observed_generation_is_the_claim_s_own(self):
        self.running()
        self.patch("sandboxes", "claim", {"spec": {"shutdownTime": moment(3600)}})
        self.when("sandboxes", "claim", lambda s: condition(s).get("observedGeneration") == 2, "generation 2 observed")
        self.patch("sandboxes", "claim", {"spec": {"shutdownTime": moment(7200)}})
        self.when("sandboxes", "claim", lambda s: condition(s).get("observedGeneration") == 3, "generation 3 observed")
        self.assertEqual(1, condition(self.get("sandboxclaims", "claim"))["observedGeneration"])
        self.patch("sandboxclaims", "claim", {"spec": {"lifecycle": {"shutdownTime": moment(3600)}}})
        self.when("sandboxclaims", "claim", lambda c: condition(c).get("observedGeneration") == 2, "generation 2")

    def test_a_sandbox_deleted_by_someone_is_made_again(self):
        self.running()
        uid = self.get("sandboxes", "claim")["metadata"]["uid"]
        self.delete("sandboxes", "claim")
        self.when("sandboxes", "claim", lambda s: s["metadata"]["uid"] != uid, "a new Sandbox")
        self.ready("sandboxclaims", "claim")

    def test_a_deleted_claim_leaves_nothing(self):
        self.running(networkPolicy={"ingress": [HTTP]})
        self.delete("sandboxclaims", "claim")
        for kind in ("sandboxes", "pods", "services"):
            self.gone(kind, "claim")
        self.gone("networkpolicies", "claim-network-policy")

    def test_a_claim_at_rest_is_not_written(self):
        self.running(networkPolicy={"ingress": [HTTP]})
        # The event is the last write: it gives way to all others.
        self.eventually(lambda: self.events("SandboxProvisioned", "claim"), "event SandboxProvisioned")
        self.rests()
        mark = Suite.audit.mark()
        self.patch("sandboxclaims", "claim", {"metadata": {"annotations": {"touched": "1"}}})
        self.patch("sandboxes", "claim", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: True, "", 0.7)
        self.assertEqual([], self.writes(mark))


class MissingTemplate(Case):
    def test_it_says_so(self):
        self.claim(template="x")
        claim = self.not_ready("sandboxclaims", "claim", "TemplateNotFound", '^SandboxTemplate "x" not found$')
        self.assertEqual(1, condition(claim)["observedGeneration"])

    def test_there_is_no_retry_storm(self):
        self.claim(template="x")
        self.not_ready("sandboxclaims", "claim", "TemplateNotFound")
        self.always(lambda: True, "", 2)
        writes = [e.what for e in self.writes()]
        self.assertLessEqual(len(writes), 2, writes)

    def test_the_claim_goes_on_at_once_when_it_appears(self):
        self.claim()
        self.not_ready("sandboxclaims", "claim", "TemplateNotFound")
        self.always(lambda: True, "", 2)
        self.template()
        self.ready("sandboxclaims", "claim", 2)


class ForeignSandbox(Case):
    def check(self, before):
        self.claim()
        self.not_ready("sandboxclaims", "claim", "ReconcilerError", ".")
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(before)
        self.assertIsNone(self.get("sandboxclaims", "claim")["status"].get("sandbox", {}).get("Name"))

    def test_without_an_owner_is_never_touched(self):
        self.template()
        self.sandbox("claim")
        self.check(dict(self.ready("sandboxes", "claim"), kind="Sandbox"))

    def test_of_another_owner_is_never_touched(self):
        self.template()
        self.api.create("sandboxes", self.ns, body("sandboxes", "claim", {"podTemplate": pod_template()}, ownerReferences=[
            self.owner_reference(self.stranger())]))
        self.check(dict(self.ready("sandboxes", "claim"), kind="Sandbox"))


class NetworkPolicy(Case):
    NAME = "claim-network-policy"

    def running(self, **policy):
        self.template(**({"networkPolicy": policy} if policy else {}))
        self.claim()
        return self.ready("sandboxclaims", "claim")

    def policy(self):
        return self.get("networkpolicies", self.NAME)

    def test_it_is_made_from_the_template_s_rules(self):
        claim = self.running(ingress=[HTTP], egress=[DNS])
        policy = self.policy()
        self.assert_controlled(policy, claim, "SandboxClaim")
        self.assertEqual({"matchLabels": {CLAIM_UID: claim["metadata"]["uid"]}}, policy["spec"]["podSelector"])
        self.assertEqual(["Egress", "Ingress"], sorted(policy["spec"]["policyTypes"]))
        self.assertEqual([HTTP], policy["spec"]["ingress"])
        self.assertEqual([DNS], policy["spec"]["egress"])

    def test_a_direction_without_rules_is_closed(self):
        self.running(ingress=[HTTP])
        self.assertEqual(["Egress", "Ingress"], sorted(self.policy()["spec"]["policyTypes"]))
        self.assertFalse(self.policy()["spec"].get("egress"))

    def test_it_is_there_before_the_pod_is_made(self):
        self.running(ingress=[HTTP])
        order = [e.what for e in self.writes() if e.code in (200, 201) and not e.dry_run]
        self.assertLess(order.index("create networkpolicies"), order.index("create pods"), order)

    def test_it_is_there_before_the_pod_is_taken(self):
        self.template(networkPolicy={"ingress": [HTTP]})
        self.pool()
        self.pool_at_rest()
        mark = Suite.audit.mark()
        self.claim()
        self.ready("sandboxclaims", "claim")
        order = [e.what for e in self.writes(mark) if e.code in (200, 201)]
        self.assertLess(order.index("create networkpolicies"), order.index("patch pods"), order)

    def test_it_follows_the_template(self):
        self.running(ingress=[HTTP])
        self.patch("sandboxtemplates", "tmpl", {"spec": {"networkPolicy": {"ingress": [DNS], "egress": [HTTP]}}})
        self.when("networkpolicies", self.NAME, lambda p: p["spec"].get("ingress") == [DNS]
                  and p["spec"].get("egress") == [HTTP], "the new rules")

    def test_the_last_rule_taken_out_is_taken_out(self):
        self.running(ingress=[HTTP], egress=[DNS])
        self.patch("sandboxtemplates", "tmpl", {"spec": {"networkPolicy": {"ingress": None}}})
        policy = self.when("networkpolicies", self.NAME, lambda p: not p["spec"].get("ingress"), "no ingress rule")
        self.assertEqual([DNS], policy["spec"]["egress"])
        self.assertEqual(["Egress", "Ingress"], sorted(policy["spec"]["policyTypes"]))

    def test_it_goes_when_the_template_has_none(self):
        self.running(ingress=[HTTP])
        self.patch("sandboxtemplates", "tmpl", {"spec": {"networkPolicy": None}})
        self.gone("networkpolicies", self.NAME)

    def test_nothing_is_deleted_when_there_is_nothing(self):
        self.running()
        self.patch("sandboxclaims", "claim", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: True, "", 0.5)
        self.assertEqual([], [e for e in self.writes() if "networkpolicies" in e.what])

    def test_it_is_made_again_at_once(self):
        self.running(ingress=[HTTP])
        uid = self.policy()["metadata"]["uid"]
        self.delete("networkpolicies", self.NAME)
        self.when("networkpolicies", self.NAME, lambda p: p["metadata"]["uid"] != uid, "a new policy")

    def test_a_change_by_someone_is_undone(self):
        self.running(ingress=[HTTP])
        self.patch("networkpolicies", self.NAME, {"spec": {"ingress": [{}]}})
        self.when("networkpolicies", self.NAME, lambda p: p["spec"].get("ingress") == [HTTP], "our rules")

    def foreign(self, owner=None):
        meta = {"name": self.NAME}
        if owner:
            meta["ownerReferences"] = [self.owner_reference(owner)]
        made = self.api.create("networkpolicies", self.ns, {"metadata": meta, "spec": {
            "podSelector": {"matchLabels": {"foreign": "yes"}}, "policyTypes": ["Ingress"]}})
        return dict(made, kind="NetworkPolicy")

    def test_a_foreign_one_is_not_deleted(self):
        before = self.foreign()
        self.running()
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(before)

    def test_a_foreign_one_without_owner_is_not_changed_and_no_pod_runs_without_protection(self):
        before = self.foreign()
        self.template(networkPolicy={"ingress": [HTTP]})
        self.claim()
        self.not_ready("sandboxclaims", "claim", "ReconcilerError", self.NAME)
        self.always(lambda: self.get("pods", "claim") is None, "no pod without its policy", 0.5)
        self.assert_untouched(before)

    def test_a_foreign_one_of_another_owner_is_not_changed(self):
        before = self.foreign(self.stranger())
        self.template(networkPolicy={"ingress": [HTTP]})
        self.claim()
        self.not_ready("sandboxclaims", "claim", "ReconcilerError", self.NAME)
        self.assert_untouched(before)
