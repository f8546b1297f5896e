# SPDX-License-Identifier: Apache-2.0
"""Pods that do not do as they should: status and events are a kubelet's."""

import time

from api import ApiError
from world import Case, containers


class Troubled(Case):
    def test_exit_0_is_succeeded(self):
        self.run_pod("done", "true")
        self.eventually(lambda: self.pod_status("done").get("phase") == "Succeeded", lambda: self.pod_status("done"))
        ended = self.state("done", "terminated")
        self.assertEqual((0, "Completed"), (ended["exitCode"], ended["reason"]))
        self.assertTrue(ended["containerID"].startswith("podman://"))
        ready = next(c for c in self.pod_status("done")["conditions"] if c["type"] == "Ready")
        self.assertEqual(("False", "PodCompleted"), (ready["status"], ready["reason"]))

    def test_a_failure_is_failed(self):
        self.run_pod("bad", "sh", "-c", "echo the end > /dev/termination-log; exit 3")
        self.eventually(lambda: self.pod_status("bad").get("phase") == "Failed", lambda: self.pod_status("bad"))
        ended = self.state("bad", "terminated")
        self.assertEqual((3, "Error", "the end\n"), (ended["exitCode"], ended["reason"], ended.get("message")))

    def test_a_crash_is_restarted_with_backoff(self):
        self.run_pod("crash", "false", restart="Always")
        self.eventually(lambda: self.state("crash", "waiting").get("reason") == "CrashLoopBackOff",
                        lambda: self.pod_status("crash"))
        self.eventually(lambda: self.container_status("crash").get("restartCount", 0) >= 2,
                        lambda: self.pod_status("crash"), 60)
        self.assertEqual(1, self.container_status("crash")["lastState"]["terminated"]["exitCode"])
        self.has_event("BackOff", "crash", "restarting failed container")

    def test_too_much_memory_is_oom_killed(self):
        self.run_pod("hog", "python3", "-c", "b = bytearray(400 << 20)\nwhile True: pass",
                     resources={"limits": {"memory": "64Mi"}})
        self.eventually(lambda: self.pod_status("hog").get("phase") == "Failed", lambda: self.pod_status("hog"))
        ended = self.state("hog", "terminated")
        self.assertEqual((137, "OOMKilled"), (ended["exitCode"], ended["reason"]))

    def test_never_ready_runs_and_is_told(self):
        self.run_pod("unready", "sleep", "1000", readinessProbe={"exec": {"command": ["false"]}, "periodSeconds": 1})
        self.has_event("Unhealthy", "unready", "Readiness probe failed")
        status = self.pod_status("unready")
        self.assertEqual("Running", status["phase"])
        ready = next(c for c in status["conditions"] if c["type"] == "Ready")
        self.assertEqual(("False", "ContainersNotReady"), (ready["status"], ready["reason"]))

    def test_a_liveness_failure_restarts(self):
        self.run_pod("stuck", "sleep", "1000", restart="Always", livenessProbe={
            "exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 2},
            spec={"terminationGracePeriodSeconds": 1})
        self.eventually(lambda: self.container_status("stuck").get("restartCount", 0) >= 1,
                        lambda: self.pod_status("stuck"))
        self.has_event("Killing", "stuck", "failed liveness probe")

    def test_who_ignores_sigterm_is_killed_after_its_grace(self):
        self.run_pod("deaf", "python3", "-c", "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(1000)",
                     spec={"terminationGracePeriodSeconds": 3})
        self.running("deaf")
        begin = time.monotonic()
        self.delete("pods", "deaf")
        self.no_pods()
        self.assertGreater(time.monotonic() - begin, 2.5)

    def test_a_missing_command_is_told_at_once(self):
        self.run_pod("commandless", "no-such-command")
        self.eventually(lambda: self.state("commandless", "waiting").get("reason") == "RunContainerError",
                        lambda: self.pod_status("commandless"))
        self.assertIn("no-such-command", self.state("commandless", "waiting")["message"])
        self.assertEqual(1, len(self.has_event("Failed", "commandless", "no-such-command")))

    def test_a_missing_image_is_told(self):
        self.run_pod("imageless", image="localhost/no-such-image:1")
        self.eventually(lambda: self.state("imageless", "waiting").get("reason") in ("ErrImagePull", "ImagePullBackOff"),
                        lambda: self.pod_status("imageless"))
        self.assertEqual("Pending", self.pod_status("imageless")["phase"])
        self.has_event("Failed", "imageless", "no-such-image")

    def test_a_missing_runtime_class_is_refused(self):
        with self.assertRaises(ApiError) as refused:
            self.run_pod("classless", spec={"runtimeClassName": "no-such-class"})
        self.assertEqual(403, refused.exception.code)

    def test_a_runtime_class_with_an_unknown_handler_is_told(self):
        self.api.create("runtimeclasses", None, {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
                                                 "metadata": {"name": self.ns}, "handler": "no-such-handler"})
        self.addCleanup(lambda: self.api.delete("runtimeclasses", None, self.ns))
        self.run_pod("unhandled", "sleep", "1000", spec={"runtimeClassName": self.ns})
        self.has_event("FailedCreatePodSandBox", "unhandled", "no-such-handler")
        self.assertEqual("Pending", self.pod_status("unhandled")["phase"])


class Features(Case):
    def logs_of(self, *command, spec=None, **container):
        """The message that a container leaves."""
        self.run_pod("pod", "sh", "-c", f"({' '.join(command)}) > /dev/termination-log 2>&1", spec=spec, **container)
        self.eventually(lambda: self.state("pod", "terminated"), lambda: self.pod_status("pod"), 40)
        return self.state("pod", "terminated").get("message", "")

    def test_environment_fields_and_volumes(self):
        self.api.create("configmaps", self.ns, {"metadata": {"name": "settings"}, "data": {"colour": "green"}})
        self.api.call("POST", f"/api/v1/namespaces/{self.ns}/secrets", {"metadata": {"name": "keys"}, "stringData": {"k": "v"}})
        said = self.logs_of(
            "echo $NAME $COLOUR $(cat /config/colour) $(cat /keys/k) $(stat -c %a /keys/..data/k); echo x > /scratch/x && cat /scratch/x; id -u; id -g",
            env=[{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                 {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}],
            volumeMounts=[{"name": "config", "mountPath": "/config"}, {"name": "keys", "mountPath": "/keys"},
                          {"name": "scratch", "mountPath": "/scratch"}],
            securityContext={"runAsUser": 1000, "runAsGroup": 2000, "readOnlyRootFilesystem": False},
            spec={"securityContext": {"fsGroup": 3000}, "volumes": [
                {"name": "config", "configMap": {"name": "settings"}},
                {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o440}},
                {"name": "scratch", "emptyDir": {}}]})
        self.assertEqual(["pod", "green", "green", "v", "440", "x", "1000", "2000"], said.split(), said)

    def test_a_read_only_root_and_no_capabilities(self):
        said = self.logs_of("touch /x; grep CapEff /proc/self/status",
                            securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
        self.assertIn("Read-only file system", said)
        self.assertIn("CapEff:\t0000000000000000", said)

    def test_init_containers_run_first_and_in_order(self):
        init = [{"name": name, "image": "python-runtime-sandbox:latest", "imagePullPolicy": "IfNotPresent",
                 "command": ["sh", "-c", f"echo {name} >> /shared/order"],
                 "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]} for name in ("one", "two")]
        said = self.logs_of("cat /shared/order", volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
                            spec={"initContainers": init, "volumes": [{"name": "shared", "emptyDir": {}}]})
        self.assertEqual(["one", "two"], said.split())

    def test_two_containers_share_a_network(self):
        server = {"name": "server", "image": "python-runtime-sandbox:latest", "imagePullPolicy": "IfNotPresent"}
        self.api.create("pods", self.ns, {"metadata": {"name": "pair"}, "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [server, {
                **server, "name": "client", "command": ["python3", "-c", "import time,urllib.request as u\nfor i in range(100):\n"
                " try: u.urlopen('http://127.0.0.1:8888/'); break\n except OSError: time.sleep(.1)\nelse: raise SystemExit(1)"]}]}})

        def ended():
            return [c for c in self.pod_status("pair").get("containerStatuses") or []
                    if c["name"] == "client" and "terminated" in c["state"]]
        self.assertEqual(0, self.eventually(ended, lambda: self.pod_status("pair"))[0]["state"]["terminated"]["exitCode"])

    def test_a_claim_outlives_its_pod(self):
        self.api.call("POST", f"/api/v1/namespaces/{self.ns}/persistentvolumeclaims", {
            "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                                                   "resources": {"requests": {"storage": "1Gi"}}}})
        volumes = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
        mounts = [{"name": "data", "mountPath": "/data"}]
        self.logs_of("echo kept > /data/file", volumeMounts=mounts, spec=volumes)
        self.delete("pods", "pod")
        self.no_pods()
        self.assertEqual("kept\n", self.logs_of("cat /data/file", volumeMounts=mounts, spec=volumes))

    def test_a_new_claim_shows_nothing_of_the_old_one(self):
        claim = {"metadata": {"name": "again"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        volumes = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "again"}}]}
        mounts = [{"name": "data", "mountPath": "/data"}]
        path = f"/api/v1/namespaces/{self.ns}/persistentvolumeclaims"
        self.api.call("POST", path, claim)
        self.logs_of("echo secret > /data/file", volumeMounts=mounts, spec=volumes)
        self.delete("pods", "pod")
        self.no_pods()
        self.api.delete("persistentvolumeclaims", self.ns, "again")
        self.eventually(lambda: not self.api.get("persistentvolumeclaims", self.ns, "again"), "the claim is gone")
        self.api.call("POST", path, claim)
        self.assertEqual("", self.logs_of("ls -A /data", volumeMounts=mounts, spec=volumes))

    def test_a_sub_path_through_a_planted_link_is_refused(self):
        """An init container plants links; what they lead to is never mounted, by name or through a variable."""
        shared = [{"name": "shared", "mountPath": "/shared"}]
        plant = {"name": "plant", "image": "python-runtime-sandbox:latest", "imagePullPolicy": "IfNotPresent", "volumeMounts": shared,
                 "command": ["sh", "-c", "ln -s / /shared/root; ln -s ../../../.. /shared/up; ln -s root/etc /shared/far"]}
        for number, how in enumerate(({"subPath": "root/etc"}, {"subPath": "up"}, {"subPath": "far"}, {"subPathExpr": "$(WHERE)"})):
            name = f"pod-{number}"
            self.run_pod(name, "ls", "/got", env=[{"name": "WHERE", "value": "root/etc"}], volumeMounts=[
                {"name": "shared", "mountPath": "/got", **how}], spec={"initContainers": [plant], "volumes": [
                    {"name": "shared", "emptyDir": {}}]})
            def refused(name=name):
                states = [c["state"].get("waiting") or {} for c in self.pod_status(name).get("containerStatuses") or []]
                return [s for s in states if "it leads out of the volume" in s.get("message", "")]
            self.eventually(refused, lambda name=name: self.pod_status(name), 40)

    def test_nothing_is_left_of_a_deleted_pod(self):
        pod = self.run_pod("short", "sleep", "1000", spec={"terminationGracePeriodSeconds": 0})
        self.running("short")
        self.delete("pods", "short")
        self.no_pods()
        self.eventually(lambda: not [c for c in containers() if c["Labels"]["agent-sandbox.pod-uid"] == pod["metadata"]["uid"]],
                        "its containers are gone")
