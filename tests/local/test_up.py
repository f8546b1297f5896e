# SPDX-License-Identifier: Apache-2.0
"""Local mode as its users start it: `agent-sandbox-local up`, `status`, `down`, with --pods fake, in a state folder of
its own. Where Podman can run, once more with containers ($UP_PODMAN_IMAGE names an image that stays up)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "contract"))

from process import tail, until  # noqa: E402

PROGRAM = os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-local")
CLAIMED = """\
apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxTemplate
metadata: {name: shape}
spec: {podTemplate: {spec: {restartPolicy: Always, containers: [{name: main, %s, imagePullPolicy: IfNotPresent}]}}}
---
apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxWarmPool
metadata: {name: pool}
spec: {replicas: 1, sandboxTemplateRef: {name: shape}}
---
apiVersion: extensions.agents.x-k8s.io/v1alpha1
kind: SandboxClaim
metadata: {name: mine}
spec: {sandboxTemplateRef: {name: shape}}
"""


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, **more)


def processes_of(folder):
    """Those whose command line names the folder: {pid: argv[0]'s name}."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
            with open(f"/proc/{pid}/stat") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and any(folder.encode() in word for word in argv):
            found[int(pid)] = os.path.basename(argv[0].decode())
    return found


class Up(unittest.TestCase):
    pods = "fake"
    runs = "image: example.com/none"
    ready_seconds = 60

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="up-")
        self.state = os.path.join(self.folder, "state")
        self.log = os.path.join(self.folder, "up.log")
        self.child = None

    def tearDown(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(120)
        run(PROGRAM, "down", "--state-dir", self.state)
        left = processes_of(self.state)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual({}, left)

    def up(self, *flags):
        """Starts it and waits until it is ready; a session of its own, as a terminal's would be."""
        with open(self.log, "ab") as out:
            # Before it is started: on a busy machine it has written before anything is asked here.
            begun = out.tell()
            self.child = subprocess.Popen([PROGRAM, "up", "--state-dir", self.state, "--pods", self.pods, *flags],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

        def ready():
            with open(self.log) as f:
                f.seek(begun)
                text = f.read()
            if self.child.poll() is not None:
                self.fail(f"up ended with {self.child.returncode}:\n{text}")
            return text if "ready after" in text else None
        said = until(ready, self.ready_seconds, lambda: "up is ready:\n" + tail(self.log))
        return said[said.rindex("API   "):]

    def local(self, command, *flags, status=0):
        done = run(PROGRAM, command, "--state-dir", self.state, *flags)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def kubectl(self, *argv, stdin=None, check=True):
        if shutil.which("kubectl") is None:
            self.skipTest("needs kubectl")
        done = run("kubectl", *argv, input=stdin, env=dict(os.environ, KUBECONFIG=os.path.join(self.state, "kubeconfig")))
        if check:
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def through_port_forward(self, target, port, path):
        """What is answered there, through `kubectl port-forward` to a port that it picks."""
        forward = subprocess.Popen(["kubectl", "port-forward", target, f":{port}"], stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, KUBECONFIG=os.path.join(self.state, "kubeconfig")))
        try:
            local = re.search(r"127.0.0.1:(\d+)", forward.stdout.readline()).group(1)
            with urllib.request.urlopen(f"http://127.0.0.1:{local}{path}", timeout=120) as answer:
                return answer.read().decode()
        finally:
            forward.kill()
            forward.wait(60)
            forward.stdout.close()

    def end(self, number):
        self.child.send_signal(number)
        return self.child.wait(120)

    def child_pid(self, name):
        found = re.search(rf"^{name} +.*process (\d+), (\d+) restarts", self.local_status(), re.M)
        return int(found.group(1)) if found else 0

    def local_status(self):
        return run(PROGRAM, "status", "--state-dir", self.state).stdout

    # ---- from nothing to a claim, and back ----

    def test_a_claim_is_ready_and_is_there_again_after_down_and_up(self):
        said = self.up()
        self.assertIn(os.path.join(self.state, "kubeconfig"), said)
        status = self.local("status")
        for word in ("API", "kubeconfig", f"--pods {self.pods}", "node        ready", "controller  ready"):
            self.assertIn(word, status)
        self.assertRegex(self.kubectl("get", "nodes"), r"local +Ready")
        self.kubectl("apply", "-f", "-", stdin=CLAIMED % self.runs)
        self.kubectl("wait", "--for=condition=Ready", "sandboxclaim/mine", "--timeout=240s")
        uid = self.kubectl("get", "sandbox", "mine", "-o", "jsonpath={.metadata.uid}")

        self.assertIn("ended", self.local("down"))
        self.assertEqual(0, self.child.wait(120))
        self.assertIn("nothing runs", self.local("status", status=3))
        self.assertEqual({}, processes_of(self.state))

        url = re.search(r"https://\S+", said).group(0)
        self.assertIn(url, self.up(), "the API's port is that of the last time")
        self.kubectl("wait", "--for=condition=Ready", "sandboxclaim/mine", "--timeout=240s")
        self.assertEqual(uid, self.kubectl("get", "sandbox", "mine", "-o", "jsonpath={.metadata.uid}"))
        self.kubectl("delete", "sandboxclaim", "mine", "--timeout=240s")

    def test_a_second_up_is_refused_and_says_why(self):
        self.up()
        done = run(PROGRAM, "up", "--state-dir", self.state, "--pods", self.pods)
        self.assertEqual(1, done.returncode)
        self.assertIn(f"runs already with the state in '{self.state}' (process {self.child.pid})", done.stderr)
        self.local("status")

    def test_the_kinds_are_there_and_stay_as_users_changed_them(self):
        self.up()
        name = "sandboxwarmpools.extensions.agents.x-k8s.io"
        self.kubectl("patch", "crd", name, "--type=json", "-p",
                     '[{"op":"add","path":"/spec/names/shortNames","value":["mypools"]}]')
        self.local("down")
        self.child.wait(120)
        self.up()
        # Not `get mypools`: an old kubectl has the names of before in its cache.
        self.assertIn('"mypools"', self.kubectl("get", "--raw", "/apis/extensions.agents.x-k8s.io/v1alpha1"))
        self.kubectl("delete", "crd", name, "--timeout=240s")
        self.local("down")
        self.child.wait(120)
        self.up()
        self.assertIn("No resources", self.kubectl("get", "sandboxwarmpools"))

    # ---- ends ----

    def test_ctrl_c_ends_everything(self):
        self.up()
        self.assertGreater(len(processes_of(self.state)), 2)
        self.assertEqual(0, self.end(signal.SIGINT))
        self.assertEqual({}, processes_of(self.state))
        self.assertEqual("ended", tail(self.log, 1).strip())

    def test_ctrl_c_while_it_starts_ends_everything(self):
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen([PROGRAM, "up", "--state-dir", self.state, "--pods", self.pods],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        until(lambda: "kubeconfig" in tail(self.log), 20, "the API answers")
        self.assertEqual(0, self.end(signal.SIGINT), tail(self.log))
        self.assertEqual({}, processes_of(self.state))

    def test_nothing_is_left_of_an_up_that_was_killed_after_down(self):
        self.up()
        self.end(signal.SIGKILL)
        self.assertIn("nothing runs", self.local("status", status=3))
        self.assertIn("what it left is ended", self.local("down"))
        self.assertEqual({}, processes_of(self.state))
        self.assertIn("nothing runs", self.local("down"))

    def test_an_up_after_one_that_was_killed_goes_on_with_its_state(self):
        self.up()
        self.kubectl("create", "configmap", "kept")
        before = processes_of(self.state)
        self.end(signal.SIGKILL)
        self.up()
        self.assertIn("kept", self.kubectl("get", "configmap", "kept"))
        self.assertEqual(set(), set(before) & set(processes_of(self.state)), "no process of the killed one runs")

    # ---- children ----

    def test_a_killed_controller_and_a_killed_node_are_started_again(self):
        self.up()
        for name in ("controller", "node"):
            pid = self.child_pid(name)
            os.kill(pid, signal.SIGKILL)
            until(lambda: self.child_pid(name) not in (0, pid), 20, f"another {name} runs")
        until(lambda: run(PROGRAM, "status", "--state-dir", self.state).returncode == 0, 30, self.local_status)
        self.assertRegex(self.local("status"), r"controller +ready, process \d+, 1 restarts")
        self.kubectl("apply", "-f", "-", stdin=CLAIMED % self.runs)
        self.kubectl("wait", "--for=condition=Ready", "sandboxclaim/mine", "--timeout=240s")

    def test_the_router_is_shown_as_a_running_pod_behind_its_service(self):
        said = self.up()
        if not re.search(r"^router +http", said, re.M):
            self.skipTest("no router: " + re.search(r"^router.*", said, re.M).group(0))
        self.assertRegex(self.kubectl("get", "pod", "sandbox-router"), r"1/1 +Running")
        self.assertIn("8080/TCP", self.kubectl("get", "service", "sandbox-router-svc"))
        self.assertIn('"ok"', self.through_port_forward("service/sandbox-router-svc", 8080, "/healthz"))
        self.kubectl("delete", "pod", "sandbox-router", "--wait=false")
        until(lambda: "1/1" in self.kubectl("get", "pod", "sandbox-router", check=False), 20, "it comes back")

    def test_no_router_leaves_no_service_of_it(self):
        self.up()
        self.local("down")
        self.child.wait(120)
        self.assertRegex(self.up("--no-router"), r"(?m)^router +none: --no-router")
        self.assertIn("NotFound", self.kubectl("get", "service", "sandbox-router-svc", check=False))

    # ---- the first image ----

    def test_the_first_image_is_made_once(self):
        script, made = os.path.join(self.folder, "make.sh"), os.path.join(self.folder, "made")
        with open(script, "w") as f:
            f.write(f"#!/bin/sh\necho made >>'{made}'\n")
        os.chmod(script, 0o700)
        for _ in range(2):
            self.up("--first-image", script)
            self.local("down")
            self.child.wait(120)
        with open(made) as f:
            self.assertEqual("made\n", f.read())

    def test_a_first_image_that_fails_is_said_and_tried_again(self):
        script = os.path.join(self.folder, "fails.sh")
        with open(script, "w") as f:
            f.write("#!/bin/sh\necho no registry answers\nexit 3\n")
        os.chmod(script, 0o700)
        for _ in range(2):
            done = run(PROGRAM, "up", "--state-dir", self.state, "--pods", self.pods, "--first-image", script)
            self.assertEqual(1, done.returncode)
            self.assertIn("failed with status 3: no registry answers", done.stderr)


class Flags(unittest.TestCase):
    def assert_refused(self, words, *argv, status=2):
        done = run(PROGRAM, *argv)
        self.assertEqual(status, done.returncode, done.stderr)
        self.assertIn(words, done.stderr)

    def test_what_is_not_understood_is_refused_with_what_there_is(self):
        self.assert_refused("the commands are: up, down, status, serve")
        self.assert_refused("the commands are: up, down, status, serve", "start")
        self.assert_refused("unexpected argument 'now'", "up", "now")
        self.assert_refused("unknown flag '--podz'", "up", "--podz", "fake")
        self.assert_refused("--pods takes podman, process or fake, not 'docker'", "up", "--pods=docker")
        self.assert_refused("--pods needs a value", "up", "--pods")
        self.assert_refused("--port '70000' is not a port", "up", "--port", "70000")
        self.assert_refused("the command 'down' does not take --pods", "down", "--pods", "fake")
        self.assert_refused("the command 'up' does not take --node-socket", "up", "--node-socket", "/x")

    def test_a_state_folder_that_cannot_be_is_said(self):
        self.assert_refused("cannot create the directory", "up", "--pods=fake", "--state-dir", "/dev/null/x", status=1)
        with tempfile.TemporaryDirectory() as folder:
            self.assert_refused("too long", "up", "--pods=fake", "--state-dir", os.path.join(folder, "x" * 70), status=1)

    def test_down_and_status_of_nothing_make_no_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "none")
            self.assertEqual(0, run(PROGRAM, "down", "--state-dir", state).returncode)
            self.assertEqual(3, run(PROGRAM, "status", "--state-dir", state).returncode)
            self.assertFalse(os.path.exists(state))


class UpProcess(Up):
    pods = "process"
    runs = "image: example.com/none, command: [sleep, '100000']"

    def test_it_says_that_nothing_is_isolated(self):
        self.assertIn("NOTHING IS ISOLATED", self.up())
        self.assertRegex(tail(self.log), r"WARNING: --pods process[^\0]*NOTHING IS ISOLATED")
        self.assertIn("NOTHING IS ISOLATED", self.local("status"))


def no_podman():
    """Why there can be no containers here, or None."""
    if os.geteuid() != 0:
        return "containers need root"
    if shutil.which("podman") is None:
        return "podman is not installed"
    if not os.environ.get("UP_PODMAN_IMAGE"):
        return "$UP_PODMAN_IMAGE names no image"
    return None


class UpPodman(Up):
    pods = "podman"
    runs = "image: " + os.environ.get("UP_PODMAN_IMAGE", "")
    ready_seconds = 120

    def setUp(self):
        why = no_podman()
        if why is not None:
            self.skipTest(why)
        super().setUp()


if __name__ == "__main__":
    unittest.main()
