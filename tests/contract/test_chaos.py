# SPDX-License-Identifier: Apache-2.0
"""The process killed, stopped and succeeded, while claims come in."""

import signal
import time

from controller import Controller, account, forget_leases, user_name
from process import PATIENCE_SECONDS
from suite import *

# How long a lease lasts that nobody gives up.
LEASE_S = 15


class Chaos(Case):
    own_controller = True

    def setUp(self):
        super().setUp()
        forget_leases(self.api)
        self.running = []
        self.addCleanup(lambda: [c.process and c.process.stop() for c in self.running])

    def start(self, wait=30, **how):
        self.controller = Controller(Suite.cluster, **how)
        self.running.append(self.controller)
        return self.controller.start(wait)

    def pooled(self, replicas):
        self.template()
        self.pool(replicas=replicas)
        self.pool_at_rest(seconds=30)

    def claims(self, names):
        for name in names:
            self.claim(name)

    def all_sound(self, names, seconds=60):
        """Each claim is Ready, owns one Sandbox, which owns one pod and one Service; every pod has an owner; the
        pool is full and no pod is anybody's twice."""
        def ready():
            return {c["metadata"]["name"] for c in self.api.list("sandboxclaims", self.ns) if is_ready(c)} >= set(names)
        self.eventually(ready, lambda: "not all Ready: " + str(sorted(
            (c["metadata"]["name"], condition(c).get("message")) for c in self.api.list("sandboxclaims", self.ns)
            if not is_ready(c))), seconds)
        self.pool_at_rest(seconds=seconds)
        owners, pods = {}, [p for p in self.pods() if not deleting(p)]
        for pod in pods:
            self.assertTrue(controller_of(pod), f"pod {pod['metadata']['name']} has no owner")
            owners.setdefault(controller_of(pod)["uid"], []).append(pod["metadata"]["name"])
        services = {controller_of(s).get("uid") for s in self.api.list("services", self.ns)}
        sandboxes = {s["metadata"]["name"]: s for s in self.api.list("sandboxes", self.ns)}
        self.assertEqual(set(names), set(sandboxes))
        for name, sandbox in sandboxes.items():
            uid = sandbox["metadata"]["uid"]
            self.assertEqual([annotations(sandbox).get(POD_NAME, name)], owners.get(uid), name)
            self.assertIn(uid, services)

    def nobody_lost(self, history):
        """No pod that a Sandbox had was deleted, or given to another Sandbox."""
        had = {}
        for event, pod in history:
            owner, name = controller_of(pod), pod["metadata"]["name"]
            if owner.get("kind") == "Sandbox":
                self.assertEqual(had.setdefault(pod["metadata"]["uid"], owner["uid"]), owner["uid"], name)
                self.assertFalse(deleting(pod) or event == "DELETED", f"{name} was deleted")

    def test_kill_9_ten_times_amid_fifty_claims(self):
        self.start(leader_elect=False)
        self.pooled(10)
        history = History(self.api, self.ns)
        names = [f"claim-{number}" for number in range(50)]
        for number in range(10):
            self.claims(names[number * 5:number * 5 + 5])
            # Not at rest: from the first moment to some hundred milliseconds later.
            self.always(lambda: True, "", 0.03 * number)
            self.controller.kill()
            self.start(leader_elect=False)
        self.all_sound(names)
        self.nobody_lost(history.end())

    def two(self):
        """Two controllers, the first of which leads; each under its own account."""
        number = next(Suite.numbers)
        names = [account(self.api, f"leader-{number}"), account(self.api, f"standby-{number}")]
        first = self.start(leader_elect=True, account=names[0])
        self.eventually(lambda: first.leads(), "the first leads")
        second = self.start(leader_elect=True, account=names[1])
        return first, second

    def next_sandbox_after(self, begin, limit):
        """A Sandbox made now is Ready within the limit, counted from begin."""
        name = f"sb-{next(Suite.numbers)}"
        self.sandbox(name)
        self.ready("sandboxes", name, limit + 15)
        self.assertLess(time.monotonic() - begin, limit)

    def test_sigterm_hands_over_before_the_lease_ends(self):
        first, second = self.two()
        begin = time.monotonic()
        first.process.signal(signal.SIGTERM)
        self.next_sandbox_after(begin, LEASE_S)
        self.assertEqual(0, first.process.wait(10))
        self.assertTrue(second.leads())

    def test_sigkill_hands_over(self):
        first, _ = self.two()
        first.kill()
        self.next_sandbox_after(time.monotonic(), PATIENCE_SECONDS)

    def test_a_stopped_leader_changes_nothing_when_it_goes_on(self):
        first, second = self.two()
        self.pooled(10)
        history = History(self.api, self.ns)
        names = [f"claim-{number}" for number in range(40)]
        self.claims(names[:10])
        first.process.signal(signal.SIGSTOP)
        begin = time.monotonic()
        self.claims(names[10:20])
        self.eventually(lambda: second.leads(), "the second leads", 20)
        self.all_sound(names[:20])
        self.claims(names[20:30])
        self.eventually(lambda: time.monotonic() - begin > 30, "thirty seconds", 31)
        mark = Suite.audit.mark()
        self.claims(names[30:])
        first.process.signal(signal.SIGCONT)
        self.assertNotEqual(0, first.process.wait(15))
        self.all_sound(names)
        self.nobody_lost(history.end())
        done = [e for e in Suite.audit.entries(mark, user_name(first.account)) if 200 <= e.code < 300]
        self.assertEqual([], [e for e in done if e.verb in ("create", "delete") and "events" not in e.what], done)
