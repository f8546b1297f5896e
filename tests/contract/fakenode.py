# SPDX-License-Identifier: Apache-2.0
"""A fake node: binds pods that have no node, writes their status as a kubelet would, and removes those being deleted.

Annotations of a pod say how it fares, and may be changed while it lives:
    test/hold   pending | never-ready | failed | succeeded   (absent: it becomes Ready)
    test/delay  seconds from the binding to Ready, instead of --delay
    test/keep   stay when deleted, until the annotation goes
"""

import argparse
import datetime
import heapq
import itertools
import sys
import threading
import time

from api import ApiError, Client

NODE = "fake"
CONDITIONS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled")


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def container_status(container, hold, ready, moment):
    if hold in ("failed", "succeeded"):
        code = 0 if hold == "succeeded" else 1
        state = {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error",
                                "startedAt": moment, "finishedAt": moment}}
    else:
        state = {"running": {"startedAt": moment}}
    return {"name": container["name"], "image": container.get("image", ""), "imageID": "sha256:0",
            "containerID": "fake://" + container["name"], "ready": ready, "started": ready, "restartCount": 0,
            "state": state}


def status_of(pod, hold, address):
    """The status that a kubelet would report for this pod."""
    moment = now()
    ended = hold in ("failed", "succeeded")
    ready = hold is None
    def condition(kind):
        true = ready or kind in ("Initialized", "PodScheduled", "PodReadyToStartContainers")
        return {"type": kind, "status": "True" if true else "False", "lastTransitionTime": moment}
    return {
        "phase": {"failed": "Failed", "succeeded": "Succeeded"}.get(hold, "Running"),
        "conditions": [condition(kind) for kind in CONDITIONS],
        "hostIP": "127.0.0.1", "hostIPs": [{"ip": "127.0.0.1"}],
        "podIP": None if ended else address, "podIPs": None if ended else [{"ip": address}],
        "startTime": moment,
        "containerStatuses": [container_status(c, hold, ready, moment) for c in pod["spec"]["containers"]],
    }


class Timetable:
    """Things to do, each at its time, for a few threads."""

    def __init__(self):
        self.heap, self.count, self.wake, self.ended = [], itertools.count(), threading.Condition(), False

    def add(self, delay, what):
        with self.wake:
            heapq.heappush(self.heap, (time.monotonic() + delay, next(self.count), what))
            self.wake.notify()

    def next(self):
        """The next thing that is due; None at the end."""
        with self.wake:
            while not self.ended:
                left = self.heap[0][0] - time.monotonic() if self.heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self.heap)[2]
                self.wake.wait(left)
            return None

    def end(self):
        with self.wake:
            self.ended = True
            self.wake.notify_all()


class FakeNode:
    def __init__(self, api, delay=0.0, threads=6, node=NODE):
        self.api, self.delay, self.node = api, delay, node
        self.todo = Timetable()
        self.lock = threading.Lock()
        self.pods = {}  # uid -> [what was last asked for, address]
        self.addresses = itertools.count(1)
        self.end_watch = None
        self.threads = [threading.Thread(target=self._work, name=f"fakenode-{i}", daemon=True) for i in range(threads)]
        self.threads.append(threading.Thread(target=self._watch, name="fakenode-watch", daemon=True))

    def start(self):
        self._create_node()
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.todo.end()
        if self.end_watch:
            try:
                self.end_watch()
            except OSError:
                pass
        for thread in self.threads:
            thread.join(5)

    def _create_node(self):
        if self.api.get("nodes", None, self.node) is None:
            self.api.create("nodes", None, {"apiVersion": "v1", "kind": "Node", "metadata": {
                "name": self.node, "labels": {"kubernetes.io/hostname": self.node}}})
        self.api.patch("nodes", None, self.node, {"status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now(),
                            "lastTransitionTime": now(), "message": "a fake node"}],
            "capacity": {"cpu": "1000", "memory": "1Ti", "pods": "100000"},
            "allocatable": {"cpu": "1000", "memory": "1Ti", "pods": "100000"}}}, sub="status")

    def _watch(self):
        def opened(stop):
            self.end_watch = stop
        while not self.todo.ended:
            try:
                # A relist on each round is dear but simple: rounds are as long as the suite.
                for kind, pod in self.api.watch("pods", version="", seconds=3600, initial=True, opened=opened):
                    if kind in ("ADDED", "MODIFIED"):
                        self._see(pod)
                    elif kind == "DELETED":
                        with self.lock:
                            self.pods.pop(pod["metadata"]["uid"], None)
                    elif kind == "ERROR":
                        break
            except (OSError, ApiError, ValueError) as e:
                if not self.todo.ended:
                    print("fakenode: the watch ended, going on:", e, file=sys.stderr, flush=True)
                    time.sleep(0.2)

    def _see(self, pod):
        meta, spec = pod["metadata"], pod["spec"]
        if spec.get("nodeName") not in (None, self.node):
            return
        notes = meta.get("annotations") or {}
        if meta.get("deletionTimestamp"):
            if meta.get("finalizers") or "test/keep" in notes:
                return
            wish = "gone"
        else:
            wish = notes.get("test/hold")
        with self.lock:
            state = self.pods.get(meta["uid"])
            if state is None:
                number = next(self.addresses)
                address = f"10.{1 + (number >> 16) % 250}.{number >> 8 & 255}.{number & 255}"
                state = self.pods[meta["uid"]] = [wish if spec.get("nodeName") else "unbound", address]
                fresh = True
            else:
                fresh = state[0] == "unbound"
                if state[0] == wish and not fresh:
                    return
            state[0] = wish
        delay = 0.0
        if fresh and wish is None:
            delay = float(notes.get("test/delay", self.delay))
        if wish == "gone":
            self.todo.add(0, lambda: self._remove(meta))
        elif not spec.get("nodeName"):
            self.todo.add(0, lambda: self._bind(pod, wish, delay, state))
        elif wish != "pending":
            self.todo.add(delay, lambda: self._report(pod, wish, state))

    def _bind(self, pod, wish, delay, state):
        ns, name, uid = (pod["metadata"][k] for k in ("namespace", "name", "uid"))
        self.api.call("POST", self.api.path("pods", ns, name, "binding"), {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "uid": uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self.node}})
        if wish == "pending":
            return
        if delay > 0:
            self.todo.add(delay, lambda: self._report(pod, wish, state))
        else:
            self._report(pod, wish, state)

    def _report(self, pod, wish, state):
        with self.lock:
            if state[0] != wish:
                return
        ns, name, uid = (pod["metadata"][k] for k in ("namespace", "name", "uid"))
        # /status ignores a merge patch's uid: names are not used again quickly enough here to matter.
        self.api.patch("pods", ns, name, {"status": status_of(pod, wish, state[1])}, sub="status")
        # Another thread may have reported a newer wish before this one was written: that is said again, last.
        with self.lock:
            newer = state[0]
        if newer != wish and newer not in ("gone", "pending", "unbound"):
            self._report(pod, newer, state)

    def _remove(self, meta):
        self.api.delete("pods", meta["namespace"], meta["name"], gracePeriodSeconds=0,
                        preconditions={"uid": meta["uid"]})

    def _work(self):
        while True:
            job = self.todo.next()
            if job is None:
                return
            try:
                job()
            except ApiError as e:
                # The pod went away or changed meanwhile: its next event brings it back here.
                if e.code not in (404, 409):
                    print("fakenode:", e, file=sys.stderr, flush=True)
            except OSError as e:
                print("fakenode:", e, file=sys.stderr, flush=True)
                if not self.todo.ended:
                    self.todo.add(0.5, job)


def main():
    parser = argparse.ArgumentParser(description="Be a node for every pod that has none.")
    parser.add_argument("--kubeconfig", required=True, help="as cluster.py writes it")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds from the binding to Ready")
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--node", default=NODE, help="the node's name")
    args = parser.parse_args()
    node = FakeNode(Client.from_kubeconfig(args.kubeconfig, agent="fakenode"), args.delay, args.threads, args.node)
    node.start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        node.stop()


if __name__ == "__main__":
    main()
