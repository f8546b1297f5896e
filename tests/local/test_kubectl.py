# SPDX-License-Identifier: Apache-2.0
"""kubectl against local mode: the one on PATH and, where $OLD_KUBECTL names one (Debian's 1.20), that as well."""

import json
import os
import re
import select
import shutil
import subprocess
import unittest

from server import ServerCase, old_kubectl, until

from kubectl import kubectl_minor

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: x}}
spec:
  containers: [{name: main, image: example.com/none}]
"""
CRDS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "deploy", "crds")
SANDBOX = """\
apiVersion: agents.x-k8s.io/v1alpha1
kind: Sandbox
metadata: {name: %s}
spec: {replicas: 1, podTemplate: {spec: {containers: [{name: main, image: example.com/none}]}}}
"""


class Kubectl(ServerCase):
    program = "kubectl"
    numbers = iter(range(1000))

    @classmethod
    def setUpClass(cls):
        if not cls.program or not shutil.which(cls.program):
            raise unittest.SkipTest(f"no such kubectl: '{cls.program}'")
        super().setUpClass()
        for name in sorted(os.listdir(CRDS)):
            cls.server.apply(os.path.join(CRDS, name))

    def k(self, *argv, stdin=None, check=True):
        env = dict(os.environ, KUBECONFIG=self.server.kubeconfig, HOME=self.server.folder)
        done = subprocess.run([self.program, *argv], input=stdin, env=env, capture_output=True, text=True, timeout=300)
        if check and done.returncode != 0:
            self.fail(f"kubectl {' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def pod(self):
        name = f"pod-{next(self.numbers)}"
        self.k("apply", "-f", "-", stdin=POD % name)
        return name

    def test_apply_get_and_apply_again(self):
        name = self.pod()
        self.assertIn("unchanged", self.k("apply", "-f", "-", stdin=POD % name))
        changed = (POD % name).replace("app: x", "app: x, more: z")
        self.assertIn("configured", self.k("apply", "-f", "-", stdin=changed))
        self.assertRegex(self.k("get", "pods", "-l", "more=z"), rf"(?m)^NAME +READY +STATUS.*\n{name} +0/1 +Pending")
        self.assertIn("Pending", self.k("get", "pod", name, "-o", "jsonpath={.status.phase}"))
        self.assertIn(f"name: {name}", self.k("get", "pod", name, "-o", "yaml"))
        self.assertIn("IP", self.k("get", "pods", "-A", "-o", "wide"))

    def test_our_kinds_can_be_applied_scaled_and_waited_for(self):
        self.k("apply", "-f", "-", stdin=SANDBOX % "sb")
        self.assertRegex(self.k("get", "sandboxes"), r"(?m)^sb\b")
        self.k("scale", "sandbox/sb", "--replicas=0")
        self.assertEqual(0, self.api.get("sandboxes", "default", "sb")["spec"]["replicas"])
        self.api.patch("sandboxes", "default", "sb", {"status": {"replicas": 0, "conditions": [
            {"type": "Ready", "status": "True", "reason": "x", "message": "",
             "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, sub="status")
        self.assertIn("condition met", self.k("wait", "--for=condition=Ready", "--timeout=240s", "sandbox/sb"))
        self.k("delete", "sandbox", "sb", "--timeout=240s")
        self.assertIsNone(self.api.get("sandboxes", "default", "sb"))

    def test_wait_sees_a_change_and_a_deletion(self):
        name = self.pod()
        waiting = subprocess.Popen([self.program, "wait", "--for=delete", f"pod/{name}", "--timeout=240s", "-v=6"],
                                   env=dict(os.environ, KUBECONFIG=self.server.kubeconfig, HOME=self.server.folder),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # It has seen the pod: one that is gone before is not a success to an old kubectl.
        said = next((line for line in waiting.stdout if "/pods" in line and "200 OK" in line), None)
        self.assertIsNotNone(said)
        self.k("delete", "pod", name, "--grace-period=0", "--force")
        text = waiting.communicate(timeout=300)[0]
        self.assertEqual(0, waiting.returncode, text)

    def test_label_annotate_patch(self):
        name = self.pod()
        self.k("label", "pod", name, "one=1")
        self.k("label", "pod", name, "app-")
        self.k("annotate", "pod", name, "note=hello there")
        self.k("patch", "pod", name, "-p", '{"metadata":{"labels":{"two":"2"}}}')
        self.k("patch", "pod", name, "--type=merge", "-p", '{"metadata":{"labels":{"three":"3"}}}')
        self.k("patch", "pod", name, "--type=json", "-p", '[{"op":"add","path":"/metadata/labels/four","value":"4"}]')
        meta = self.api.get("pods", "default", name)["metadata"]
        self.assertEqual({"one": "1", "two": "2", "three": "3", "four": "4"}, meta["labels"])
        self.assertEqual("hello there", meta["annotations"]["note"])

    def test_replace_and_edit(self):
        name = self.pod()
        obj = json.loads(self.k("get", "pod", name, "-o", "json"))
        obj["metadata"]["labels"] = {"replaced": "yes"}
        self.k("replace", "-f", "-", stdin=json.dumps(obj))
        self.assertEqual({"replaced": "yes"}, self.api.get("pods", "default", name)["metadata"]["labels"])
        editor = self.server.write("editor.sh", "#!/bin/sh\nsed -i 's/replaced: .*/edited: \"1\"/' \"$1\"\n")
        os.chmod(editor, 0o700)
        os.environ["KUBE_EDITOR"] = editor
        self.k("edit", "pod", name)
        self.assertEqual({"edited": "1"}, self.api.get("pods", "default", name)["metadata"]["labels"])

    def test_create_the_usual_things(self):
        self.k("create", "namespace", "made")
        self.k("create", "configmap", "cm", "--from-literal=a=b", "-n", "made")
        self.k("create", "secret", "generic", "s", "--from-literal=a=b", "-n", "made")
        self.k("create", "serviceaccount", "sa", "-n", "made")
        self.k("create", "service", "clusterip", "svc", "--tcp=80:8080", "-n", "made")
        self.assertEqual({"a": "b"}, self.api.get("configmaps", "made", "cm")["data"])
        self.assertEqual({"a": "Yg=="}, self.api.get("secrets", "made", "s")["data"])
        self.assertEqual(80, self.api.get("services", "made", "svc")["spec"]["ports"][0]["port"])
        self.assertIn("AlreadyExists", self.k("create", "namespace", "made", check=False))
        self.k("delete", "namespace", "made", "--timeout=240s")
        self.assertIsNone(self.api.get("namespaces", None, "made"))

    def test_run_describe_logs_and_delete(self):
        self.k("run", "ran", "--image=example.com/none", "--restart=Never")
        self.assertRegex(self.k("describe", "pod", "ran"), r"Name: +ran")
        self.assertIn("does not have a host assigned", self.k("logs", "ran", check=False))
        self.assertIn("deleted", self.k("delete", "pod", "ran"))
        self.assertIn("NotFound", self.k("get", "pod", "ran", check=False))
        self.assertIn("not found", self.k("logs", "ran", check=False))

    def test_what_is_there(self):
        self.assertIn("is running at", self.k("cluster-info"))
        self.assertRegex(self.k("api-resources"), r"(?m)^pods +po +v1 +true +Pod")
        self.assertIn("agents.x-k8s.io/v1alpha1", self.k("api-versions"))
        self.assertRegex(self.k("version"), r"Server Version")
        if kubectl_minor(self.program) >= 27:  # before, it explains by OpenAPI v2 alone, which is empty here
            self.assertRegex(self.k("explain", "sandbox.spec"), "podTemplate")
        self.assertRegex(self.k("get", "--raw", "/readyz"), "ok")
        self.assertIn("doesn't have a resource type", self.k("get", "deployments", check=False))

    def test_server_side_apply_is_refused_with_a_sentence(self):
        said = self.k("apply", "--server-side", "-f", "-", stdin=POD % "ssa", check=False)
        self.assertRegex(said, "(?i)server-side apply")

    def test_errors_are_said_as_by_the_real_one(self):
        said = self.k("apply", "-f", "-", stdin=(POD % "Bad_Name"), check=False)
        self.assertRegex(said, r'The Pod "Bad_Name" is invalid: metadata.name: Invalid value')
        self.assertRegex(self.k("delete", "pod", "none", check=False), r'pods "none" not found')

    def test_get_watch_prints_what_comes(self):
        watching = subprocess.Popen([self.program, "get", "pods", "--watch-only", "-l", "watched=yes"],
                                    env=dict(os.environ, KUBECONFIG=self.server.kubeconfig),
                                    stdout=subprocess.PIPE)
        try:
            def seen():
                name = self.pod()
                self.k("label", "pod", name, "watched=yes")
                return select.select([watching.stdout], [], [], 1)[0] and re.search(
                    rb"pod-\d+", os.read(watching.stdout.fileno(), 4096))
            until(seen, 20, "the watch prints a pod")
        finally:
            watching.kill()
            watching.wait(10)
            watching.stdout.close()


class OldKubectl(Kubectl):
    program = old_kubectl()


if __name__ == "__main__":
    unittest.main()
