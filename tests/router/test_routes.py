# SPDX-License-Identifier: Apache-2.0
"""Who can be reached: pods of live Sandboxes, while they are Ready, and nobody else."""

import time

from routersuite import *

REFUSED_ADDRESSES = ("127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "ff02::1")


class Routes(Case):
    def gone_at_once(self, name, change):
        """Known, then changed, then unknown within a second."""
        self.known(name)
        change()
        self.unknown(name, seconds=1)
        self.assertEqual(503, self.router.ask(name).status)

    def test_a_suspended_sandbox_is_a_503_and_comes_back(self):
        name = self.sandbox()
        self.gone_at_once(name, lambda: self.api.patch("sandboxes", "default", name, {"spec": {"replicas": 0}}))
        self.api.patch("sandboxes", "default", name, {"spec": {"replicas": 1}})
        self.assertEqual(200, self.router.ask(name).status)

    def test_a_deleted_sandbox_is_a_503(self):
        name = self.sandbox()
        self.gone_at_once(name, lambda: self.api.delete("sandboxes", "default", name))

    def test_a_sandbox_that_is_being_deleted_is_a_503(self):
        name = self.sandbox()
        self.api.patch("sandboxes", "default", name, {"metadata": {"finalizers": ["test.example/keep"]}})
        self.addCleanup(self.api.patch, "sandboxes", "default", name, {"metadata": {"finalizers": None}})
        self.gone_at_once(name, lambda: self.api.delete("sandboxes", "default", name))

    def test_a_pod_that_is_being_deleted_is_out_at_once(self):
        name = self.sandbox(finalizers=["test.example/keep"])
        self.gone_at_once(name, lambda: self.api.delete("pods", "default", name))
        self.assertIsNotNone(self.api.get("pods", "default", name))

    def test_a_pod_that_is_no_longer_ready_is_out(self):
        address = self.fresh_address()
        name = self.sandbox(address)
        self.gone_at_once(name, lambda: self.report("default", name, address, ready=False))
        self.report("default", name, address)
        self.assertEqual(200, self.router.ask(name).status)

    def test_a_pod_on_the_node_s_network_is_refused(self):
        name = self.sandbox(hostNetwork=True)
        self.never_known(name)

    def test_a_pod_with_its_node_s_address_is_refused(self):
        address = self.fresh_address()
        name = self.sandbox(address, host=address)
        self.never_known(name)

    def test_addresses_that_no_pod_has_are_refused(self):
        names = [self.sandbox(address) for address in REFUSED_ADDRESSES]
        marker = self.sandbox()
        self.known(marker)
        for name in names:
            self.assertNotIn(f"{name}/default", self.router.entries())

    def test_a_pool_s_pod_is_nobody_s(self):
        pool = self.api.create("sandboxwarmpools", "default", {
            "apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxWarmPool",
            "metadata": {"name": self.fresh_name("pool")}, "spec": {"replicas": 0, "sandboxTemplateRef": {"name": "none"}}})
        self.addCleanup(self.api.delete, "sandboxwarmpools", "default", pool["metadata"]["name"])
        pod = self.make_pod(pool, name=self.fresh_name("pooled"), address=self.fresh_address())
        self.never_known(pod)
        self.never_known(pool["metadata"]["name"])

    def test_a_sandbox_cannot_name_another_s_pod(self):
        victim = self.sandbox()
        thief = self.make_sandbox()["metadata"]["name"]
        self.api.patch("sandboxes", "default", thief, {"metadata": {"annotations": {"agents.x-k8s.io/pod-name": victim}}})
        self.never_known(thief)

    def test_an_adopted_pod_is_reached_by_the_sandbox_s_name(self):
        made, address = self.make_sandbox(), self.fresh_address()
        name = made["metadata"]["name"]
        pod = self.make_pod(made, name=self.fresh_name("adopted"), address=address)
        self.api.patch("sandboxes", "default", name, {"metadata": {"annotations": {"agents.x-k8s.io/pod-name": pod}}})
        self.assertEqual(address, self.router.ask(name).json()["address"])
        self.never_known(pod)

    def test_a_sandbox_of_the_same_name_does_not_inherit_the_pod(self):
        name = self.sandbox(finalizers=["test.example/keep"])
        self.known(name)
        self.api.delete("sandboxes", "default", name)
        self.make_sandbox(name)
        self.unknown(name)
        self.never_known(name)

    def test_an_address_goes_to_the_newer_pod_only(self):
        address = self.fresh_address()
        old = self.sandbox(address, since="2026-01-01T00:00:00Z")
        self.known(old)
        new = self.sandbox(address, since="2026-01-01T00:00:05Z")
        self.known(new)
        self.assertNotIn(f"{old}/default", self.router.entries())
        # News of the old one do not bring it back.
        self.report("default", old, address, since="2026-01-01T00:00:00Z", ready=False)
        self.report("default", old, address, since="2026-01-01T00:00:00Z")
        self.never_known(old)
        self.assertEqual(address, self.router.entries()[f"{new}/default"])
        # Once the new one has gone, it may.
        self.remove_pod("default", new)
        self.known(old)

    def test_a_pod_that_moves_takes_its_entry_along(self):
        first, second = self.fresh_address(), self.fresh_address()
        name = self.sandbox(first)
        self.known(name, address=first)
        self.report("default", name, second)
        self.known(name, address=second)
        self.assertEqual(1, sum(key == f"{name}/default" for key in self.router.entries()))
        self.assertEqual(second, self.router.ask(name).json()["address"])

    def test_many_changes_leave_the_map_right(self):
        made = {}
        for _ in range(20):
            one = self.make_sandbox()
            made[one["metadata"]["name"]] = None
            self.make_pod(one)
        for round_ in range(5):
            for name in made:
                made[name] = self.fresh_address()
                self.report("default", name, made[name], ready=round_ % 2 == 0)
        wanted = {f"{name}/default": address for name, address in made.items()}
        def right():
            found = self.router.entries()
            return {key: found.get(key) for key in wanted} == wanted
        until(right, 10, lambda: f"{self.router.entries()} holds {wanted}")
        self.assertEqual(len(self.router.entries()), self.count())

    def count(self):
        text = self.router.page(self.router.metrics, "/metrics")[1]
        return int(float(next(line.split()[1] for line in text.splitlines()
                              if line.startswith("agent_sandbox_router_sandboxes "))))

    def test_metrics_of_both(self):
        self.known(self.sandbox())
        self.assertGreater(self.count(), 0)
        text = self.router.page(self.router.haproxy_metrics, "/metrics")[1]
        self.assertIn('haproxy_frontend_http_requests_total{proxy="sandboxes"}', text)
        self.assertIn('haproxy_backend_http_responses_total{proxy="pods_once"', text)
        self.assertEqual(404, self.router.page(self.router.haproxy_metrics, "/stats")[0])
