# SPDX-License-Identifier: Apache-2.0
"""Sandbox: its pod, Service, volumes and condition."""

from suite import *

STORAGE = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
CLAIM_TEMPLATE = {"metadata": {"name": "data", "labels": {"tier": "x"}, "annotations": {"note": "y"}}, "spec": STORAGE}


class Sandbox(Case):
    def message(self, text):
        def so(obj):
            c = condition(obj)
            return (c.get("status"), c.get("reason"), c.get("message")) == ("False", "DependenciesNotReady", text)
        return self.when("sandboxes", "sb", so, text)

    # ---- pod ---------------------------------------------------------------------------------------

    def test_pod_has_the_name_labels_annotations_and_owner_of_the_sandbox(self):
        sandbox = self.sandbox(template=pod_template(labels={"mine": "1"}, annotations={"note": "2"}))
        self.ready("sandboxes", "sb")
        pod = self.get("pods", "sb")
        self.assert_controlled(pod, sandbox, "Sandbox")
        self.assertEqual("1", labels(pod)["mine"])
        self.assertEqual("2", annotations(pod)["note"])
        self.assertEqual("example.com/none", pod["spec"]["containers"][0]["image"])

    def test_a_pod_of_its_name_without_a_controller_is_adopted(self):
        before = self.pod("sb")
        sandbox = self.sandbox()
        self.ready("sandboxes", "sb")
        pod = self.get("pods", "sb")
        self.assertEqual(before["metadata"]["uid"], pod["metadata"]["uid"])
        self.assert_controlled(pod, sandbox, "Sandbox")
        self.assertEqual(name_hash("sb"), labels(pod)[NAME_HASH])
        self.assertEqual(sandbox["metadata"]["uid"], labels(pod)[SANDBOX_UID])

    def test_a_pod_of_its_name_with_another_controller_is_an_error_until_it_goes(self):
        stranger = self.stranger()
        before = dict(self.pod("sb", owner=stranger), kind="Pod")
        self.sandbox()
        self.not_ready("sandboxes", "sb", "ReconcilerError", "^Error seen: .*stranger")
        self.assert_untouched(before)
        self.delete("pods", "sb")
        self.ready("sandboxes", "sb")
        self.assertNotEqual(before["metadata"]["uid"], self.get("pods", "sb")["metadata"]["uid"])

    def test_a_lost_pod_of_its_own_name_is_made_again(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        before = self.get("pods", "sb")
        self.delete("pods", "sb", gracePeriodSeconds=0)
        self.gone("pods", "sb", before["metadata"]["uid"])
        self.when("pods", "sb", lambda p: p["metadata"]["uid"] != before["metadata"]["uid"], "a new pod")
        self.ready("sandboxes", "sb")

    def test_the_annotation_names_no_pod_without_an_owner(self):
        victim = dict(self.pod("victim"), kind="Pod")
        self.sandbox(annotations={POD_NAME: "victim"})
        self.eventually(lambda: condition(self.get("sandboxes", "sb")), "a condition")
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.always(lambda: self.get("pods", "victim"), "the foreign pod stays", 1)
        self.assert_untouched(victim)

    def test_the_annotation_names_no_pod_of_another_controller(self):
        victim = dict(self.pod("victim", owner=self.stranger()), kind="Pod")
        self.sandbox(annotations={POD_NAME: "victim"})
        self.eventually(lambda: condition(self.get("sandboxes", "sb")), "a condition")
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.always(lambda: self.get("pods", "victim"), "the foreign pod stays", 1)
        self.assert_untouched(victim)

    def test_the_annotation_names_no_pod_of_another_sandbox(self):
        self.sandbox("other")
        self.ready("sandboxes", "other")
        victim = dict(self.get("pods", "other"), kind="Pod")
        self.sandbox(annotations={POD_NAME: "other"})
        self.eventually(lambda: condition(self.get("sandboxes", "sb")), "a condition")
        self.assert_untouched(victim)
        self.ready("sandboxes", "other")

    def test_a_plain_sandbox_never_takes_a_pod_of_a_pool(self):
        self.template()
        self.pool()
        self.pool_at_rest()
        victim = dict(next(iter(self.pool_pods().values())), kind="Pod")
        self.sandbox(annotations={POD_NAME: victim["metadata"]["name"]})
        self.eventually(lambda: condition(self.get("sandboxes", "sb")), "a condition")
        self.always(lambda: victim["metadata"]["name"] in self.pool_pods(), "the pool keeps its pod", 1)
        self.assert_untouched(victim)

    # ---- Service -----------------------------------------------------------------------------------

    def test_service_is_headless_and_owned(self):
        sandbox = self.sandbox()
        self.ready("sandboxes", "sb")
        service = self.get("services", "sb")
        self.assertEqual("None", service["spec"]["clusterIP"])
        self.assert_controlled(service, sandbox, "Sandbox")

    def test_status_names_the_service_and_its_address(self):
        self.sandbox()
        status = self.ready("sandboxes", "sb")["status"]
        self.assertEqual("sb", status["service"])
        self.assertEqual(f"sb.{self.ns}.svc.cluster.local", status["serviceFQDN"])

    def test_a_service_that_was_there_before_is_named_in_the_status(self):
        self.sandbox(replicas=0)
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"status": {"service": None, "serviceFQDN": None}}, sub="status")
        self.when("sandboxes", "sb", lambda s: s["status"].get("serviceFQDN") == f"sb.{self.ns}.svc.cluster.local"
                  and s["status"].get("service") == "sb", "the Service in the status")

    def test_a_deleted_service_is_made_again(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        uid = self.get("services", "sb")["metadata"]["uid"]
        self.delete("services", "sb")
        self.when("services", "sb", lambda s: s["metadata"]["uid"] != uid, "a new Service")
        self.ready("sandboxes", "sb")

    # ---- volumes -----------------------------------------------------------------------------------

    def test_volume_claims_are_made_owned_and_mounted(self):
        template = pod_template()
        template["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        sandbox = self.sandbox(template=template, volumeClaimTemplates=[CLAIM_TEMPLATE])
        self.ready("sandboxes", "sb")
        claim = self.get("persistentvolumeclaims", "data-sb")
        self.assert_controlled(claim, sandbox, "Sandbox")
        self.assertEqual(("x", "y"), (labels(claim)["tier"], annotations(claim)["note"]))
        self.assertEqual("1Gi", claim["spec"]["resources"]["requests"]["storage"])
        volumes = {v["name"]: v for v in self.get("pods", "sb")["spec"]["volumes"]}
        self.assertEqual("data-sb", volumes["data"]["persistentVolumeClaim"]["claimName"])

    def test_volume_claims_stay_while_the_sandbox_rests(self):
        self.sandbox(volumeClaimTemplates=[CLAIM_TEMPLATE])
        self.ready("sandboxes", "sb")
        uid = self.get("persistentvolumeclaims", "data-sb")["metadata"]["uid"]
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.gone("pods", "sb")
        self.patch("sandboxes", "sb", {"spec": {"replicas": 1}})
        self.eventually(lambda: self.get("pods", "sb"), "the pod is back")
        self.assertEqual(uid, self.get("persistentvolumeclaims", "data-sb")["metadata"]["uid"])

    # ---- replicas ----------------------------------------------------------------------------------

    def test_replicas_0_deletes_the_pod_and_keeps_the_service(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        service = self.get("services", "sb")["metadata"]["uid"]
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.gone("pods", "sb")
        sandbox = self.when("sandboxes", "sb", lambda s: is_ready(s) and s["status"]["replicas"] == 0, "stopped")
        self.assertEqual("Pod does not exist, replicas is 0; Service Exists", condition(sandbox)["message"])
        self.assertEqual(service, self.get("services", "sb")["metadata"]["uid"])

    def test_replicas_1_brings_the_pod_back(self):
        self.sandbox(replicas=0)
        self.ready("sandboxes", "sb")
        self.assertIsNone(self.get("pods", "sb"))
        self.patch("sandboxes", "sb", {"spec": {"replicas": 1}})
        self.when("sandboxes", "sb", lambda s: is_ready(s) and s["status"]["replicas"] == 1, "running again")

    def test_replicas_0_drops_the_annotation_and_the_adopted_pod(self):
        self.template()
        self.pool()
        self.pool_at_rest()
        self.claim("sb")
        self.ready("sandboxes", "sb")
        pod = annotations(self.get("sandboxes", "sb"))[POD_NAME]
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.gone("pods", pod)
        self.when("sandboxes", "sb", lambda s: POD_NAME not in annotations(s), "no pod-name annotation")

    def test_replicas_0_deletes_no_foreign_pod(self):
        before = dict(self.pod("sb", owner=self.stranger()), kind="Pod")
        self.sandbox(replicas=0)
        self.eventually(lambda: condition(self.get("sandboxes", "sb")), "a condition")
        self.always(lambda: self.get("pods", "sb"), "the foreign pod stays", 1)
        self.assert_untouched(before)

    # ---- condition ---------------------------------------------------------------------------------

    def test_ready_says_pod_and_service(self):
        sandbox = self.sandbox()
        status = self.ready("sandboxes", "sb")["status"]
        self.assertEqual(1, len(status["conditions"]))
        ready = status["conditions"][0]
        self.assertEqual(("Ready", "DependenciesReady", "Pod is Ready; Service Exists"),
                         (ready["type"], ready["reason"], ready["message"]))
        self.assertEqual(sandbox["metadata"]["generation"], ready["observedGeneration"])
        self.assertEqual(1, status["replicas"])

    def test_a_pending_pod_is_told_by_its_phase(self):
        self.sandbox(template=pod_template("pending"))
        self.message("Pod exists with phase: Pending; Service Exists")

    def test_a_failed_pod_is_told_by_its_phase(self):
        self.sandbox(template=pod_template("failed", restartPolicy="Never"))
        self.message("Pod exists with phase: Failed; Service Exists")

    def test_a_succeeded_pod_is_told_by_its_phase(self):
        self.sandbox(template=pod_template("succeeded", restartPolicy="Never"))
        self.message("Pod exists with phase: Succeeded; Service Exists")

    def test_a_running_pod_that_is_not_ready_is_told(self):
        self.sandbox(template=pod_template("never-ready"))
        self.message("Pod is Running but not Ready; Service Exists")

    def test_the_condition_follows_the_pod(self):
        self.sandbox()
        first = condition(self.ready("sandboxes", "sb"))
        self.hold("sb", "never-ready")
        self.message("Pod is Running but not Ready; Service Exists")
        self.hold("sb", None)
        second = condition(self.ready("sandboxes", "sb"))
        self.assertLessEqual(first["lastTransitionTime"], second["lastTransitionTime"])

    def test_observed_generation_follows_the_spec(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(3600)}})
        self.when("sandboxes", "sb", lambda s: condition(s).get("observedGeneration") == 2, "generation 2 observed")

    def test_foreign_conditions_do_not_stay(self):
        self.sandbox()
        status = self.ready("sandboxes", "sb")["status"]
        extra = dict(status["conditions"][0], type="Other")
        self.patch("sandboxes", "sb", {"status": {"conditions": status["conditions"] + [extra]}}, sub="status")
        self.when("sandboxes", "sb", lambda s: [c["type"] for c in s["status"]["conditions"]] == ["Ready"],
                  "exactly one condition")

    def test_a_sandbox_at_rest_is_not_written(self):
        self.sandbox(volumeClaimTemplates=[CLAIM_TEMPLATE])
        self.ready("sandboxes", "sb")
        self.rests()
        mark = Suite.audit.mark()
        self.patch("sandboxes", "sb", {"metadata": {"annotations": {"touched": "1"}}})
        self.patch("pods", "sb", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: True, "", 0.7)
        self.assertEqual([], self.writes(mark))

    def test_a_cold_sandbox_costs_three_writes_and_its_states(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        writes = [e.what for e in self.writes(settle=0.3) if "events" not in e.what]
        self.assertEqual(1, writes.count("create pods"), writes)
        self.assertEqual(1, writes.count("create services"), writes)
        self.assertLessEqual(writes.count("patch sandboxes/status"), 3, writes)
        self.assertEqual(set(), set(writes) - {"create pods", "create services", "patch sandboxes/status"})

    # ---- the end -----------------------------------------------------------------------------------

    def test_a_deleted_sandbox_leaves_nothing(self):
        self.sandbox(volumeClaimTemplates=[CLAIM_TEMPLATE])
        self.ready("sandboxes", "sb")
        self.delete("sandboxes", "sb")
        for kind, name in (("pods", "sb"), ("services", "sb"), ("persistentvolumeclaims", "data-sb")):
            self.gone(kind, name)

    def test_a_sandbox_being_deleted_is_left_alone(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"metadata": {"finalizers": ["test.example.com/wait"]}})
        self.delete("sandboxes", "sb")
        mark = Suite.audit.mark()
        self.delete("pods", "sb", gracePeriodSeconds=0)
        self.always(lambda: True, "", 1)
        made = self.get("pods", "sb")
        self.patch("sandboxes", "sb", {"metadata": {"finalizers": None}})
        self.assertTrue(made is None or deleting(made), "a pod was made for a Sandbox being deleted")
        self.assertEqual([], self.writes(mark))
