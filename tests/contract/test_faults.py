# SPDX-License-Identifier: Apache-2.0
"""Bad input, the API server's faults: a proxy in front of it answers, cuts and delays."""

import json
import re

from controller import ACCOUNT, NAMESPACE, Controller
from proxy import Proxy
from suite import *

TOO_MANY = ("answer", 429, {"Retry-After": "1", "Content-Type": "text/plain"}, "Too many requests, please try again later.\n")


def status(code, reason, message="by the proxy"):
    return ("answer", code, {"Content-Type": "application/json"}, json.dumps({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": message}))


# The writes of a warm claim, in words for the proxy.
WRITES = {
    "create sandboxes": lambda m, p: m == "POST" and p.endswith("/sandboxes"),
    "patch pods": lambda m, p: m == "PATCH" and re.search("/pods/[^/]+$", p),
    "create services": lambda m, p: m == "POST" and p.endswith("/services"),
    "patch sandboxes/status": lambda m, p: m == "PATCH" and "/sandboxes/" in p and p.endswith("/status"),
    "patch sandboxclaims/status": lambda m, p: m == "PATCH" and "/sandboxclaims/" in p and p.endswith("/status"),
    "create pods": lambda m, p: m == "POST" and p.endswith("/pods"),
}


class Faults(Case):
    own_controller = True

    @classmethod
    def setUpClass(cls):
        cls.proxy = Proxy(Suite.cluster)
        path = Suite.cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
        with open(path) as f:
            text = f.read().replace(Suite.cluster.server, cls.proxy.url)
        cls.shared = Controller(Suite.cluster, kubeconfig=Suite.cluster.write("proxied.kubeconfig", text)).start()

    @classmethod
    def tearDownClass(cls):
        if getattr(cls, "shared", None):
            cls.shared.stop()
        if getattr(cls, "proxy", None):
            cls.proxy.stop()

    def setUp(self):
        super().setUp()
        self.controller = self.shared
        self.addCleanup(setattr, self.proxy, "rule", None)
        self.template()
        self.pool(replicas=2)
        self.pool_at_rest()

    def sound(self, name):
        """The claim is Ready with exactly one pod and one Service, and the pool is full."""
        self.ready("sandboxclaims", name, 20)
        self.pool_at_rest(seconds=20)
        sandbox = self.get("sandboxes", name)
        owned = [p["metadata"]["name"] for p in self.pods()
                 if controller_of(p).get("uid") == sandbox["metadata"]["uid"] and not deleting(p)]
        self.assertEqual(1, len(owned), owned)
        self.assertEqual(annotations(sandbox).get(POD_NAME, name), owned[0])
        self.assertEqual(sandbox["metadata"]["uid"], controller_of(self.get("services", name)).get("uid"))

    def each_write(self, what, times=1):
        """A claim for each write of the warm path, with that write broken."""
        for number, (write, matches) in enumerate(WRITES.items()):
            with self.subTest(write):
                broken = self.proxy.breaks(lambda m, p, f=matches: f(m, p) and f"/{self.ns}/" in p and what, times)
                self.claim(f"claim-{number}")
                self.sound(f"claim-{number}")
                self.assertTrue(broken, "the proxy saw no such write")
                self.proxy.rule = None

    def test_a_write_cut_after_it_was_done_is_not_doubled(self):
        self.each_write(("reset-after",))

    def test_a_write_cut_before_it_was_done_is_not_lost(self):
        self.each_write(("reset-before",))

    def test_500_is_retried(self):
        self.each_write(status(500, "InternalError"))

    def test_503_is_retried(self):
        self.each_write(status(503, "ServiceUnavailable"), 2)

    def test_409_is_looked_at_again(self):
        self.each_write(status(409, "Conflict"))

    def test_429_is_obeyed(self):
        self.each_write(TOO_MANY)

    def test_an_answer_that_is_no_json_is_no_success(self):
        self.each_write(("answer", 200, {"Content-Type": "application/json"}, '{"kind":"Status","metad'))

    def test_a_late_answer_is_waited_for(self):
        self.each_write(("late", 1.5))

    def test_cut_watches_go_on_where_they_were(self):
        for number in range(5):
            self.claim(f"claim-{number}")
            self.proxy.cut()
        for number in range(5):
            self.sound(f"claim-{number}")

    def test_an_expired_watch_is_listed_again(self):
        gone = {"type": "ERROR", "object": json.loads(status(410, "Expired")[3])}
        broken = self.proxy.breaks(lambda m, p: m == "GET" and re.search("/(pods|sandboxclaims|sandboxes)$", p) and (
            "answer", 200, {"Content-Type": "application/json"}, json.dumps(gone) + "\n"), 3)
        self.proxy.cut()
        self.claim()
        self.sound("claim")
        self.assertTrue(broken)
