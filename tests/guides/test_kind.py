# SPDX-License-Identifier: Apache-2.0
"""make deploy-kind and the examples' run-test-kind.sh, with stand-ins for kind, docker, podman and kubectl."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from cluster import ROOT
from process import free_ports

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())
TOOLS = ("kind", "docker", "podman", "kubectl")
NEEDED = ("sh basename bash cat cp date dirname env find grep head install ln ls make mkdir mktemp python3 rm sed sleep sort "
          "strip tail").split()


class Kind(unittest.TestCase):
    """A copy of the scripts, and a PATH with nothing but stand-ins and what every machine has."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="guides-")
        self.addCleanup(shutil.rmtree, self.top, True)
        self.tree, self.bin, self.calls_file = (os.path.join(self.top, n) for n in ("tree", "bin", "calls"))
        for name in ("scripts", "deploy", "examples"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(self.tree, name), symlinks=True)
        subprocess.run(["chmod", "-R", "u+w", self.tree], check=True)
        os.mkdir(self.bin)
        for name in NEEDED:
            os.symlink(sys.executable if name == "python3" else shutil.which(name), os.path.join(self.bin, name))
        self.stand_in(*(os.path.join(self.bin, name) for name in TOOLS), os.path.join(self.bin, "make-here"),
                      *(os.path.join(self.tree, "scripts", name) for name in ("build-image.sh", "stage-runtime.sh")))

    def stand_in(self, *paths):
        for path in paths:
            shutil.copy(os.path.join(HERE, "standin.sh"), path)
            os.chmod(path, 0o755)

    def run_script(self, path, *argv, status=0, **more):
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("BASE", "CLUSTER", "ENGINE", "EXTENSIONS", "KEEP_CLUSTER", "KIND_EXPERIMENTAL_PROVIDER")}
        environment.update({
            "PATH": self.bin, "top_builddir": BUILD, "BUILD_DIR": BUILD, "MAKE": "make-here", "WAIT_SECONDS": "20",
            "PORT": str(free_ports(1)[0]), "STANDIN_CALLS": self.calls_file, "STANDIN_TREE": self.tree,
            "STANDIN_ENGINES": "docker podman", "STANDIN_CLUSTERS": "", "STANDIN_CONTROLLER": "",
            "STANDIN_PATH": os.environ["PATH"], **more})
        done = subprocess.run([os.path.join(self.tree, path), *argv], env=environment, capture_output=True, text=True,
                              timeout=120)
        self.output = done.stdout + done.stderr
        self.assertEqual(status, done.returncode, self.output)
        return self.calls()

    def calls(self):
        with open(self.calls_file) as f:
            text = f.read().replace(self.tree + "/", "")
        return re.sub(r"/\S*/tmp\.\w+|/tmp/tmp\.\w+", "TEMP", text).splitlines()

    def in_order(self, calls, *wanted):
        """The wanted parts stand in the calls, in this order."""
        rest = iter(calls)
        for part in wanted:
            self.assertTrue(any(part in call for call in rest), f"no '{part}' there, or not in this order:\n" + "\n".join(calls))


class Deploy(Kind):
    SCRIPT = "scripts/deploy-kind.sh"

    def test_from_nothing_with_docker(self):
        calls = self.run_script(self.SCRIPT, EXTENSIONS="true")
        self.in_order(calls, "kind create cluster --name agent-sandbox", "stage-runtime.sh",
                      "docker build", "./agent-sandbox-controller",
                      "./plugins/claim.so", "./plugins/sandbox.so", "./plugins/template.so", "./plugins/warmpool.so",
                      "kind load docker-image agent-sandbox-controller:latest --name agent-sandbox",
                      "docker build", "./agent-sandbox-router", "kind load docker-image agent-sandbox-router:latest",
                      "kubectl --context kind-agent-sandbox apply --filename deploy/manifest.yaml",
                      "kubectl --context kind-agent-sandbox apply --filename deploy/extensions.yaml",
                      "rollout status statefulset/agent-sandbox-controller",
                      "kubectl --context kind-agent-sandbox apply --filename deploy/router.yaml",
                      "rollout status deployment/sandbox-router-deployment")
        self.assertFalse([c for c in calls if "restart" in c])

    def test_only_sandboxes_without_extensions(self):
        calls = self.run_script(self.SCRIPT)
        self.assertFalse([c for c in calls if "extensions.yaml" in c or "router" in c])

    def test_the_images_names_are_those_of_the_manifests(self):
        for name in ("manifest.yaml", "extensions.yaml"):
            with open(os.path.join(ROOT, "deploy", name)) as f:
                self.assertIn("image: agent-sandbox-controller:latest\n", f.read())
        with open(os.path.join(ROOT, "deploy", "router.yaml")) as f:
            self.assertIn("image: agent-sandbox-router:latest\n", f.read())

    def test_a_cluster_that_is_there_is_kept_and_its_controller_restarted(self):
        calls = self.run_script(self.SCRIPT, STANDIN_CLUSTERS="other\nagent-sandbox",
                                STANDIN_CONTROLLER="statefulset.apps/agent-sandbox-controller")
        self.assertFalse([c for c in calls if "create cluster" in c])
        self.in_order(calls, "kind export kubeconfig --name agent-sandbox", "apply", "rollout restart", "rollout status")

    def test_podman_saves_the_image_under_the_name_that_pods_use(self):
        calls = self.run_script(self.SCRIPT, STANDIN_ENGINES="podman", BASE="localhost/base:debian")
        self.in_order(calls, "podman build", "podman tag localhost/agent-sandbox-controller:latest "
                      "docker.io/library/agent-sandbox-controller:latest",
                      "podman save", "kind load image-archive")
        self.assertIn("--build-arg BASE=localhost/base:debian", next(c for c in calls if c.startswith("podman build")))
        self.assertFalse([c for c in calls if c.startswith("docker") and c != "docker info"])

    def test_all_that_is_missing_is_named_before_anything_is_done(self):
        os.unlink(os.path.join(self.bin, "kind"))
        os.unlink(os.path.join(self.bin, "kubectl"))
        calls = self.run_script(self.SCRIPT, "--check", status=1, STANDIN_ENGINES="")
        for part in ("kind.sigs.k8s.io", "kubernetes-client", "docker.io", "podman", "agent-sandbox-local"):
            self.assertIn(part, self.output)
        self.assertEqual(["docker info", "podman info"], calls)

    def test_check_passes_where_all_is_there_and_does_nothing(self):
        self.assertEqual(["docker info"], self.run_script(self.SCRIPT, "--check"))

    def test_a_controller_that_does_not_come_up_is_told_with_its_log(self):
        calls = self.run_script(self.SCRIPT, status=1, STANDIN_FAIL="*rollout status*")
        self.in_order(calls, "rollout status", "get pods", "logs statefulset/agent-sandbox-controller")
        self.assertIn("not ready", self.output)

    def test_a_word_that_is_neither_true_nor_false_is_refused(self):
        self.run_script(self.SCRIPT, status=1, EXTENSIONS="yes")
        self.assertIn("'yes'", self.output)

    def setUp(self):
        super().setUp()
        open(self.calls_file, "w").close()


class Examples(Kind):
    RUNTIME = "examples/python-runtime-sandbox/run-test-kind.sh"
    TEMPLATE = "examples/python-template-sandbox/run-test-kind.sh"

    def test_the_runtime_sandbox_from_nothing_to_nothing(self):
        calls = self.run_script(self.RUNTIME)
        self.in_order(calls, "kind create cluster --name agent-sandbox", "deploy-kind EXTENSIONS=false",
                      "apply --filename deploy/manifest.yaml",
                      "stage-runtime.sh", "docker build", "kind load docker-image sandbox-runtime:latest",
                      "apply --filename sandbox-python-kind.yaml", "wait --for=condition=Ready pod/the-pod",
                      "port-forward pod/the-pod", "delete --ignore-not-found", "kind delete cluster --name agent-sandbox")
        self.assertIn("All checks passed.", self.output)

    def test_the_template_sandbox_deploys_the_extensions(self):
        calls = self.run_script(self.TEMPLATE)
        self.in_order(calls, "deploy-kind EXTENSIONS=true", "apply --filename deploy/extensions.yaml",
                      "apply --filename sandbox-python-template.yaml --filename sandbox-python-claim.yaml",
                      "delete --ignore-not-found --wait=false --filename sandbox-python-template.yaml")
        self.assertIn("All checks passed.", self.output)

    def test_a_cluster_of_others_stays(self):
        calls = self.run_script(self.RUNTIME, STANDIN_CLUSTERS="agent-sandbox")
        self.assertFalse([c for c in calls if "delete cluster" in c])
        self.in_order(calls, "delete --ignore-not-found")

    def test_keep_cluster_keeps_it(self):
        calls = self.run_script(self.RUNTIME, KEEP_CLUSTER="1")
        self.assertFalse([c for c in calls if "delete cluster" in c])

    def test_a_failure_cleans_up_and_is_a_failure(self):
        calls = self.run_script(self.RUNTIME, status=1, STANDIN_FAIL="*wait --for=condition=Ready*")
        self.in_order(calls, "wait", "delete --ignore-not-found", "kind delete cluster")

    def test_a_port_that_is_taken_is_told(self):
        self.run_script(self.RUNTIME, status=1, STANDIN_FAIL="*port-forward*")
        self.assertIn("PORT=", self.output)
        self.assertIn("kind delete cluster", "\n".join(self.calls()))

    def test_podman_builds_without_a_registry(self):
        calls = self.run_script(self.RUNTIME, STANDIN_ENGINES="podman")
        self.in_order(calls, "build-image.sh --containerfile examples/python-runtime-sandbox/Dockerfile --tag sandbox-runtime:latest",
                      "docker.io/library/sandbox-runtime:latest", "kind load image-archive")


if __name__ == "__main__":
    unittest.main()
