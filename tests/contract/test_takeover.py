# SPDX-License-Identifier: Apache-2.0
"""Taking over from the public Go controller, which was stopped between its writes for some claims."""

from controller import Controller, forget_leases
from suite import *


class Takeover(Case):
    own_controller = True

    def setUp(self):
        super().setUp()
        forget_leases(self.api)
        self.running = []
        self.addCleanup(lambda: [c.process and c.process.stop() for c in self.running])

    def start(self, **how):
        self.controller = Controller(Suite.cluster, leader_elect=False, **how)
        self.running.append(self.controller)
        self.controller.start(30)

    def pooled(self, replicas):
        """A full pool that nobody looks after any more; the names of its pods."""
        self.start()
        self.template()
        self.pool(replicas=replicas)
        self.pool_at_rest(seconds=30)
        self.controller.process.stop()
        return sorted(self.pool_pods())

    def take(self, pod, claim_uid, sandbox):
        """The first write of a claim: nobody owns the pod any more."""
        self.patch("pods", pod, {"metadata": {
            "ownerReferences": None,
            "labels": {POOL: None, TEMPLATE_HASH: None, CLAIM_UID: claim_uid, NAME_HASH: name_hash(sandbox)}}})
        return self.get("pods", pod)

    def name(self, claim, pod):
        """The second: the Sandbox names the pod."""
        template = pod_template(labels={CLAIM_UID: claim["metadata"]["uid"]}, automountServiceAccountToken=False)
        self.create("sandboxes", claim["metadata"]["name"], {"podTemplate": template, "replicas": 1},
                    annotations={POD_NAME: pod},
                    ownerReferences=[self.owner_reference(claim, blockOwnerDeletion=True)])

    def deleted_and_told(self, pod):
        self.gone("pods", pod, seconds=30)
        self.eventually(lambda: self.events("OrphanedPodDeleted", pod), f"an event about {pod}", 30)

    def test_no_pod_is_left_without_an_owner(self):
        pods = self.pooled(12)
        named, unnamed, gone = pods[:4], pods[4:8], pods[8:10]
        claims = [self.claim(f"claim-{number}") for number in range(8)]
        uids = {pod: self.take(pod, claim["metadata"]["uid"], claim["metadata"]["name"])["metadata"]["uid"]
                for pod, claim in zip(named + unnamed, claims)}
        for pod, claim in zip(named, claims):
            self.name(claim, pod)
        for pod in gone:
            self.take(pod, "00000000-1111-2222-3333-444444444444", "gone")
        self.start()
        for claim in claims:
            self.ready("sandboxclaims", claim["metadata"]["name"], seconds=60)
        for pod, claim in zip(named, claims):
            self.assertEqual(uids[pod], self.get("pods", pod)["metadata"]["uid"])
            self.assert_controlled(self.get("pods", pod), self.get("sandboxes", claim["metadata"]["name"]), "Sandbox")
        for pod in unnamed + gone:
            self.deleted_and_told(pod)
        self.pool_at_rest(seconds=60)
        self.assertEqual([], [p["metadata"]["name"] for p in self.pods() if not controller_of(p)])

    def test_a_pod_that_only_looks_like_one_is_left_alone(self):
        pods = self.pooled(1)
        kept = [self.pod("one-label", labels={CLAIM_UID: "u"}),
                self.pod("other-label", labels={NAME_HASH: "aaaaaaaa"}),
                self.pod("owned", owner=self.stranger(), labels={CLAIM_UID: "u", NAME_HASH: "aaaaaaaa"}),
                self.pod("had", labels={CLAIM_UID: "u", NAME_HASH: "aaaaaaaa", "agents.x-k8s.io/sandbox-uid": "s"})]
        self.take(pods[0], "00000000-1111-2222-3333-444444444444", "gone")
        self.start()
        self.deleted_and_told(pods[0])
        for pod in kept:
            self.assert_untouched(dict(pod, kind="Pod"))

    def test_without_extensions_no_pod_is_touched(self):
        pod = self.take(self.pooled(1)[0], "00000000-1111-2222-3333-444444444444", "gone")
        self.start(extensions=False)
        self.sandbox()
        self.ready("sandboxes", "sb", seconds=30)
        self.always(lambda: True, "", 6)
        self.assert_untouched(dict(pod, kind="Pod"))
