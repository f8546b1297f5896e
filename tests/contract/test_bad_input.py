# SPDX-License-Identifier: Apache-2.0
"""Bad input, row by row. Faults of the API server are in test_faults.py."""

from suite import *

# What the schema of deploy/ lets through, and the API server's own validation of pods does not.
REFUSED = pod_template(restartPolicy="Sometimes")


class Refused(Case):
    def told_and_quiet(self, kind, name, message, refused):
        """A ReconcilerError with these words; tried again with backoff (5 ms, doubling), and not told again."""
        self.not_ready(kind, name, "ReconcilerError", message)
        self.rests()
        mark = Suite.audit.mark()
        self.always(lambda: True, "", 3)
        tries = [e for e in self.writes() if e.what == refused]
        self.assertIn(len(tries), range(2, 13), tries)
        self.assertEqual([], [e for e in self.writes(mark) if 200 <= e.code < 300])

    def test_a_name_that_no_service_can_have_is_told(self):
        name = "dots.are.not-for-services"
        self.sandbox(name)
        self.told_and_quiet("sandboxes", name, "^Error seen: .*(DNS-1035|DNS-1123|metadata.name)", "create services")

    def test_a_name_that_no_service_can_have_still_gets_its_pod(self):
        name = "dots.are.not-for-services"
        self.sandbox(name)
        self.when("pods", name, is_ready, "Ready")

    def test_a_name_longer_than_a_label_is_told(self):
        name = "n" * 100
        self.sandbox(name)
        self.not_ready("sandboxes", name, "ReconcilerError", "^Error seen: .*63")

    def test_a_claim_passes_the_refusal_of_its_sandbox_on(self):
        self.template()
        self.claim("dots.are.not-for-services")
        self.not_ready("sandboxclaims", "dots.are.not-for-services", "ReconcilerError", ".")

    def test_a_pod_that_the_server_refuses_is_told_in_its_words(self):
        self.sandbox(template=REFUSED)
        self.told_and_quiet("sandboxes", "sb", '^Error seen: .*Unsupported value: "Sometimes"', "create pods")

    def test_a_pod_of_a_claim_that_the_server_refuses_is_told(self):
        self.template(template=REFUSED)
        self.claim()
        self.not_ready("sandboxclaims", "claim", "ReconcilerError", 'Unsupported value: "Sometimes"')

    def test_a_pool_whose_pods_the_server_refuses_does_not_storm(self):
        self.template(template=REFUSED)
        self.pool(replicas=10)
        self.always(lambda: not self.pods(), "no pods", 3)
        writes = [e for e in self.writes(what="create pods") if not e.dry_run]
        # 5 ms doubling makes ten tries in three seconds; the pool's own status writes wake it a few times more.
        self.assertLessEqual(len(writes), 16)

    def test_a_mended_sandbox_goes_on(self):
        self.sandbox(template=REFUSED)
        self.not_ready("sandboxes", "sb", "ReconcilerError")
        self.patch("sandboxes", "sb", {"spec": {"podTemplate": {"spec": {"restartPolicy": "Always"}}}})
        self.ready("sandboxes", "sb")

    def test_quota_is_told(self):
        self.api.create("resourcequotas", self.ns, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
        self.eventually(lambda: (self.api.get("resourcequotas", self.ns, "none").get("status") or {}).get("hard"),
                        "the quota is known")
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError", "^Error seen: .*exceeded quota")


class Foreign(Case):
    def test_a_pod_of_another_sandbox_is_not_taken(self):
        other = self.sandbox("other", replicas=0)
        self.ready("sandboxes", "other")
        before = dict(self.pod("sb", owner=self.stranger()), kind="Pod")
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError", "ConfigMap.*stranger|stranger.*ConfigMap")
        self.assert_untouched(before)
        self.assertEqual(other["metadata"]["uid"], self.get("sandboxes", "other")["metadata"]["uid"])

    def service(self, **meta):
        made = self.api.create("services", self.ns, {"metadata": dict(meta, name="sb"), "spec": {
            "clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 1}]}})
        return dict(made, kind="Service")

    def test_a_service_without_an_owner_is_not_changed(self):
        before = self.service()
        self.sandbox()
        self.not_ready("sandboxes", "sb", None, ".")
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(before)

    def test_a_service_of_another_owner_is_not_changed_and_named(self):
        before = self.service(ownerReferences=[self.owner_reference(self.stranger())])
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError", "stranger")
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(before)
        self.delete("sandboxes", "sb")
        self.gone("sandboxes", "sb")
        self.assert_untouched(before)

    def test_when_a_foreign_service_goes_the_sandbox_goes_on(self):
        self.service(ownerReferences=[self.owner_reference(self.stranger())])
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError")
        self.delete("services", "sb")
        self.ready("sandboxes", "sb")

    def test_a_volume_claim_of_another_owner_is_not_changed(self):
        storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        made = self.api.create("persistentvolumeclaims", self.ns, {"metadata": {
            "name": "data-sb", "ownerReferences": [self.owner_reference(self.stranger())]}, "spec": storage})
        self.sandbox(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": storage}])
        self.not_ready("sandboxes", "sb", "ReconcilerError", "data-sb")
        now = self.get("persistentvolumeclaims", "data-sb")
        self.assertEqual(made["metadata"]["ownerReferences"], now["metadata"]["ownerReferences"])
        self.assertFalse(deleting(now))


class Forged(Case):
    def test_an_owner_with_the_name_but_another_group_is_no_owner(self):
        """A ConfigMap named as the Sandbox controls the pod: kind and group count."""
        before = dict(self.pod("sb", owner=self.stranger("sb")), kind="Pod")
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError", ".")
        self.assert_untouched(before)

    def test_an_owner_that_does_not_control_is_no_owner(self):
        """The Sandbox is named among the owners, but another controls the pod."""
        sandbox = self.sandbox(replicas=0)
        self.ready("sandboxes", "sb")
        made = self.api.create("pods", self.ns, {"spec": pod_spec(automountServiceAccountToken=False), "metadata": {
            "name": "sb", "ownerReferences": [self.owner_reference(self.stranger()),
                                              self.owner_reference(sandbox, controller=False)]}})
        self.patch("sandboxes", "sb", {"spec": {"replicas": 1}})
        self.not_ready("sandboxes", "sb", "ReconcilerError", ".")
        self.assert_untouched(dict(made, kind="Pod"))

    def test_labels_alone_make_no_pod_ours(self):
        sandbox = self.sandbox()
        self.ready("sandboxes", "sb")
        forged = dict(self.pod("forged", labels={NAME_HASH: name_hash("sb"), SANDBOX_UID: sandbox["metadata"]["uid"]}),
                      kind="Pod")
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.gone("pods", "sb")
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(forged)


class Large(Case):
    def test_a_sandbox_of_a_megabyte_works(self):
        template = pod_template()
        template["spec"]["containers"][0]["env"] = [{"name": f"V{i}", "value": "x" * 90000} for i in range(12)]
        self.sandbox(template=template)
        self.ready("sandboxes", "sb", 30)
        self.assertEqual(12, len(self.get("pods", "sb")["spec"]["containers"][0]["env"]))

    def test_a_claim_of_a_large_template_works(self):
        template = pod_template()
        template["spec"]["containers"][0]["env"] = [{"name": f"V{i}", "value": "x" * 90000} for i in range(10)]
        self.template(template=template)
        self.pool(replicas=2)
        self.pool_at_rest(seconds=30)
        self.claim()
        self.ready("sandboxclaims", "claim", 30)

    def test_many_sandboxes_at_once(self):
        for number in range(100):
            self.sandbox(f"sb-{number}")
        self.eventually(lambda: sum(is_ready(s) for s in self.api.list("sandboxes", self.ns)) == 100, "all Ready", 60)
