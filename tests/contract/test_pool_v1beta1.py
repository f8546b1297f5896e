# SPDX-License-Identifier: Apache-2.0
"""SandboxWarmPool of v1beta1: its Sandboxes, its size, and what an autoscaler reads."""

import json

from controller import Controller
from suite import *

WARM_POOL = GROUP + "/warm-pool-sandbox"
AGENTS_BETA, EXTENSIONS_BETA = GROUP + "/v1beta1", EXTENSIONS_GROUP + "/v1beta1"


class BetaPools(Case):
    """The words of these cases."""

    def path(self, kind, name=None, sub=None):
        """The same as Client.path, in v1beta1."""
        version = AGENTS_BETA if kind == "sandboxes" else EXTENSIONS_BETA
        return "/".join(["/apis", version, "namespaces", self.ns, kind] + [p for p in (name, sub) if p])

    def read(self, kind, name, sub=None):
        return self.api.call("GET", self.path(kind, name, sub))

    def change(self, kind, name, change):
        return self.api.call("PATCH", self.path(kind, name), change, "application/merge-patch+json")

    def apply(self, *objects):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        Suite.cluster.kubectl("apply", "--namespace", self.ns, "--filename", "-", stdin=text)

    def beta_template(self, name="tmpl", template=None, **spec):
        return {"apiVersion": EXTENSIONS_BETA, "kind": "SandboxTemplate", "metadata": {"name": name},
                "spec": dict({"podTemplate": template or pod_template()}, **spec)}

    def beta_pool(self, replicas=1, **spec):
        return {"apiVersion": EXTENSIONS_BETA, "kind": "SandboxWarmPool", "metadata": {"name": "pool"},
                "spec": dict({"replicas": replicas, "sandboxTemplateRef": {"name": "tmpl"}}, **spec)}

    def members(self, terminating=True):
        """Sandboxes that the pool controls, by name."""
        items = self.api.call("GET", self.path("sandboxes"))["items"]
        return {s["metadata"]["name"]: s for s in items if controller_of(s).get("kind") == "SandboxWarmPool"
                and (terminating or not deleting(s))}

    def rest(self, replicas):
        """The pool, once it has so many members, all Ready, and its status says so."""
        def ask():
            pool = self.read("sandboxwarmpools", "pool")
            status = pool.get("status") or {}
            found = self.members()
            return (len(found) == replicas and all(is_ready(s) for s in found.values()) and status.get("replicas") == replicas
                    and status.get("readyReplicas") == replicas and pool)
        return self.eventually(ask, lambda: f"{replicas} members at rest, there are {list(self.members())}", 20)

    def pooled(self, replicas, template=None, **spec):
        self.apply(self.beta_template(template=template), self.beta_pool(replicas, **spec))
        self.rest(replicas)
        return self.members()


class PoolV1beta1(BetaPools):
    def test_a_pool_that_is_applied_becomes_ready(self):
        members = self.pooled(2, pod_template(labels={"mine": "1"}))
        pool = self.read("sandboxwarmpools", "pool")
        for name, sandbox in members.items():
            self.assertRegex(name, "^pool-.")
            self.assertEqual([{"apiVersion": EXTENSIONS_BETA, "kind": "SandboxWarmPool", "name": "pool",
                               "uid": pool["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}],
                             sandbox["metadata"]["ownerReferences"])
            self.assertEqual((name_hash("pool"), name_hash("tmpl"), "controller"),
                             tuple(labels(sandbox)[k] for k in (WARM_POOL, TEMPLATE_HASH, GROUP + "/created-by")))
            self.assertEqual("tmpl", annotations(sandbox)[GROUP + "/sandbox-template-ref"])
            self.assertEqual("1", sandbox["spec"]["podTemplate"]["metadata"]["labels"]["mine"])
            self.assertIs(False, sandbox["spec"]["podTemplate"]["spec"]["automountServiceAccountToken"])
            self.assertEqual("None", sandbox["spec"]["podTemplate"]["spec"]["dnsPolicy"])
            self.assertIsNotNone(self.get("pods", name))
        self.assertEqual({}, self.pool_pods())

    def test_an_autoscaler_reads_size_and_selector(self):
        self.pooled(2)
        scale = self.read("sandboxwarmpools", "pool", "scale")
        self.assertEqual({"replicas": 2, "selector": f"{WARM_POOL}={name_hash('pool')}"}, scale["status"])
        self.eventually(lambda: {p["metadata"]["name"] for p in self.pods(scale["status"]["selector"])} == set(self.members()),
                        "the selector finds the members' pods")
        Suite.cluster.kubectl("scale", "--namespace", self.ns, "--replicas=1",
                              "sandboxwarmpools.v1beta1.extensions.agents.x-k8s.io/pool")
        self.rest(1)

    def test_status_has_four_fields(self):
        self.pooled(1)
        self.change("sandboxwarmpools", "pool", {"spec": {"replicas": 0}})
        self.eventually(lambda: self.read("sandboxwarmpools", "pool").get("status") == {
            "replicas": 0, "readyReplicas": 0, "selector": f"{WARM_POOL}={name_hash('pool')}", "observedGeneration": 2},
            "zeros for generation 2")

    def test_recreate_replaces_stale_members_at_once(self):
        before = self.pooled(2, updateStrategy={"type": "Recreate"})
        self.apply(self.beta_template(template=pod_template(hostname="new")))
        self.eventually(lambda: not set(before) & set(self.members()), "the stale members are gone")
        self.rest(2)
        self.assertEqual({"new"}, {s["spec"]["podTemplate"]["spec"]["hostname"] for s in self.members().values()})

    def test_changed_metadata_recreates_nothing(self):
        before = self.pooled(1, updateStrategy={"type": "Recreate"})
        self.apply(self.beta_template(template=pod_template(labels={"more": "x"})))
        self.always(lambda: set(before) == set(self.members()), "the member stays", 1.5)

    def test_on_replenish_replaces_only_what_is_lost(self):
        before = self.pooled(2)
        self.apply(self.beta_template(template=pod_template(hostname="new")))
        self.always(lambda: set(before) == set(self.members()), "the members stay", 1.5)
        lost = next(iter(before))
        self.api.call("DELETE", self.path("sandboxes", lost))
        self.eventually(lambda: lost not in self.members() and len(self.members()) == 2, "a new member")
        new = [s for n, s in self.members().items() if n not in before]
        self.assertEqual(["new"], [s["spec"]["podTemplate"]["spec"]["hostname"] for s in new])

    def test_the_surplus_that_is_not_ready_goes_first(self):
        self.pooled(2)
        name = sorted(self.members())[0]
        self.hold(name, "never-ready")
        self.eventually(lambda: not is_ready(self.read("sandboxes", name)), "not Ready")
        self.change("sandboxwarmpools", "pool", {"spec": {"replicas": 1}})
        self.eventually(lambda: len(self.members()) == 1, "one member")
        self.assertNotIn(name, self.members())

    def test_members_are_never_above_replicas(self):
        self.apply(self.beta_template(), self.beta_pool(3, updateStrategy={"type": "Recreate"}))
        most = []
        def ask():
            most.append(len(self.members()))
            return max(most) <= 3
        for number in range(3):
            self.apply(self.beta_template(template=pod_template(hostname=f"host-{number}")))
            self.always(ask, "at most 3", 0.7)
        self.rest(3)

    def test_an_orphan_that_fits_is_adopted_and_another_is_deleted(self):
        before = self.pooled(2)
        lost, stale = sorted(before)
        self.change("sandboxes", lost, {"metadata": {"ownerReferences": None}})
        self.eventually(lambda: lost in self.members(), "the orphan is a member again")
        self.change("sandboxes", stale, {"metadata": {"ownerReferences": None, "labels": {TEMPLATE_HASH: "00000000"}}})
        self.eventually(lambda: stale not in {s["metadata"]["name"] for s in
                                              self.api.call("GET", self.path("sandboxes"))["items"]}, "the other is gone")
        self.rest(2)

    def test_without_its_template_no_sandboxes_are_made(self):
        self.apply(self.beta_pool(1))
        self.eventually(lambda: self.events("TemplateNotFound", "pool"), "the event")
        self.always(lambda: not self.members(), "no members", 1)
        self.apply(self.beta_template())
        self.rest(1)

    def test_an_ended_member_is_replaced(self):
        before = self.pooled(1, pod_template(restartPolicy="Never"))
        name = next(iter(before))
        self.hold(name, "failed")
        self.eventually(lambda: name not in self.members() and len(self.members()) == 1, "a new member", 20)

    def test_old_pods_stay_until_the_sandboxes_are_ready(self):
        self.apply(self.beta_template(template=pod_template("never-ready")), self.beta_pool(2, members="Pods"))
        self.eventually(lambda: len(self.pool_pods()) == 2, "two pods")
        for name in self.pool_pods():
            self.hold(name, None)
        self.eventually(lambda: all(map(is_ready, self.pool_pods().values())), "Ready pods")
        self.apply(self.beta_pool(2, members="Sandboxes"))
        self.eventually(lambda: len(self.members()) == 2, "two Sandboxes")
        self.always(lambda: len(self.pool_pods()) == 2, "the pods stay", 1)
        for name in self.members():
            self.change("sandboxes", name, {"spec": {"podTemplate": {"metadata": {"annotations": {"test/hold": None}}}}})
        self.eventually(lambda: not self.pool_pods(), "the pods are gone")
        self.rest(2)


class PoolFlagsV1beta1(BetaPools):
    """The flags of today's releases."""

    own_controller = True

    def start(self, *flags):
        controller = Controller(Suite.cluster, *flags, leader_elect=False)
        self.addCleanup(controller.stop)
        self.controller = controller
        controller.start(30)

    def test_a_member_that_is_never_ready_is_replaced_after_the_grace_period(self):
        self.start("--sandbox-warm-pool-readiness-grace-period=2s", "--enable-warm-pool-eviction=false")
        self.apply(self.beta_template(template=pod_template("never-ready")), self.beta_pool(2))
        self.eventually(lambda: len(self.members()) == 2, "two members")
        before = self.members()
        for sandbox in before.values():
            self.assertNotIn("cluster-autoscaler.kubernetes.io/safe-to-evict",
                             sandbox["spec"]["podTemplate"]["metadata"].get("annotations") or {})
        self.eventually(lambda: len(self.members()) == 2 and not set(before) & set(self.members()), "two others", 20)

    def test_a_lost_member_is_replaced_after_the_delay(self):
        self.start("--sandbox-warm-pool-replenish-delay=4s")
        before = self.pooled(2)
        begin = moment(4)
        self.api.call("DELETE", self.path("sandboxes", sorted(before)[0]))
        self.eventually(lambda: set(self.members()) - set(before), "a new member", 20)
        new = [s for n, s in self.members().items() if n not in before]
        self.assertGreaterEqual(new[0]["metadata"]["creationTimestamp"], begin)
        self.rest(2)
