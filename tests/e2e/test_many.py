# SPDX-License-Identifier: Apache-2.0
"""Fifty pods at once, and a node that is killed ten times amid them."""

import time

from suite import Suite
from world import Case, containers


class Many(Case):
    COUNT = 50

    def test_fifty_pods_with_a_node_that_is_killed_ten_times(self):
        pods = [self.run_pod(f"pod-{i}", "sleep", "100000", restart="Always", spec={"terminationGracePeriodSeconds": 0})
                for i in range(self.COUNT)]
        for _ in range(10):
            self.node.process.kill()
            Suite.cluster.processes.remove(self.node.process)
            self.node.start()
            time.sleep(1.5)
        names = [p["metadata"]["name"] for p in pods]
        self.eventually(lambda: all(self.container_status(n).get("ready") for n in names),
                        lambda: f"all are Ready, {sum(bool(self.container_status(n).get('ready')) for n in names)} are", 240)
        there = containers()
        for pod in pods:
            now = self.get("pods", pod["metadata"]["name"])
            self.assertEqual(pod["metadata"]["uid"], now["metadata"]["uid"])
            own = [c for c in there if c["Labels"]["agent-sandbox.pod-uid"] == pod["metadata"]["uid"]]
            running = [c for c in own if c["State"] == "running"]
            # A pause and the one container, whatever was begun when the node was killed.
            self.assertEqual(2, len(running), own)
        for name in names:
            self.delete("pods", name, gracePeriodSeconds=0)
        self.no_pods()
        self.eventually(lambda: not containers(), lambda: f"{len(containers())} containers are left", 60)
