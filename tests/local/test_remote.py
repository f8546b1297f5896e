# SPDX-License-Identifier: Apache-2.0
"""kubectl exec, attach and port-forward against local mode and a node: the kubectl on PATH and, where $OLD_KUBECTL names
one (Debian's 1.20), that as well. The node runs plain processes, or what $REMOTE_RUNTIME and $REMOTE_IMAGE name."""

import hashlib
import http.client
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from server import ServerCase, old_kubectl, until
from process import Process

RUNTIME = os.environ.get("REMOTE_RUNTIME", "process")
IMAGE = os.environ.get("REMOTE_IMAGE", "host")
SOON = 120
ECHO = """\
import http.server, socketserver, sys
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
class S(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 200
S((sys.argv[1], int(sys.argv[2])), H).serve_forever()
"""


def node_binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-node")


class Remote(ServerCase):
    program = "kubectl"
    numbers = iter(range(1000))

    @classmethod
    def setUpClass(cls):
        if not cls.program or not shutil.which(cls.program):
            raise unittest.SkipTest(f"no such kubectl: '{cls.program}'")
        if not os.access(node_binary(), os.X_OK):
            raise unittest.SkipTest(f"'{node_binary()}' is not built")
        super().setUpClass()
        cls.node_log = cls.server.file("node.log")
        cls.node_socket = os.path.join(cls.server.state, "node.sock")
        cls.node = Process("node", [
            node_binary(), "--kubeconfig", cls.server.kubeconfig, "--node-name", "here", "--bind", "--runtime", RUNTIME,
            "--state-dir", cls.server.file("node"), "--listen-unix", cls.node_socket, "--node-ip", "192.0.2.7"],
            cls.node_log)
        until(lambda: any(c["type"] == "Ready" and c["status"] == "True" for c in
                          ((cls.api.get("nodes", None, "here") or {}).get("status") or {}).get("conditions") or []),
              SOON, lambda: "the node is ready:\n" + open(cls.node_log, errors="replace").read()[-2000:])
        cls.start_pod("pod")

    @classmethod
    def tearDownClass(cls):
        # Not by force: a pod that the node itself takes away leaves no container or process behind.
        for pod in cls.api.list("pods", "default"):
            cls.api.delete("pods", "default", pod["metadata"]["name"])
        until(lambda: not cls.api.list("pods", "default"), SOON, "the pods are gone")
        status = cls.node.stop()
        with open(cls.node_log, errors="replace") as f:
            text = f.read()
        super().tearDownClass()
        if status != 0 or "Sanitizer" in text or "runtime error" in text:
            raise AssertionError(f"the node ended with {status}:\n{text[-3000:]}")

    @classmethod
    def start_pod(cls, name, **more):
        container = {"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                     "command": ["/bin/sh", "-c", "trap exit TERM; while :; do sleep 1000 & wait; done"]}
        cls.api.create("pods", "default", {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
                     "containers": [{**container, **more}]}})

        def runs():
            pod = cls.api.get("pods", "default", name)
            return (pod.get("status") or {}).get("phase") == "Running" and pod
        return until(runs, SOON, lambda: f"{name} runs: {cls.api.get('pods', 'default', name)['status']}\n"
                     + open(cls.node_log, errors="replace").read()[-2000:])

    @property
    def env(self):
        return dict(os.environ, KUBECONFIG=self.server.kubeconfig, HOME=self.server.folder)

    def k(self, *argv, stdin=b"", timeout=300):
        """(status, output, errors) in bytes."""
        done = subprocess.run([self.program, *argv], input=stdin, env=self.env, capture_output=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def popen(self, *argv, **more):
        return subprocess.Popen([self.program, *argv], env=self.env, **more)

    def run_in_pod(self, script, *flags, stdin=b"", timeout=300):
        return self.k("exec", *flags, "pod", "--", "/bin/sh", "-c", script, stdin=stdin, timeout=timeout)

    def sleepers(self, mark):
        """Processes of this machine with that argument."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    argv = f.read().split(b"\0")
            except OSError:
                continue
            if argv[0].endswith(b"sleep") and mark.encode() in argv:
                found.append(int(pid))
        return found

    def test_a_log_without_a_byte_is_followed(self):
        with self.tls() as s:
            s.sendall(self.head("GET", "/api/v1/namespaces/default/pods/pod/log?follow=true"))
            self.assertRegex(s.recv(65536), rb"^HTTP/1.1 200 ")

    # ---- exec ----

    def test_exec_gives_both_streams_and_the_exit_code(self):
        self.assertEqual((0, b"out\n", b""), self.run_in_pod("echo out"))
        status, out, err = self.run_in_pod("echo out; echo err >&2; exit 7")
        self.assertEqual((7, b"out\n"), (status, out))
        self.assertRegex(err, rb"(?s)^err\n.*exit code 7")
        self.assertEqual(143, self.run_in_pod("kill -TERM $$")[0])

    def test_exec_keeps_arguments_as_they_are(self):
        words = ["a b", "%41+&=?#", "", "ü\n", "'\"$HOME", "--"]
        status, out, _ = self.k("exec", "pod", "--", "/usr/bin/printf" if os.path.exists("/usr/bin/printf") else "printf",
                                "[%s]", *words)
        self.assertEqual((0, "".join(f"[{w}]" for w in words)), (status, out.decode()))

    def test_exec_of_a_command_that_is_not_there_says_so(self):
        status, _, err = self.k("exec", "pod", "--", "/no/such/program")
        self.assertNotEqual(0, status)
        self.assertRegex(err.decode(), "no/such/program|exit code 12[67]")

    def test_exec_in_what_is_not_there_is_refused(self):
        self.assertRegex(self.k("exec", "none", "--", "true")[2].decode(), r'pods "none" not found')
        self.assertRegex(self.k("exec", "pod", "-c", "other", "--", "true")[2].decode(), "container.* other.* not valid")

    def test_stdin_is_carried_to_its_end(self):
        self.assertEqual((0, b"  3 bytes\n"[2:], b""), self.run_in_pod("echo $(wc -c) bytes", "-i", stdin=b"abc"))
        self.assertEqual((0, b"0\n", b""), self.run_in_pod("echo $(wc -c)", "-i"))
        # without -i there is none
        self.assertEqual((0, b"0\n", b""), self.run_in_pod("echo $(wc -c)", stdin=b"abc"))

    def test_a_process_need_not_read_its_input(self):
        self.assertEqual(0, self.run_in_pod("exec <&-; true", "-i", stdin=b"x" * 3000000)[0])
        self.assertEqual((0, b"xx"), self.run_in_pod("dd bs=1 count=2 2>/dev/null", "-i", stdin=b"x" * 3000000)[:2])

    def test_100_mb_go_in_and_out_intact(self):
        size = int(os.environ.get("REMOTE_BYTES", "100000000"))
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as got:
            sent, come = hashlib.sha256(), hashlib.sha256()
            for _ in range(0, size, 1 << 20):
                piece = os.urandom(1 << 20)
                sent.update(piece)
                given.write(piece)
            given.seek(0)
            done = self.popen("exec", "-i", "pod", "--", "/bin/cat", stdin=given, stdout=got)
            self.assertEqual(0, done.wait(300))
            got.seek(0)
            for piece in iter(lambda: got.read(1 << 20), b""):
                come.update(piece)
            self.assertEqual(sent.hexdigest(), come.hexdigest())

    def test_a_terminal_is_one(self):
        if not shutil.which("script"):
            self.skipTest("no script(1)")
        command = f"{self.program} exec -it pod -- /bin/sh -c 'test -t 0 && test -t 1; until stty size | grep 99; do sleep 0.1; done; read x; echo got $x; exit 5'"
        done = subprocess.run(["script", "-qec", f"stty rows 33 cols 99; {command}", "/dev/null"], input=b"word\n",
                              env=self.env, capture_output=True, timeout=300)
        self.assertIn(b"33 99", done.stdout)
        self.assertIn(b"got word", done.stdout)
        self.assertEqual(5, done.returncode, done.stdout)

    def test_a_client_that_goes_takes_its_process_along(self):
        for flags, script in ((("-i",), "exec sleep {0}"), ((), "sleep {0} & wait")):
            mark = f"9{next(self.numbers):03}.{os.getpid()}"
            client = self.popen("exec", *flags, "pod", "--", "/bin/sh", "-c", script.format(mark),
                                stdin=subprocess.PIPE)
            try:
                until(lambda: self.sleepers(mark), SOON, "the process runs")
                client.kill()
                until(lambda: not self.sleepers(mark), SOON, "the process is gone")
            finally:
                client.kill()
                client.wait()
                client.stdin.close()

    def test_sessions_leave_nothing_behind(self):
        def state():
            return [len(os.listdir(f"/proc/{p.pid}/fd")) + len(os.listdir(f"/proc/{p.pid}/task"))
                    for p in (self.node, self.process)]
        self.run_in_pod("true")
        before = state()
        for _ in range(5):
            self.run_in_pod("echo x; exit 1", "-i", stdin=b"abc")
        until(lambda: all(now <= then + 2 for now, then in zip(state(), before)), SOON,
              lambda: f"descriptors and threads: {before}, then {state()}")

    def test_websockets_are_refused_with_a_sentence(self):
        with self.tls() as s:
            s.sendall(self.head("GET", "/api/v1/namespaces/default/pods/pod/exec?command=true&stdout=true",
                                "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                                "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==",
                                "Sec-WebSocket-Protocol: v5.channel.k8s.io"))
            answer = http.client.HTTPResponse(s)
            answer.begin()
            text = answer.read()
        self.assertEqual(400, answer.status)
        self.assertIn(b"SPDY/3.1", text)

    def test_a_client_of_another_protocol_is_refused(self):
        with self.tls() as s:
            s.sendall(self.head("POST", "/api/v1/namespaces/default/pods/pod/exec?command=true&stdout=true",
                                "Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0",
                                "X-Stream-Protocol-Version: channel.k8s.io"))
            answer = http.client.HTTPResponse(s)
            answer.begin()
            self.assertEqual(403, answer.status)
            self.assertIn(b"server accepts [v4.channel.k8s.io]", answer.read())

    def test_bytes_that_are_no_spdy_end_the_connection(self):
        for junk in (b"\x80\x02" + b"\0" * 30, b"\x80\x03\0\1\0\xff\xff\xff" + b"x" * 100,
                     b"\x80\x03\0\1\0\0\0\x0e" + struct.pack(">IIH", 1, 0, 0) + b"junk", b"GET / HTTP/1.1\r\n\r\n" * 9):
            with self.tls() as s:
                s.sendall(self.head("POST", "/api/v1/namespaces/default/pods/pod/exec?command=true&stdout=true",
                                    "Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0",
                                    "X-Stream-Protocol-Version: v4.channel.k8s.io"))
                self.assertRegex(s.recv(4096), rb"^HTTP/1.1 101 ")
                s.sendall(junk)
                if junk[:2] != b"GE":
                    s.settimeout(20)
                    while s.recv(4096):
                        pass
        self.assertEqual(200, self.api.raw("GET", "/readyz")[0])

    # ---- attach ----

    def test_attach_carries_what_the_container_writes_and_reads(self):
        script = "while read line; do echo got $line; echo not $line >&2; done; exit 3"
        self.start_pod("reader", command=["/bin/sh", "-c", script], stdin=True, stdinOnce=True)
        client = self.popen("attach", "-i", "reader", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
        try:
            if RUNTIME == "process":
                self.assertIn(b"streams of a plain process are its supervisor's alone", client.communicate(timeout=SOON)[1])
                return
            client.stdin.write(b"one\n")
            client.stdin.flush()
            self.assertEqual(b"got one\n", client.stdout.readline())
            out, err = client.communicate(b"two\n", timeout=SOON)
            self.assertEqual(b"got two\n", out)
            self.assertIn(b"not one\nnot two\n", err)
        finally:
            client.kill()
            client.wait()

    # ---- port-forward ----

    def forward(self, target, port):
        """(process, local port)"""
        p = self.popen("port-forward", target, f":{port}", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = p.stdout.readline().decode()
        match = re.search(r"127.0.0.1:(\d+) ->", line)
        if not match:
            p.kill()
            self.fail(line + p.stdout.read().decode())
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p, int(match.group(1))

    def serve(self, name="web"):
        """A pod with an HTTP server that gives back what it gets."""
        pod = self.start_pod(f"{name}-{next(self.numbers)}", **{
            "command": ["python3", "-c", ECHO, "0.0.0.0" if RUNTIME != "process" else "$(POD_IP)", "8080"],
            "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "ports": [{"containerPort": 8080}]})
        return pod["metadata"]["name"]

    def post(self, connection, body):
        connection.request("POST", "/", body)
        answer = connection.getresponse()
        return answer.read()

    def wait_served(self, port):
        def asked():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            try:
                return self.post(connection, b"x") == b"x"
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()
        until(asked, SOON, "the server in the pod answers")

    @staticmethod
    def listens(ip):
        with socket.socket() as s:
            return s.connect_ex((ip, 8080)) == 0

    def served(self, name, target=None):
        """The local port of a forward to it; kubectl may end with the first failure, so the server must be up."""
        ip = self.api.get("pods", "default", name)["status"]["podIP"]

        def up():
            try:
                socket.create_connection((ip, 8080), 1).close()
                return True
            except OSError:
                return False
        until(up, SOON, "the server in the pod listens")
        p, port = self.forward(target or f"pod/{name}", 8080)
        self.wait_served(port)
        return p, port

    def test_port_forward_carries_http_with_keep_alive(self):
        _, port = self.served(self.serve())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for size in (0, 1, 100, 70000, 3000000, 5):
            body = os.urandom(size)
            self.assertEqual(body, self.post(connection, body))
        connection.close()

    def test_port_forward_carries_many_connections_at_once(self):
        p, port = self.served(self.serve())
        wrong = []

        def ask(number):
            body = struct.pack(">I", number) * 25000
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
                for _ in range(3):
                    if self.post(connection, body) != body:
                        wrong.append(number)
                connection.close()
            except Exception as e:  # noqa: BLE001
                wrong.append((number, repr(e)))
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(60)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([], wrong)
        self.assertIsNone(p.poll())

    def test_port_forward_to_a_service_finds_its_pod(self):
        name = self.serve("svc")
        self.api.create("services", "default", {"metadata": {"name": name}, "spec": {
            "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}})
        ip = self.api.get("pods", "default", name)["status"]["podIP"]
        self.assertTrue(ip)
        until(lambda: self.listens(ip), SOON, "the server in the pod listens")
        _, port = self.forward(f"svc/{name}", 80)
        self.wait_served(port)

    def test_port_forward_to_a_port_where_nobody_listens_says_so(self):
        p, port = self.forward("pod/pod", 4)
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            s.settimeout(20)
            self.assertEqual(b"", s.recv(10))
        os.set_blocking(p.stdout.fileno(), False)
        seen = bytearray()

        def told():
            seen.extend(p.stdout.read() or b"")
            return b"error forwarding port 4" in seen
        until(told, SOON, lambda: f"kubectl says it: {bytes(seen)}")


class OldRemote(Remote):
    program = old_kubectl()


if __name__ == "__main__":
    unittest.main()
