# SPDX-License-Identifier: Apache-2.0
"""Pods from their binding to their end."""

import os
import time

from nodesuite import Case, SOON


class Pods(Case):
    def test_a_pod_becomes_ready(self):
        self.pod(containers=[{"name": "one", "image": "fake/run:1"}, {"name": "two", "image": "fake/run"}],
                 initContainers=[{"name": "first", "image": "fake/exit0:1"}])
        pod = self.wait_ready()
        status = pod["status"]
        self.assertEqual(("Running", self.node.name), (status["phase"], pod["spec"]["nodeName"]))
        self.assertEqual("192.0.2.7", status["hostIP"])
        self.assertRegex(status["podIP"], r"^10\.88\.")
        self.assertEqual([{"ip": status["podIP"]}], status["podIPs"])
        self.assertEqual("BestEffort", status["qosClass"])
        self.assertEqual({"PodScheduled", "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"},
                         {c["type"] for c in status["conditions"] if c["status"] == "True"})
        one = self.container()
        self.assertIn("running", one["state"])
        self.assertRegex(one["containerID"], "^fake://")
        self.assertEqual((True, True, 0), (one["ready"], one["started"], one["restartCount"]))
        first = self.container(which="initContainerStatuses")
        self.assertEqual("Completed", first["state"]["terminated"]["reason"])

    def test_what_does_not_change_is_not_written(self):
        self.pod()
        self.wait_ready()
        self.assertEqual([], self.quiet(2))

    def test_a_start_takes_a_binding_and_few_statuses(self):
        mark = self.audit.mark()
        self.pod()
        self.wait_ready()
        entries = [e.what for e in self.audit.entries(mark, namespace=self.ns) if e.resource.startswith("pods/")]
        self.assertEqual(1, entries.count("create pods/binding"))
        self.assertLessEqual(entries.count("patch pods/status"), 2)

    def test_events_are_a_kubelets(self):
        self.pod(image="fake/run:latest")
        self.wait_ready()
        for reason in ("Scheduled", "Pulling", "Pulled", "Created", "Started"):
            self.eventually(lambda reason=reason: self.events(reason), f"event {reason}")

    def test_a_crash_loop_backs_off(self):
        self.pod(image="fake/crash:3")
        self.eventually(lambda: self.waiting() == "CrashLoopBackOff", "CrashLoopBackOff")
        entry = self.container()
        self.assertEqual(1, entry["restartCount"])
        self.assertRegex(entry["state"]["waiting"]["message"], r"^back-off 10s restarting failed container=main pod=pod_")
        last = entry["lastState"]["terminated"]
        self.assertEqual((3, "Error"), (last["exitCode"], last["reason"]))
        self.assertEqual("Running", self.status()["phase"])
        self.assertEqual("ContainersNotReady", self.condition("Ready")["reason"])
        self.assertEqual("containers with unready status: [main]", self.condition("Ready")["message"])
        self.eventually(lambda: self.events("BackOff"), "event BackOff")
        self.eventually(lambda: self.container()["restartCount"] == 2, "the next restart after 10 s")
        self.eventually(lambda: "back-off 20s" in (self.container()["state"].get("waiting") or {}).get("message", ""),
                        "the doubled backoff")

    def test_exit_0_with_restart_policy_never_succeeds(self):
        self.pod(image="fake/exit0", restartPolicy="Never")
        self.eventually(lambda: self.status().get("phase") == "Succeeded", "Succeeded")
        self.assertEqual("Completed", self.container()["state"]["terminated"]["reason"])
        self.assertEqual("PodCompleted", self.condition("Ready")["reason"])
        self.assertEqual("True", self.condition("Initialized")["status"])
        self.assertEqual([], self.quiet())

    def test_a_failure_with_restart_policy_never_fails(self):
        self.pod(image="fake/crash:7", restartPolicy="Never")
        self.eventually(lambda: self.status().get("phase") == "Failed", "Failed")
        self.assertEqual(7, self.container()["state"]["terminated"]["exitCode"])
        self.assertEqual(0, self.container()["restartCount"])

    def test_on_failure_restarts_only_failures(self):
        self.pod("good", image="fake/exit0", restartPolicy="OnFailure")
        self.pod("bad", image="fake/crash", restartPolicy="OnFailure")
        self.eventually(lambda: self.status("good").get("phase") == "Succeeded", "Succeeded")
        self.eventually(lambda: self.waiting("bad") == "CrashLoopBackOff", "CrashLoopBackOff")

    def test_a_failed_init_container_holds_the_others(self):
        self.pod(initContainers=[{"name": "first", "image": "fake/crash"}], restartPolicy="Never")
        self.eventually(lambda: self.status().get("phase") == "Failed", "Failed")
        self.assertEqual("ContainersNotInitialized", self.condition("Initialized")["reason"])
        self.assertEqual("PodInitializing", self.container()["state"]["waiting"]["reason"])

    def test_sidecars_run_beside_and_end_with_the_pod(self):
        self.pod(initContainers=[{"name": "side", "image": "fake/run:1", "restartPolicy": "Always"}],
                 image="fake/exit0", restartPolicy="Never")
        self.eventually(lambda: self.status().get("phase") == "Succeeded", "Succeeded")
        self.eventually(lambda: "terminated" in self.container(which="initContainerStatuses")["state"],
                        "the sidecar has ended")

    def test_a_missing_image_is_told_and_backs_off(self):
        self.pod(image="fake/missing:1")
        self.eventually(lambda: self.waiting() == "ErrImagePull", "ErrImagePull")
        self.eventually(lambda: self.waiting() == "ImagePullBackOff", "ImagePullBackOff")
        self.assertEqual("Pending", self.status()["phase"])
        self.eventually(lambda: self.events("BackOff"), "event BackOff")
        self.eventually(lambda: any("Failed to pull image" in e["message"] for e in self.events("Failed")), "event Failed")

    def test_never_pull_and_bad_names_are_told(self):
        self.pod("never", containers=[{"name": "main", "image": "fake/missing:1", "imagePullPolicy": "Never"}])
        self.pod("name", image="fake/INVALID")
        self.eventually(lambda: self.waiting("never") == "ErrImageNeverPull", "ErrImageNeverPull")
        self.eventually(lambda: self.waiting("name") == "InvalidImageName", "InvalidImageName")

    def test_a_missing_config_map_is_waited_for(self):
        self.pod(containers=[{"name": "main", "image": "fake/run:1",
                              "envFrom": [{"configMapRef": {"name": "settings"}}]}])
        self.eventually(lambda: self.waiting() == "CreateContainerConfigError", "CreateContainerConfigError")
        self.api.create("configmaps", self.ns, {"metadata": {"name": "settings"}, "data": {"A": "1"}})
        self.wait_ready()

    def test_a_container_that_cannot_start_is_told(self):
        self.pod(image="fake/broken:1")
        self.eventually(lambda: self.waiting() == "RunContainerError", "RunContainerError")
        self.assertRegex(self.container()["state"]["waiting"]["message"], "no such file")

    def test_an_unknown_handler_is_told(self):
        name = f"handler-{self.ns}"
        self.api.create("runtimeclasses", None, {"metadata": {"name": name}, "handler": "missing"})
        self.pod(runtimeClassName=name)
        events = self.eventually(lambda: self.events("FailedCreatePodSandBox"), "event FailedCreatePodSandBox")
        self.assertRegex(events[0]["message"], "no runtime for")
        self.api.delete("runtimeclasses", None, name)

    def test_a_pod_past_its_deadline_fails(self):
        self.pod(activeDeadlineSeconds=2)
        self.wait_ready()
        self.eventually(lambda: self.status().get("phase") == "Failed", "Failed")
        self.assertEqual("DeadlineExceeded", self.status()["reason"])
        self.eventually(lambda: "terminated" in self.container()["state"], "the container has ended")

    def test_what_this_node_does_not_do_is_told(self):
        self.pod(containers=[{"name": "main", "image": "fake/run:1", "ports": [{"containerPort": 80, "hostPort": 80}]}])
        events = self.eventually(lambda: self.events("NotSupported"), "event NotSupported")
        self.assertRegex(events[0]["message"], "hostPort")

    def test_a_sysctl_that_is_not_safe_is_refused(self):
        self.pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "65536"}]})
        events = self.eventually(lambda: self.events("SysctlForbidden"), "event SysctlForbidden")
        self.assertEqual('forbidden sysctl: "kernel.msgmax" not allowlisted', events[0]["message"])
        self.assertEqual([], [r for r in self.node.table() if r["podUid"] == self.get()["metadata"]["uid"]])

    def test_a_seccomp_profile_that_is_not_there_is_waited_for(self):
        self.pod(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "strict.json"}})
        self.eventually(lambda: self.waiting() == "CreateContainerConfigError", "CreateContainerConfigError")
        folder = os.path.join(self.node.folder, "seccomp")
        os.mkdir(folder, 0o700)
        with open(os.path.join(folder, "strict.json"), "w") as f:
            f.write("{}")
        self.wait_ready()

    def test_a_new_claim_has_not_the_old_ones_data(self):
        """The folder is the claim's, by its UID, and goes with it."""
        claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {
            "requests": {"storage": "1Mi"}}}}
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        path = f"/api/v1/namespaces/{self.ns}/persistentvolumeclaims"
        def folder():
            return os.path.join(self.node.folder, "claims", self.api.get("persistentvolumeclaims", self.ns, "data")["metadata"]["uid"])
        self.api.call("POST", path, claim)
        first = folder()
        self.pod(volumes=volumes)
        self.wait_ready()
        events = self.eventually(lambda: self.events("NotSupported"), "event NotSupported")
        self.assertRegex(events[0]["message"], "does not enforce its size of 1048576 bytes")
        with open(os.path.join(first, "data", "secret"), "w") as f:
            f.write("of the first tenant")
        self.api.delete("persistentvolumeclaims", self.ns, "data")
        self.api.delete("pods", self.ns, "pod", gracePeriodSeconds=1)
        self.eventually(lambda: not self.api.get("persistentvolumeclaims", self.ns, "data"), "the claim is gone")
        self.api.call("POST", path, claim)
        second = folder()
        self.pod("next", volumes=volumes)
        self.wait_ready("next")
        self.assertEqual([], os.listdir(os.path.join(second, "data")))
        self.eventually(lambda: not os.path.exists(first), "the first one's folder is gone", 90)
        self.assertTrue(os.path.exists(second))

    def test_what_does_not_fit_waits_and_is_told(self):
        self.pod(containers=[{"name": "main", "image": "fake/run:1", "resources": {"requests": {"cpu": "5000"}}}])
        events = self.eventually(lambda: self.events("FailedScheduling"), "event FailedScheduling")
        self.assertRegex(events[0]["message"], "Insufficient cpu")
        self.eventually(lambda: self.condition("PodScheduled").get("reason") == "Unschedulable", "Unschedulable")
        time.sleep(0.5)
        self.assertNotIn("nodeName", self.get()["spec"])

    def test_other_schedulers_and_gates_are_left_alone(self):
        self.pod("other", schedulerName="mine")
        self.pod("gated", schedulingGates=[{"name": "example.com/wait"}])
        self.pod("free")
        self.wait_ready("free")
        self.assertNotIn("nodeName", self.get("other")["spec"])
        self.assertNotIn("nodeName", self.get("gated")["spec"])

    def test_logs_come_over_the_socket(self):
        self.pod()
        uid = self.wait_ready()["metadata"]["uid"]
        self.assertEqual((200, "this is main, attempt 0\n"), self.node.get(f"/logs/{uid}/main?tailLines=5&timestamps=false"))
        self.assertEqual((200, "this"), self.node.get(f"/logs/{uid}/main?limitBytes=4"))
        self.assertEqual(404, self.node.get(f"/logs/{uid}/other")[0])
        self.assertEqual(404, self.node.get(f"/logs/{uid}/main?previous=true")[0])
        self.assertEqual(400, self.node.get(f"/logs/{uid}/main?tailLines=x")[0])
        self.assertEqual(404, self.node.get("/elsewhere")[0])


class Deletion(Case):
    def gone(self, name="pod"):
        self.eventually(lambda: self.get(name) is None, f"{name} is gone")

    def test_a_deleted_pod_goes_with_all_it_had(self):
        self.pod()
        uid = self.wait_ready()["metadata"]["uid"]
        self.api.delete("pods", self.ns, "pod")
        self.gone()
        self.eventually(lambda: not [r for r in self.node.table() if r["podUid"] == uid], "nothing runs any more")
        self.eventually(lambda: self.events("Killing"), "event Killing")

    def test_the_last_status_is_written_before_the_pod_goes(self):
        self.pod()
        self.wait_ready()
        states = []
        version = self.get()["metadata"]["resourceVersion"]
        self.api.delete("pods", self.ns, "pod")
        for event, pod in self.api.watch("pods", self.ns, version, 20):
            states.append(pod)
            if event == "DELETED":
                break
        self.assertEqual("Failed", states[-1]["status"]["phase"])
        self.assertEqual(143, states[-1]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"])

    def test_what_ignores_sigterm_has_its_grace_and_no_more(self):
        self.pod(image="fake/hang:1", terminationGracePeriodSeconds=3)
        self.wait_ready()
        begin = time.monotonic()
        self.api.delete("pods", self.ns, "pod")
        self.gone()
        took = time.monotonic() - begin
        self.assertGreaterEqual(took, 2)

    def test_a_grace_holds_up_no_other_pod(self):
        for i in range(12):
            self.pod(f"hang-{i}", image="fake/hang:1", terminationGracePeriodSeconds=60)
        for i in range(12):
            self.wait_ready(f"hang-{i}")
        for i in range(12):
            self.api.delete("pods", self.ns, f"hang-{i}")
        self.pod("quick")
        self.wait_ready("quick")
        # None of them is gone yet, so it has not waited for them.
        self.assertEqual(13, len(self.api.list("pods", self.ns)))

    def test_a_pod_deleted_by_force_is_ended_too(self):
        self.pod()
        uid = self.wait_ready()["metadata"]["uid"]
        self.api.delete("pods", self.ns, "pod", gracePeriodSeconds=0)
        self.eventually(lambda: not [r for r in self.node.table() if r["podUid"] == uid], "nothing runs any more")

    def test_the_next_pod_of_that_name_is_another_one(self):
        self.pod()
        first = self.wait_ready()["metadata"]["uid"]
        self.api.delete("pods", self.ns, "pod", gracePeriodSeconds=0)
        self.pod()
        second = self.wait_ready()["metadata"]["uid"]
        self.assertNotEqual(first, second)
        self.eventually(lambda: not [r for r in self.node.table() if r["podUid"] == first], "the first one has ended")
        self.assertEqual(1, len(self.node.rows(second)))

    def test_a_pod_that_never_started_can_be_deleted(self):
        self.pod(image="fake/missing:1")
        self.eventually(self.waiting, "it waits")
        self.api.delete("pods", self.ns, "pod")
        self.gone()


class Many(Case):
    def test_fifty_pods_at_once(self):
        begin = time.monotonic()
        for i in range(50):
            self.pod(f"pod-{i}", image="fake/run")
        def all_ready():
            pods = self.api.list("pods", self.ns)
            return len(pods) == 50 and all(
                any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions") or [])
                for p in pods)
        self.eventually(all_ready, "50 pods are ready", 60)
        print(f"50 pods ready after {time.monotonic() - begin:.1f} s", end=" ... ")
        addresses = {p["status"]["podIP"] for p in self.api.list("pods", self.ns)}
        self.assertEqual(50, len(addresses))
        for i in range(50):
            self.api.delete("pods", self.ns, f"pod-{i}")
        self.eventually(lambda: not self.api.list("pods", self.ns), "all are gone", 60)
        self.eventually(lambda: not self.node.table(), "nothing runs any more")


class Full(Case):
    flags = ("--bind", "--max-pods", "3")

    def test_no_more_pods_than_allowed(self):
        for i in range(5):
            self.pod(f"pod-{i}")
        self.eventually(lambda: len([1 for i in range(5) if self.ready(f"pod-{i}")]) == 3, "three are ready")
        time.sleep(1)
        self.assertEqual(3, len([p for p in self.api.list("pods", self.ns) if p["spec"].get("nodeName")]))
        ready = [f"pod-{i}" for i in range(5) if self.ready(f"pod-{i}")]
        self.api.delete("pods", self.ns, ready[0])
        self.eventually(lambda: len([1 for i in range(5) if self.ready(f"pod-{i}")]) == 3, "the next one has its place",
                        SOON)


class Tight(Case):
    """A node with room for two pods of these, whatever its machine has."""

    def half(self):
        node = self.api.get("nodes", None, self.node.name)
        cpu = node["status"]["allocatable"]["cpu"]
        milli = int(cpu[:-1]) if cpu.endswith("m") else 1000 * int(cpu)
        return [{"name": "main", "image": "fake/run:1", "resources": {"requests": {"cpu": f"{milli * 2 // 5}m"}}}]

    def test_one_after_the_other_never_waits(self):
        """Each pod is wholly gone before the next: there is room for it at once, and nobody says otherwise."""
        half = self.half()
        for i in range(8):
            self.pod(f"pod-{i}", containers=half)
            self.wait_ready(f"pod-{i}")
            self.api.delete("pods", self.ns, f"pod-{i}", gracePeriodSeconds=0 if i % 2 else 1)
            self.eventually(lambda i=i: self.get(f"pod-{i}") is None, "it is gone")
            self.assertEqual([], self.events("FailedScheduling", f"pod-{i}"))

    def test_a_departure_wakes_who_waits(self):
        """Not a clock: each deletion makes the next one Ready."""
        half = self.half()
        for i in range(6):
            self.pod(f"pod-{i}", containers=half)
        def ready():
            return [f"pod-{i}" for i in range(6) if self.get(f"pod-{i}") and self.ready(f"pod-{i}")]
        for left in range(6, 0, -1):
            self.eventually(lambda left=left: len(ready()) == min(2, left), "two are ready")
            name = ready()[0]
            self.api.delete("pods", self.ns, name, gracePeriodSeconds=0)
            self.eventually(lambda name=name: self.get(name) is None, "it is gone")
