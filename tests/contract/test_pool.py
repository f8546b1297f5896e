# SPDX-License-Identifier: Apache-2.0
"""SandboxWarmPool: its pods and its size."""

import time

from suite import *


class Pool(Case):
    def pooled(self, replicas=1, template=None):
        self.template(template=template)
        self.pool(replicas=replicas)
        self.pool_at_rest()
        return self.pool_pods()

    def at_most(self, history, limit):
        """No state of the namespace had more pods of the pool that were not terminating, nor ended."""
        alive, most = set(), 0
        for event, pod in history:
            name = pod["metadata"]["name"]
            counts = (event != "DELETED" and controller_of(pod).get("kind") == "SandboxWarmPool" and not deleting(pod)
                      and pod["status"].get("phase") not in ("Failed", "Succeeded"))
            (alive.add if counts else alive.discard)(name)
            most = max(most, len(alive))
        self.assertLessEqual(most, limit)
        return most

    def test_pods_are_made_from_the_template(self):
        pods = self.pooled(2, pod_template(labels={"mine": "1"}, annotations={"note": "2"}, hostname="inside"))
        pool = self.get("sandboxwarmpools", "pool")
        for name, pod in pods.items():
            self.assertRegex(name, "^pool-.")
            self.assertEqual("pool-", pod["metadata"]["generateName"])
            self.assert_controlled(pod, pool, "SandboxWarmPool")
            self.assertEqual(("1", "2"), (labels(pod)["mine"], annotations(pod)["note"]))
            self.assertEqual("inside", pod["spec"]["hostname"])

    def test_pods_get_no_service_account_token(self):
        pod = next(iter(self.pooled().values()))
        self.assertIs(False, pod["spec"]["automountServiceAccountToken"])

    def test_a_template_may_ask_for_the_token(self):
        pod = next(iter(self.pooled(1, pod_template(automountServiceAccountToken=True)).values()))
        self.assertIs(True, pod["spec"]["automountServiceAccountToken"])

    def test_status_counts_and_says_zero(self):
        self.template()
        self.pool(replicas=0)
        self.when("sandboxwarmpools", "pool", lambda p: p.get("status") == {"replicas": 0, "readyReplicas": 0}, "zeros")

    def test_status_tells_ready_from_made(self):
        self.template(template=pod_template("never-ready"))
        self.pool(replicas=2)
        self.when("sandboxwarmpools", "pool", lambda p: p.get("status") == {"replicas": 2, "readyReplicas": 0}, "2 and 0")
        for name in self.pool_pods():
            self.hold(name, None)
        self.pool_at_rest()

    def test_it_grows_and_shrinks(self):
        self.pooled(1)
        for number in (4, 2):
            self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": number}})
            self.pool_at_rest()

    def test_the_newest_surplus_goes_first(self):
        order = []
        self.template()
        self.pool(replicas=0)
        for number in (1, 2, 3):
            self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": number}})
            self.pool_at_rest()
            order += [n for n in self.pool_pods() if n not in order]
            self.always(lambda: True, "", 1.1)  # times have a second's grain
        self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": 1}})
        self.pool_at_rest()
        self.assertEqual([order[0]], list(self.pool_pods()))

    def test_a_lost_pod_is_replaced(self):
        before = self.pooled(2)
        self.delete("pods", next(iter(before)), gracePeriodSeconds=0)
        self.eventually(lambda: len(self.pool_pods()) == 2 and set(self.pool_pods()) != set(before), "a new pod")
        self.pool_at_rest()

    def test_an_ended_pod_is_replaced(self):
        before = self.pooled(2, pod_template(restartPolicy="Never"))
        for name, hold in zip(before, ("failed", "succeeded")):
            self.hold(name, hold)
        for name in before:
            self.gone("pods", name)
        self.pool_at_rest()

    def test_an_ended_pod_does_not_count(self):
        before = self.pooled(1, pod_template(restartPolicy="Never"))
        name = next(iter(before))
        self.patch("pods", name, {"metadata": {"finalizers": ["test.example.com/keep"],
                                               "annotations": {"test/hold": "failed"}}})
        self.eventually(lambda: [p for n, p in self.pool_pods().items() if n != name and is_ready(p)], "a new pod")
        self.patch("pods", name, {"metadata": {"finalizers": None}})
        self.pool_at_rest()

    def test_there_are_never_too_many_pods(self):
        self.template(template=pod_template(annotations={"test/delay": "0.3"}))
        history = History(self.api, self.ns)
        self.pool(replicas=10)
        for number in range(15):
            self.claim(f"claim-{number}")
        for number in range(15):
            self.ready("sandboxclaims", f"claim-{number}", 20)
        self.pool_at_rest(seconds=20)
        self.at_most(history.end(), 10)

    def test_status_is_written_at_most_twice_a_second(self):
        self.template(template=pod_template(annotations={"test/delay": "0.2"}))
        begin = time.monotonic()
        self.pool(replicas=20)
        self.pool_at_rest(seconds=20)
        for number in range(10):
            self.claim(f"claim-{number}")
        for number in range(10):
            self.ready("sandboxclaims", f"claim-{number}")
        self.pool_at_rest(seconds=20)
        writes = self.writes(what="patch sandboxwarmpools/status")
        self.assertLessEqual(len(writes), (time.monotonic() - begin) / 0.5 + 2)

    def test_a_pool_at_rest_is_not_written(self):
        self.pooled(2)
        self.rests()
        mark = Suite.audit.mark()
        self.patch("sandboxwarmpools", "pool", {"metadata": {"annotations": {"touched": "1"}}})
        self.patch("sandboxtemplates", "tmpl", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: True, "", 1)
        self.assertEqual([], self.writes(mark))

    def test_a_deleted_pool_leaves_nothing(self):
        self.pooled(2)
        self.delete("sandboxwarmpools", "pool")
        self.eventually(lambda: not self.pods(), "no pods")


class PoolAdoption(Case):
    def orphan(self, name, content=None, owner=None, **pod_labels):
        meta = {"labels": dict({POOL: name_hash("pool"), TEMPLATE_HASH: name_hash("tmpl")}, **pod_labels)}
        if content:
            meta["annotations"] = {POD_TEMPLATE_HASH: content}
        return dict(self.pod(name, owner, **meta), kind="Pod")

    def content(self):
        """The content hash of the pool's current pods."""
        self.template()
        self.pool(replicas=1)
        self.pool_at_rest()
        return annotations(next(iter(self.pool_pods().values())))[POD_TEMPLATE_HASH]

    def test_an_orphan_of_its_own_is_taken_back(self):
        self.orphan("orphan", self.content())
        # Seen by the controller before there is a place for it: else it may fill that place itself.
        self.when("pods", "orphan", is_ready, "Ready")
        self.always(lambda: True, "", 0.3)
        self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": 2}})
        self.when("pods", "orphan", lambda p: controller_of(p).get("name") == "pool", "the pool's")
        self.pool_at_rest()

    def test_an_orphan_of_other_content_is_left_alone(self):
        self.content()
        orphans = [self.orphan("bare"), self.orphan("other", "0" * 64)]
        self.always(lambda: True, "", 1)
        for orphan in orphans:
            self.assert_untouched(orphan)
        self.pool_at_rest()

    def test_a_pod_of_another_owner_is_left_alone(self):
        content = self.content()
        foreign = self.orphan("foreign", content, owner=self.stranger())
        self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": 0}})
        self.pool_at_rest()
        self.always(lambda: True, "", 0.5)
        self.assert_untouched(foreign)

    def test_a_template_that_sets_the_pool_label_makes_no_pods_without_end(self):
        self.template(template=pod_template(labels={POOL: "mine", TEMPLATE_HASH: "mine"}))
        self.pool(replicas=1)
        self.pool_at_rest()
        self.always(lambda: True, "", 1)
        self.assertEqual(1, len([e for e in self.writes(what="create pods") if not e.dry_run]))


class PoolTemplate(Case):
    def test_without_its_template_no_pods_are_made(self):
        self.pool(replicas=2)
        self.when("sandboxwarmpools", "pool", lambda p: p.get("status") == {"replicas": 0, "readyReplicas": 0}, "zeros")
        self.always(lambda: not self.pods(), "no pods", 1)

    def test_a_missing_template_is_told_once(self):
        self.pool(replicas=2)
        self.eventually(lambda: self.events(about="pool"), "an event")
        self.patch("sandboxwarmpools", "pool", {"spec": {"replicas": 3}})
        self.always(lambda: True, "", 1.5)
        self.assertEqual([1], [e.get("count", 1) for e in self.events(about="pool")])

    def test_it_goes_on_at_once_when_the_template_appears(self):
        self.pool(replicas=1)
        self.eventually(lambda: self.events(about="pool"), "an event")
        self.always(lambda: True, "", 1)
        self.template()
        self.eventually(lambda: self.pool_pods(), "pods", 2)
        self.pool_at_rest()

    def change(self, **spec):
        self.patch("sandboxtemplates", "tmpl", {"spec": {"podTemplate": {"spec": spec}}})

    def test_idle_pods_of_the_old_template_are_replaced(self):
        self.template()
        self.pool(replicas=3)
        self.pool_at_rest()
        before = self.pool_pods()
        history = History(self.api, self.ns)
        self.change(hostname="changed")
        self.eventually(lambda: len(self.pool_pods()) == 3 and not set(self.pool_pods()) & set(before), "all new", 20)
        self.pool_at_rest()
        self.assertEqual({"changed"}, {p["spec"].get("hostname") for p in self.pool_pods().values()})
        alive, most = set(before), 0
        for event, pod in history.end():
            counts = event != "DELETED" and not deleting(pod)
            (alive.add if counts else alive.discard)(pod["metadata"]["name"])
            most = max(most, len(alive))
        self.assertLessEqual(most, 4, "a surge of one at most")

    def test_old_pods_stay_until_the_new_are_ready(self):
        self.template()
        self.pool(replicas=2)
        self.pool_at_rest()
        before = self.pool_pods()
        self.patch("sandboxtemplates", "tmpl", {"spec": {"podTemplate": {
            "metadata": {"annotations": {"test/hold": "never-ready"}}}}})
        self.eventually(lambda: set(self.pool_pods()) - set(before), "a new pod")
        self.always(lambda: set(before) <= set(self.pool_pods()) and len(self.pool_pods()) <= 3, "old ones stay", 1.5)

    def test_claimed_pods_of_the_old_template_stay(self):
        self.template()
        self.pool(replicas=1)
        self.pool_at_rest()
        self.claim()
        self.ready("sandboxclaims", "claim")
        pod = annotations(self.get("sandboxes", "claim"))[POD_NAME]
        self.change(hostname="changed")
        self.eventually(lambda: {p["spec"].get("hostname") for p in self.pool_pods().values()} == {"changed"}, "new")
        self.assertFalse(deleting(self.get("pods", pod)))
        self.ready("sandboxclaims", "claim")

    def test_a_change_of_the_rules_alone_replaces_nothing(self):
        self.template()
        self.pool(replicas=1)
        self.pool_at_rest()
        before = self.pool_pods()
        self.patch("sandboxtemplates", "tmpl", {"spec": {"networkPolicy": {"ingress": [{}]}}})
        self.always(lambda: set(self.pool_pods()) == set(before), "the same pods", 1)
