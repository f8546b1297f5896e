# SPDX-License-Identifier: Apache-2.0
"""Shutdown times, of Sandboxes and of claims."""

import calendar
import time

from suite import *


class SandboxExpiry(Case):
    def expired(self, name="sb"):
        return self.not_ready("sandboxes", name, "SandboxExpired", "^Sandbox has expired$")

    def test_retain_deletes_pod_and_service_and_leaves_one_condition(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(-1)}})
        self.gone("pods", "sb")
        self.gone("services", "sb")
        sandbox = self.expired()
        status = sandbox["status"]
        self.assertEqual({"replicas", "conditions"}, set(k for k, v in status.items() if v not in ("", None)))
        self.assertEqual((0, 1), (status["replicas"], len(status["conditions"])))
        self.assertEqual(sandbox["metadata"]["generation"], condition(sandbox)["observedGeneration"])

    def test_retain_keeps_volume_claims(self):
        self.sandbox(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(-1)}})
        self.expired()
        self.gone("pods", "sb")
        self.assertFalse(deleting(self.get("persistentvolumeclaims", "data-sb")))

    def test_delete_deletes_the_sandbox_and_all_it_owns(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(-1), "shutdownPolicy": "Delete"}})
        for kind in ("sandboxes", "pods", "services"):
            self.gone(kind, "sb")

    def test_an_expired_sandbox_is_not_written_again(self):
        self.sandbox(shutdownTime=moment(-1))
        self.expired()
        self.rests()
        mark = Suite.audit.mark()
        self.patch("sandboxes", "sb", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: self.get("pods", "sb") is None, "no pod", 0.7)
        self.assertEqual([], self.writes(mark))

    def test_expiry_deletes_the_adopted_pod(self):
        self.template()
        self.pool()
        self.pool_at_rest()
        self.claim()
        self.ready("sandboxes", "claim")
        pod = annotations(self.get("sandboxes", "claim"))[POD_NAME]
        self.patch("sandboxes", "claim", {"spec": {"shutdownTime": moment(-1)}})
        self.gone("pods", pod)
        self.expired("claim")

    def test_expiry_deletes_no_foreign_pod_and_no_foreign_service(self):
        stranger = self.stranger()
        pod = dict(self.pod("sb", owner=stranger), kind="Pod")
        service = dict(self.api.create("services", self.ns, {
            "metadata": {"name": "sb", "ownerReferences": [self.owner_reference(stranger)]},
            "spec": {"clusterIP": "None", "selector": {"a": "b"}}}), kind="Service")
        self.sandbox(shutdownTime=moment(-1))
        self.expired()
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(pod)
        self.assert_untouched(service)

    def test_year_1_has_expired(self):
        self.sandbox(shutdownTime="0001-01-01T00:00:00Z")
        self.expired()

    def test_year_9999_has_not(self):
        self.sandbox(shutdownTime="9999-12-31T23:59:59Z")
        self.ready("sandboxes", "sb")
        self.always(lambda: is_ready(self.get("sandboxes", "sb")), "it stays Ready", 1)

    def test_offsets_are_understood(self):
        # An hour from now, told in a zone where the clock shows an hour less or more than the limit.
        self.sandbox("later", shutdownTime=moment(3600 - 7200, "%Y-%m-%dT%H:%M:%S-02:00"))
        self.sandbox("past", shutdownTime=moment(-60 + 7200, "%Y-%m-%dT%H:%M:%S+02:00"))
        self.expired("past")
        self.ready("sandboxes", "later")

    def test_fractions_are_understood(self):
        self.sandbox("past", shutdownTime=moment(-2, "%Y-%m-%dT%H:%M:%S.123456789Z"))
        self.sandbox("later", shutdownTime=moment(3600, "%Y-%m-%dT%H:%M:%S.5Z"))
        self.expired("past")
        self.ready("sandboxes", "later")

    def test_a_time_moved_away_keeps_the_sandbox(self):
        self.sandbox(shutdownTime=moment(6))
        self.patch("sandboxes", "sb", {"spec": {"shutdownTime": moment(3600)}})
        self.ready("sandboxes", "sb")
        self.always(lambda: is_ready(self.get("sandboxes", "sb")), "it stays Ready", 6.5)


class SandboxExpiryInTime(Case):
    alone = True

    def test_it_fires_at_the_time_and_not_before(self):
        text = moment(4)
        due = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        self.sandbox(shutdownTime=text)
        self.ready("sandboxes", "sb")
        self.not_ready("sandboxes", "sb", "SandboxExpired")
        late = time.time() - due
        self.assertGreaterEqual(late, 0)


class ClaimExpiry(Case):
    EXPIRED = ("ClaimExpired", "^Claim expired. Sandbox resources deleted.$")

    def running(self, **lifecycle):
        self.template()
        self.claim(**lifecycle)
        return self.ready("sandboxclaims", "claim")

    def expire(self, policy="Retain"):
        self.patch("sandboxclaims", "claim", {"spec": {"lifecycle": {"shutdownTime": moment(-1),
                                                                     "shutdownPolicy": policy}}})

    def test_delete_deletes_the_claim_and_tells(self):
        self.running()
        self.expire("Delete")
        for kind in ("sandboxclaims", "sandboxes", "pods", "services"):
            self.gone(kind, "claim")
        self.eventually(lambda: self.events("ClaimExpired", "claim"), "event ClaimExpired")

    def test_retain_deletes_the_sandbox_and_says_so(self):
        self.running()
        self.expire()
        claim = self.not_ready("sandboxclaims", "claim", *self.EXPIRED)
        self.assertEqual(claim["metadata"]["generation"], condition(claim)["observedGeneration"])
        for kind in ("sandboxes", "pods", "services"):
            self.gone(kind, "claim")

    def test_retain_tells_once(self):
        self.running()
        self.expire()
        self.not_ready("sandboxclaims", "claim", *self.EXPIRED)
        self.eventually(lambda: self.events("ClaimExpired", "claim"), "event ClaimExpired")
        self.patch("sandboxclaims", "claim", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: True, "", 1)
        self.assertEqual([1], [e.get("count", 1) for e in self.events("ClaimExpired", "claim")])

    def test_the_name_of_the_sandbox_goes_with_it(self):
        self.running()
        self.expire()
        self.not_ready("sandboxclaims", "claim", *self.EXPIRED)
        self.when("sandboxclaims", "claim", lambda c: not (c["status"].get("sandbox") or {}).get("Name"),
                  "no name of a Sandbox that is gone")

    def test_a_time_moved_into_the_future_brings_it_back(self):
        self.running()
        self.expire()
        self.not_ready("sandboxclaims", "claim", *self.EXPIRED)
        self.gone("sandboxes", "claim")
        self.patch("sandboxclaims", "claim", {"spec": {"lifecycle": {"shutdownTime": moment(3600)}}})
        self.ready("sandboxclaims", "claim")

    def test_it_deletes_no_sandbox_that_the_claim_does_not_own(self):
        self.template()
        self.sandbox("claim")
        before = dict(self.ready("sandboxes", "claim"), kind="Sandbox")
        self.claim(shutdownTime=moment(-1))
        self.eventually(lambda: condition(self.get("sandboxclaims", "claim")), "a condition")
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(before)
        self.ready("sandboxes", "claim")

    def test_an_expired_sandbox_is_not_an_expired_claim(self):
        self.running()
        self.patch("sandboxes", "claim", {"spec": {"shutdownTime": moment(-1)}})
        self.not_ready("sandboxclaims", "claim", "SandboxExpired")
        self.always(lambda: True, "", 0.5)
        self.assertEqual([], self.events("ClaimExpired"))

    def test_a_claim_in_the_past_makes_no_sandbox(self):
        self.template()
        self.claim(shutdownTime="0001-01-01T00:00:00Z")
        self.not_ready("sandboxclaims", "claim", *self.EXPIRED)
        self.assertEqual([], self.writes(what="create sandboxes"))

    def test_it_fires_by_itself(self):
        self.template()
        self.claim(shutdownTime=moment(4), shutdownPolicy="Delete")
        self.when("sandboxclaims", "claim", condition, "a condition, before its time")
        self.gone("sandboxclaims", "claim")
