# SPDX-License-Identifier: Apache-2.0
"""The node itself: its objects, its end, and what happens to pods when it is killed."""

import subprocess
import time

from nodesuite import Case, Node, Suite, binary


class Registration(Case):
    def test_the_node_says_what_it_is(self):
        node = self.api.get("nodes", None, self.node.name)
        labels, status = node["metadata"]["labels"], node["status"]
        self.assertEqual((self.node.name, "linux"), (labels["kubernetes.io/hostname"], labels["kubernetes.io/os"]))
        self.assertEqual("110", status["allocatable"]["pods"])
        self.assertGreater(int(status["capacity"]["cpu"]), 0)
        self.assertIn({"type": "InternalIP", "address": "192.0.2.7"}, status["addresses"])
        ready = [c for c in status["conditions"] if c["type"] == "Ready"][0]
        self.assertEqual(("True", "fake: nothing really runs"), (ready["status"], ready["message"]))

    def test_its_lease_is_renewed_and_its_status_left_alone(self):
        def renewed():
            return self.api.get("leases", "kube-node-lease", self.node.name)["spec"]["renewTime"]
        lease = self.eventually(lambda: self.api.get("leases", "kube-node-lease", self.node.name), "the lease")
        self.assertEqual((40, self.node.name), (lease["spec"]["leaseDurationSeconds"], lease["spec"]["holderIdentity"]))
        self.assertEqual("Node", lease["metadata"]["ownerReferences"][0]["kind"])
        first, mark = renewed(), self.audit.mark()
        self.eventually(lambda: renewed() != first, "the lease is renewed")
        self.assertEqual([], [e for e in self.audit.entries(mark) if e.resource.startswith("nodes")
                              and e.name == self.node.name])

    def test_a_node_that_was_deleted_comes_back(self):
        self.api.delete("nodes", None, self.node.name)
        self.eventually(lambda: self.api.get("nodes", None, self.node.name), "the node", 60)


class Killed(Case):
    def again(self):
        self.node.kill()
        self.node.start()

    def test_running_containers_are_taken_over(self):
        self.pod()
        before = self.wait_ready()
        rows = self.node.rows(before["metadata"]["uid"])
        mark = self.audit.mark()
        for _ in range(3):
            self.again()
            time.sleep(1)
        self.assertEqual(rows, self.node.rows(before["metadata"]["uid"]))
        self.assertEqual(before["status"], self.status())
        self.assertEqual([], [e for e in self.audit.entries(mark, namespace=self.ns) if e.resource.startswith("pods")])

    def test_nothing_is_started_twice_however_often_it_is_killed(self):
        for i in range(20):
            self.pod(f"pod-{i}", containers=[{"name": "one", "image": "fake/run:1"},
                                             {"name": "two", "image": "fake/run:1"}])
            if i % 4 == 3:
                self.again()
        for i in range(20):
            self.wait_ready(f"pod-{i}")
        for pod in self.api.list("pods", self.ns):
            rows = self.node.rows(pod["metadata"]["uid"])
            self.assertEqual([("one", 0), ("two", 0)], sorted((r["name"], r["attempt"]) for r in rows))
            self.assertEqual([0, 0], [c["restartCount"] for c in pod["status"]["containerStatuses"]])

    def test_restarts_are_counted_on(self):
        self.pod(image="fake/crash")
        self.eventually(lambda: self.waiting() == "CrashLoopBackOff", "CrashLoopBackOff")
        count = self.container()["restartCount"]
        self.again()
        self.eventually(lambda: self.container()["restartCount"] == count + 1, "the next restart")
        attempts = [r["attempt"] for r in self.node.rows(self.get()["metadata"]["uid"])]
        self.assertEqual(len(attempts), len(set(attempts)))

    def test_what_lost_its_pod_meanwhile_is_ended(self):
        self.pod()
        uid = self.wait_ready()["metadata"]["uid"]
        self.node.kill()
        self.api.delete("pods", self.ns, "pod", gracePeriodSeconds=0)
        self.node.start()
        self.eventually(lambda: not [r for r in self.node.table() if r["podUid"] == uid], "nothing runs any more")

    def test_a_deletion_is_finished_after_a_kill(self):
        self.pod(image="fake/hang:1", terminationGracePeriodSeconds=4)
        self.wait_ready()
        self.api.delete("pods", self.ns, "pod")
        time.sleep(1)
        self.again()
        self.eventually(lambda: self.get() is None, "the pod is gone")
        self.eventually(lambda: not self.node.table(), "nothing runs any more")

    def test_containers_that_vanished_are_started_anew(self):
        self.pod()
        pod = self.wait_ready()
        self.node.kill()
        with open(f"{self.node.folder}/fake.json", "w") as f:
            f.write('{"last":1000}\n')
        self.node.start()
        self.eventually(lambda: self.container()["restartCount"] == 1 and self.ready(), "it runs again")
        self.assertEqual(pod["metadata"]["uid"], self.get()["metadata"]["uid"])


class Process(Case):
    def test_an_orderly_end_leaves_pods_running(self):
        self.pod()
        uid = self.wait_ready()["metadata"]["uid"]
        self.assertEqual(0, self.node.stop())
        self.assertTrue(self.ready())
        self.assertEqual(1, len(self.node.rows(uid)))
        self.node.start()

    def test_bad_flags_are_refused_with_a_reason(self):
        for flags, why in ((["--runtime", "docker"], "--runtime takes podman or process or fake, not 'docker'"),
                           (["--workers", "0"], "--workers takes a whole number from 1 to 64, not '0'"),
                           (["--state-dir", "here"], "--state-dir takes an absolute path"),
                           (["--node-name", "Big"], "--node-name takes lower case letters"),
                           (["--node-ip", "here"], "--node-ip takes an IP address"),
                           (["--what"], "unknown flag '--what'; see agent-sandbox-node --help")):
            done = subprocess.run([binary(), "--kubeconfig", self.cluster.kubeconfig,
                                   "--state-dir", self.cluster.file("unused"), *flags],
                                  capture_output=True, text=True, timeout=120)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(why, done.stderr)

    def test_a_second_node_leaves_foreign_pods_alone(self):
        self.pod()
        pod = self.wait_ready()
        other = Node(self.cluster, f"node-{next(Suite.numbers)}").start().wait_ready()
        time.sleep(1)
        self.assertEqual([], other.table())
        self.assertEqual(pod["status"], self.status())
        self.assertEqual(0, other.stop())
        self.api.delete("nodes", None, other.name)
