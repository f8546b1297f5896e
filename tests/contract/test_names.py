# SPDX-License-Identifier: Apache-2.0
"""Names, labels, annotations."""

import hashlib

from suite import *


def two_names_with_one_hash():
    """Two names whose 32 bit hash is the same; among 200,000 random names there are several."""
    seen = {}
    for number in range(1_000_000):
        name = "twin-" + hashlib.md5(str(number).encode()).hexdigest()[:8]
        other = seen.setdefault(name_hash(name), name)
        if other != name:
            return other, name
    raise AssertionError("no two names with one hash")


class Names(Case):
    def warm(self, template=None, **claim):
        """A claim that got a pool's pod: (claim, sandbox, pod, that pod while it was the pool's)."""
        self.template(template=template)
        self.pool()
        self.pool_at_rest()
        before = next(iter(self.pool_pods().values()))
        self.claim(**claim)
        claim = self.ready("sandboxclaims", "claim")
        return claim, self.get("sandboxes", "claim"), self.get("pods", before["metadata"]["name"]), before

    def test_the_hash_is_fnv_1a(self):
        # The pool of the public guide and the label its pods carry there.
        self.assertEqual("99619c39", name_hash("python-warmpool"))
        self.sandbox("python-warmpool")
        pod = self.eventually(lambda: self.get("pods", "python-warmpool"), "the pod")
        self.assertEqual("99619c39", labels(pod)[NAME_HASH])

    def test_name_hash_is_on_pod_and_service(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        for kind in ("pods", "services"):
            self.assertEqual(name_hash("sb"), labels(self.get(kind, "sb"))[NAME_HASH], kind)

    def test_sandbox_uid_is_on_the_pod_and_in_the_selector(self):
        uid = self.sandbox()["metadata"]["uid"]
        self.ready("sandboxes", "sb")
        self.assertEqual(uid, labels(self.get("pods", "sb"))[SANDBOX_UID])
        self.assertEqual({NAME_HASH: name_hash("sb"), SANDBOX_UID: uid}, self.get("services", "sb")["spec"]["selector"])

    def test_two_sandboxes_with_one_hash_keep_their_traffic_apart(self):
        names = two_names_with_one_hash()
        for name in names:
            self.sandbox(name)
        for name, other in (names, names[::-1]):
            self.ready("sandboxes", name)
            selector = self.get("services", name)["spec"]["selector"]
            self.assertLessEqual(selector.items(), labels(self.get("pods", name)).items())
            self.eventually(lambda o=other: self.get("pods", o), "the other's pod")
            self.assertFalse(selector.items() <= labels(self.get("pods", other)).items())

    def test_a_pool_pod_carries_pool_template_and_template_content(self):
        self.template()
        self.pool()
        self.pool_at_rest()
        pod = next(iter(self.pool_pods().values()))
        self.assertEqual(name_hash("pool"), labels(pod)[POOL])
        self.assertEqual(name_hash("tmpl"), labels(pod)[TEMPLATE_HASH])
        self.assertRegex(annotations(pod)[POD_TEMPLATE_HASH], "^[0-9a-f]{64}$")

    def test_adoption_takes_the_pool_labels_away_and_adds_the_sandbox_ones(self):
        claim, sandbox, pod, before = self.warm()
        self.assertEqual(before["metadata"]["uid"], pod["metadata"]["uid"])
        self.assertNotIn(POOL, labels(pod))
        self.assertNotIn(TEMPLATE_HASH, labels(pod))
        self.assertEqual(name_hash("claim"), labels(pod)[NAME_HASH])
        self.assertEqual(sandbox["metadata"]["uid"], labels(pod)[SANDBOX_UID])
        self.assertEqual(claim["metadata"]["uid"], labels(pod)[CLAIM_UID])

    def test_the_sandbox_names_the_adopted_pod(self):
        _, sandbox, pod, _ = self.warm()
        self.assertEqual(pod["metadata"]["name"], annotations(sandbox)[POD_NAME])

    def test_claim_uid_is_on_the_pod_template_and_on_a_cold_pod(self):
        self.template()
        uid = self.claim()["metadata"]["uid"]
        self.ready("sandboxclaims", "claim")
        template = self.get("sandboxes", "claim")["spec"]["podTemplate"]
        self.assertEqual(uid, template["metadata"]["labels"][CLAIM_UID])
        self.assertEqual(uid, labels(self.get("pods", "claim"))[CLAIM_UID])

    def test_the_trace_context_of_a_claim_reaches_its_sandbox(self):
        carrier = '{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}'
        _, sandbox, _, _ = self.warm(annotations={TRACE_CONTEXT: carrier})
        self.assertEqual(carrier, annotations(sandbox)[TRACE_CONTEXT])

    def test_labels_of_a_template_do_not_override_ours(self):
        forged = {key: "forged" for key in (NAME_HASH, SANDBOX_UID, CLAIM_UID, POOL, TEMPLATE_HASH)}
        claim, sandbox, pod, before = self.warm(pod_template(labels=dict(forged, mine="yes")))
        self.assertEqual(name_hash("pool"), labels(before)[POOL])
        self.assertEqual(name_hash("tmpl"), labels(before)[TEMPLATE_HASH])
        self.assertEqual(name_hash("claim"), labels(pod)[NAME_HASH])
        self.assertEqual(sandbox["metadata"]["uid"], labels(pod)[SANDBOX_UID])
        self.assertEqual(claim["metadata"]["uid"], labels(pod)[CLAIM_UID])
        self.assertEqual("yes", labels(pod)["mine"])

    def test_labels_of_a_plain_sandbox_template_do_not_override_ours(self):
        uid = self.sandbox(template=pod_template(labels={NAME_HASH: "forged", SANDBOX_UID: "forged"}))["metadata"]["uid"]
        self.ready("sandboxes", "sb")
        pod = self.get("pods", "sb")
        self.assertEqual((name_hash("sb"), uid), (labels(pod)[NAME_HASH], labels(pod)[SANDBOX_UID]))

    def test_the_selector_is_the_hash_and_empty_without_a_pod(self):
        self.sandbox()
        self.assertEqual(f"{NAME_HASH}={name_hash('sb')}", self.ready("sandboxes", "sb")["status"]["selector"])
        self.patch("sandboxes", "sb", {"spec": {"replicas": 0}})
        self.when("sandboxes", "sb", lambda s: s["status"]["replicas"] == 0 and not s["status"].get("selector"),
                  "no selector")

    def test_pod_and_service_of_the_go_controller_get_the_sandbox_uid(self):
        uid = self.sandbox()["metadata"]["uid"]
        self.ready("sandboxes", "sb")
        self.patch("pods", "sb", {"metadata": {"labels": {SANDBOX_UID: None}}})
        self.patch("services", "sb", {"spec": {"selector": {SANDBOX_UID: None}}})
        self.when("pods", "sb", lambda p: labels(p).get(SANDBOX_UID) == uid, "sandbox-uid label")
        self.when("services", "sb", lambda s: s["spec"]["selector"].get(SANDBOX_UID) == uid, "sandbox-uid selector")
