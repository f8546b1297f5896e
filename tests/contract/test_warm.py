# SPDX-License-Identifier: Apache-2.0
"""SandboxClaim, the warm path: pods of pools."""

import collections
import time

from suite import *


class Warm(Case):
    def pooled(self, replicas=1, template=None, **spec):
        """A template and a pool at rest; its pods by name."""
        self.template(template=template, **spec)
        self.pool(replicas=replicas)
        self.pool_at_rest()
        return self.pool_pods()

    def pod_of(self, claim="claim"):
        return annotations(self.ready("sandboxes", claim)).get(POD_NAME)

    def test_a_claim_takes_a_pod_of_the_pool(self):
        before = self.pooled(2)
        self.claim()
        self.ready("sandboxclaims", "claim")
        name = self.pod_of()
        self.assertIn(name, before)
        pod = self.get("pods", name)
        self.assertEqual(before[name]["metadata"]["uid"], pod["metadata"]["uid"])
        self.assert_controlled(pod, self.get("sandboxes", "claim"), "Sandbox")
        self.assertEqual(1, len(pod["metadata"]["ownerReferences"]))
        self.assertIsNone(self.get("pods", "claim"))

    def test_it_is_told_by_an_event(self):
        self.pooled()
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.eventually(lambda: self.events("SandboxProvisioned", "claim"), "event SandboxProvisioned")

    def test_the_pool_is_filled_again(self):
        before = self.pooled(2)
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.pool_at_rest()
        self.assertEqual(1, len(set(self.pool_pods()) - set(before)))

    def test_a_claim_costs_six_writes(self):
        self.pooled(2)
        self.rests()
        mark = Suite.audit.mark()
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.pool_at_rest()
        self.always(lambda: True, "", 1)
        count = collections.Counter(e.what for e in self.writes(mark))
        pool_status = count.pop("patch sandboxwarmpools/status", 0)
        events = sum(count.pop(what, 0) for what in ("create events", "patch events"))
        self.assertEqual({"create sandboxes": 1, "patch pods": 1, "create services": 1, "patch sandboxes/status": 1,
                          "patch sandboxclaims/status": 1, "create pods": 1}, dict(count))
        self.assertLessEqual(events, 1)
        self.assertLessEqual(pool_status, 3)

    def test_without_a_pool_it_starts_cold(self):
        self.template()
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.assertIsNone(self.pod_of())
        self.assertIsNotNone(self.get("pods", "claim"))

    def test_with_an_empty_pool_it_starts_cold(self):
        self.template()
        self.pool(replicas=0)
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.assertIsNotNone(self.get("pods", "claim"))

    def test_a_pool_of_another_template_is_not_touched(self):
        before = self.pooled()
        self.template("other")
        self.claim(template="other")
        self.ready("sandboxclaims", "claim")
        self.assertEqual(set(before), set(self.pool_pods()))
        self.assertIsNone(self.pod_of())

    def test_a_ready_pod_goes_first(self):
        before = list(self.pooled(3))
        for name in before[:2]:
            self.hold(name, "never-ready")
        self.when("sandboxwarmpools", "pool", lambda p: p["status"]["readyReplicas"] == 1, "one Ready")
        self.claim()
        self.assertEqual(before[2], self.pod_of())

    def test_the_longest_ready_pod_goes_first(self):
        before = sorted(self.pooled(3))
        self.always(lambda: True, "", 1.1)  # times have a second's grain
        for name in (before[0], before[2]):
            self.hold(name, "never-ready")
        self.when("sandboxwarmpools", "pool", lambda p: p["status"]["readyReplicas"] == 1, "one Ready")
        for name in (before[0], before[2]):
            self.hold(name, None)
        self.pool_at_rest()
        self.claim()
        self.assertEqual(before[1], self.pod_of())

    def test_a_pod_being_deleted_is_not_taken(self):
        name = next(iter(self.pooled()))
        self.patch("pods", name, {"metadata": {"annotations": {"test/keep": "yes"}}})
        self.delete("pods", name)
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.assertNotEqual(name, self.pod_of())
        self.patch("pods", name, {"metadata": {"annotations": {"test/keep": None}}})

    def test_a_failed_pod_is_not_taken(self):
        for hold in ("failed", "succeeded"):
            with self.subTest(hold):
                name, claim = "pool-" + hold, "claim-" + hold
                self.template("tmpl-" + hold, pod_template(restartPolicy="Never"))
                self.pool(name, template="tmpl-" + hold)
                self.pool_at_rest(name)
                pod = next(iter(self.pool_pods(name)))
                self.hold(pod, hold)
                self.eventually(lambda: (self.get("pods", pod) or {"status": {"phase": "Failed"}})["status"]["phase"]
                                in ("Failed", "Succeeded"), "the pod has ended")
                self.claim(claim, "tmpl-" + hold)
                self.ready("sandboxclaims", claim)
                self.assertNotEqual(pod, self.pod_of(claim))

    def test_ten_claims_share_no_pod(self):
        self.pooled(4)
        names = [f"claim-{i}" for i in range(10)]
        for name in names:
            self.claim(name)
        for name in names:
            self.ready("sandboxclaims", name)
        pods = [p for p in self.pods() if controller_of(p).get("kind") == "Sandbox"]
        self.assertEqual(names, sorted(controller_of(p)["name"] for p in pods))
        warm = [n for n in (self.pod_of(c) for c in names) if n]
        self.assertEqual(len(warm), len(set(warm)))
        self.assertGreaterEqual(len(warm), 4)

    def test_a_pod_with_the_label_but_no_controller_is_not_taken(self):
        self.template()
        forged = dict(self.pod("forged", labels={TEMPLATE_HASH: name_hash("tmpl"), POOL: name_hash("nobody")}), kind="Pod")
        self.when("pods", "forged", is_ready, "Ready")
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.assertIsNone(self.pod_of())
        self.assert_untouched(forged)

    def test_a_pod_of_another_kind_named_like_the_pool_is_not_taken(self):
        self.template()
        self.pool(replicas=0)
        owner = self.stranger("pool")
        forged = dict(self.pod("forged", owner, labels={TEMPLATE_HASH: name_hash("tmpl"), POOL: name_hash("pool")}),
                      kind="Pod")
        self.when("pods", "forged", is_ready, "Ready")
        self.claim()
        self.ready("sandboxclaims", "claim")
        self.assertIsNone(self.pod_of())
        self.assert_untouched(forged)

    def test_an_adopted_pod_outlives_its_pool(self):
        self.pooled()
        self.claim()
        self.ready("sandboxclaims", "claim")
        pod = self.pod_of()
        self.delete("sandboxwarmpools", "pool")
        self.eventually(lambda: not self.pool_pods(), "the pool's own pods are gone")
        self.assertFalse(deleting(self.get("pods", pod)))
        self.ready("sandboxclaims", "claim")

    def test_a_pool_that_shrinks_deletes_no_claimed_pod(self):
        self.pooled(4)
        for number in range(4):
            self.claim(f"claim-{number}")
        self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": 0}})
        for number in range(4):
            self.ready("sandboxclaims", f"claim-{number}")
        self.pool_at_rest()
        for number in range(4):
            self.ready("sandboxclaims", f"claim-{number}")

    def test_a_deleted_claim_takes_its_adopted_pod_along(self):
        self.pooled()
        self.claim()
        self.ready("sandboxclaims", "claim")
        pod = self.pod_of()
        self.delete("sandboxclaims", "claim")
        self.gone("pods", pod)


class LostPod(Case):
    def lose(self):
        """A Ready claim loses its adopted pod; the name of the pod and the time."""
        self.template()
        self.pool()
        self.pool_at_rest()
        self.claim()
        self.ready("sandboxclaims", "claim")
        pod = annotations(self.get("sandboxes", "claim"))[POD_NAME]
        self.delete("pods", pod, gracePeriodSeconds=0)
        return pod, time.monotonic()

    def test_it_is_told_at_once(self):
        _, begin = self.lose()
        self.not_ready("sandboxes", "claim", "DependenciesNotReady", "^Pod does not exist; Service Exists$", 1)
        self.eventually(lambda: self.events("PodLost", "claim"), "event PodLost", 2)
        self.not_ready("sandboxclaims", "claim", "DependenciesNotReady", "^Pod does not exist", 2)

    def test_a_new_pod_is_made_not_before_two_seconds(self):
        pod, begin = self.lose()
        new = self.eventually(lambda: [p for p in self.pods() if controller_of(p).get("kind") == "Sandbox"
                                       and p["metadata"]["name"] != pod], "a new pod")
        self.assertGreaterEqual(time.monotonic() - begin, 1.9)
        self.ready("sandboxclaims", "claim")
        self.eventually(lambda: self.events("PodRecreated", "claim"), "event PodRecreated")
        self.assertNotEqual(pod, annotations(self.get("sandboxes", "claim")).get(POD_NAME))
        self.assert_controlled(new[0], self.get("sandboxes", "claim"), "Sandbox")
