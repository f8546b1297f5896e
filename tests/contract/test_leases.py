# SPDX-License-Identifier: Apache-2.0
"""Leader election: the two leases of agent-sandbox controllers, and what each of them keeps out."""

from controller import LEASES, NAMESPACE, Controller, account, forget_leases
from suite import *

MICRO = "%Y-%m-%dT%H:%M:%S.%fZ"


class Leases(Case):
    own_controller = True

    def setUp(self):
        super().setUp()
        forget_leases(self.api)
        self.running = []
        self.addCleanup(lambda: [c.process and c.process.stop() for c in self.running])

    def start(self, **how):
        controller = Controller(Suite.cluster, **how)
        self.running.append(controller)
        self.controller = controller
        return controller.start(30)

    def lease(self, name):
        return (self.api.get("leases", NAMESPACE, name) or {}).get("spec") or {}

    def holders(self):
        return [self.lease(name).get("holderIdentity") for name in LEASES]

    def leader(self, **how):
        controller = self.start(**how)
        self.eventually(controller.leads, "it leads")
        return controller

    def held(self, name, holder, seconds, age=0):
        """A Lease that another controller renewed age seconds ago."""
        then = moment(-age, MICRO)
        self.api.create("leases", NAMESPACE, {"metadata": {"name": name}, "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": seconds, "acquireTime": then, "renewTime": then}})

    def test_the_leases_are_those_of_the_go_controllers(self):
        self.leader()
        first, second = self.holders()
        self.assertTrue(first)
        self.assertEqual(first, second)
        self.assertEqual([15, 15], [self.lease(name)["leaseDurationSeconds"] for name in LEASES])

    def test_election_is_the_default(self):
        c = Controller(Suite.cluster)
        c.argv = [flag for flag in c.argv if not flag.startswith("--leader-elect=")]
        self.running.append(c)
        c.start(30)
        self.eventually(c.leads, "it leads")

    def test_when_switched_off_there_is_no_lease(self):
        self.start(leader_elect=False)
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.assertEqual([None, None], self.holders())

    def test_when_switched_off_it_waits_as_long_as_another_controller_leads(self):
        for name in LEASES:
            with self.subTest(name):
                forget_leases(self.api)
                self.held(name, "a-go-controller", 600)
                c = Controller(Suite.cluster, leader_elect=False)
                self.running.append(c)
                c.start(wait=0)

                def told():
                    with open(c.log) as f:
                        return f"{name}' is held by 'a-go-controller': this controller has no election" in f.read()
                self.eventually(told, "the log names the holder")
                self.sandbox(f"sb-{LEASES.index(name)}")
                self.always(lambda: not self.get("pods", f"sb-{LEASES.index(name)}"), "it reconciles nothing", 2)
                self.api.patch("leases", NAMESPACE, name, {"spec": {"holderIdentity": ""}})
                self.ready("sandboxes", f"sb-{LEASES.index(name)}")
                self.assertEqual(0, c.stop())

    def test_sigterm_gives_both_leases_back(self):
        c = self.leader()
        self.assertEqual(0, c.stop())
        self.assertEqual(["", ""], [holder or "" for holder in self.holders()])

    def test_a_standby_writes_nothing(self):
        self.leader()
        name = account(self.api, "quiet-standby")
        standby = self.start(account=name)
        mark = Suite.audit.mark()
        self.sandbox()
        self.ready("sandboxes", "sb")
        self.assertEqual([], [e for e in Suite.audit.entries(mark, standby.user) if "leases" not in e.what])

    def test_another_holder_of_either_lease_keeps_it_out(self):
        for name in LEASES:
            with self.subTest(name):
                forget_leases(self.api)
                self.held(name, "a-go-controller", 3600)
                c = self.start()
                with open(c.log) as f:
                    self.eventually(lambda: "'a-go-controller': waiting" in f.read(), "the log names the holder")
                self.always(lambda: not c.leads(), "it does not lead", 3)
                self.assertEqual("a-go-controller", self.lease(name)["holderIdentity"])
                self.assertEqual(0, c.stop())

    def test_a_standby_that_waits_for_the_second_gives_the_first_back(self):
        self.held(LEASES[1], "a-go-controller", 3600)
        c = self.start()
        self.eventually(lambda: self.lease(LEASES[0]).get("holderIdentity"), "it holds the first")
        self.assertEqual(0, c.stop())
        self.assertEqual(["", "a-go-controller"], [holder or "" for holder in self.holders()])

    def test_the_loss_of_either_lease_ends_the_process(self):
        for name in LEASES:
            with self.subTest(name):
                forget_leases(self.api)
                c = self.leader()
                self.api.patch("leases", NAMESPACE, name, {"spec": {"holderIdentity": "somebody-else",
                                                                    "renewTime": moment(0, MICRO)}})
                self.assertNotEqual(0, c.process.wait(20))

    def test_expired_leases_of_others_are_taken_over(self):
        for name in LEASES:
            self.held(name, "gone", 2, 60)
        c = self.start()
        self.eventually(c.leads, "it leads", 10)
