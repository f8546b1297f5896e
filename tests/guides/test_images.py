# SPDX-License-Identifier: Apache-2.0
"""The images of the guides, built with podman where it works, without a network."""

import os
import shutil
import subprocess
import tempfile
import unittest

from cluster import ROOT

BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())
CONTROLLER = "agent-sandbox-controller:latest"
SANDBOX_BASES = ("docker.io/library/python:3-slim", "localhost/agent-sandbox-base:debian")


def podman(*argv, timeout=300, **more):
    return subprocess.run(["podman", *argv], capture_output=True, text=True, timeout=timeout, **more)


def limits():
    """What podman needs where it may not raise the limit of open files, or crun refuses the machine."""
    files = subprocess.run(["sh", "-c", "ulimit -Hn"], capture_output=True, text=True, check=True).stdout.strip()
    runtime = ["--runtime", "runc"] if shutil.which("runc") else []
    return runtime + ([] if files == "unlimited" else ["--ulimit", f"nofile={files}:{files}"])


def without_podman():
    if os.geteuid() != 0 or not shutil.which("podman"):
        return "needs podman, and root"
    works = podman("info", timeout=60)
    return None if works.returncode == 0 else f"podman does not work: {works.stderr.strip()[-200:]}"


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = without_podman()
        if why:
            raise unittest.SkipTest(why)

    def build(self, *argv):
        done = podman("build", *limits(), "--pull=never", "--network", "none", *argv)
        return done.returncode, done.stdout + done.stderr

    def run_image(self, image, *argv):
        done = podman("run", "--rm", *limits(), "--ulimit", "nproc=4096:4096", "--network", "none", image, *argv, timeout=60)
        return done.returncode, done.stdout + done.stderr


class Sandbox(Images):
    """docker build -t sandbox-runtime:latest ./examples/python-template-sandbox, under a name of its own."""

    def setUp(self):
        self.base = next((b for b in SANDBOX_BASES if podman("image", "exists", b).returncode == 0), None)
        if self.base is None:
            raise unittest.SkipTest("no base with Python here yet: scripts/build-image.sh makes one")
        self.top = tempfile.mkdtemp(prefix="guides-")
        self.addCleanup(shutil.rmtree, self.top, True)
        self.context = os.path.join(self.top, "example")
        os.mkdir(self.context)
        shutil.copy(os.path.join(ROOT, "examples", "python-template-sandbox", "Dockerfile"), self.context)
        self.image = f"guides-test-{os.getpid()}:latest"

    def test_it_builds_with_the_runtime_beside_the_dockerfile(self):
        shutil.copy(os.path.join(BUILD, "agent-sandbox-runtime"), self.context)
        self.addCleanup(podman, "rmi", "--force", self.image)
        status, said = self.build("--build-arg", f"BASE={self.base}", "--tag", self.image, self.context)
        self.assertEqual(0, status, said)
        self.assertEqual((0, "/app\n"), self.run_image(self.image, "sh", "-c", "pwd && test -x /usr/local/bin/agent-sandbox-runtime"))

    def test_without_the_runtime_it_says_what_to_do(self):
        status, said = self.build("--build-arg", f"BASE={self.base}", self.context)
        self.assertNotEqual(0, status)
        self.assertIn("scripts/stage-runtime.sh", said)


class Controller(Images):
    """The image of make deploy-kind: its programs load, and the plugins in it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not os.access(os.path.join(BUILD, "agent-sandbox-controller"), os.X_OK):
            raise unittest.SkipTest("the controller is not built, or top_builddir is not set")
        if os.environ.get("SAN_CFLAGS"):
            raise unittest.SkipTest("a build with sanitizers needs libraries that the image does not have")
        if not shutil.which("mmdebstrap") and podman("image", "exists", "localhost/agent-sandbox-controller-base:debian").returncode:
            raise unittest.SkipTest("needs mmdebstrap to make a base without a registry")
        done = subprocess.run([os.path.join(ROOT, "scripts", "program-image.sh"), "controller", BUILD, "podman"],
                              env=dict(os.environ, PULL_SECONDS="5"), capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    def test_it_tells_its_version(self):
        status, said = self.run_image(CONTROLLER, "--version")
        self.assertEqual(0, status, said)
        self.assertIn("agent-sandbox-controller ", said)

    def test_its_plugins_load(self):
        status, said = self.run_image(CONTROLLER, "--extensions", "--help")
        self.assertEqual(0, status, said)
        self.assertIn("--sandbox.cluster-domain", said)

    def test_it_runs_as_nobody_on_a_file_system_that_it_cannot_write(self):
        user = podman("image", "inspect", "--format", "{{.Config.User}}", CONTROLLER).stdout.strip()
        self.assertEqual("65532:65532", user)
        done = podman("run", "--rm", *limits(), "--ulimit", "nproc=4096:4096", "--network", "none", "--read-only",
                      "--cap-drop", "ALL", CONTROLLER, "--kubeconfig", "/no/such/file", timeout=60)
        self.assertEqual(1, done.returncode)
        self.assertIn("/no/such/file", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
