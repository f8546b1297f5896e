# SPDX-License-Identifier: Apache-2.0
"""The server under test, and raw HTTP to talk to it: what a polite library would not send must be sendable."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOON = 10  # seconds in which anything must have happened


class Skip(Exception):
    """The case cannot run here; says why."""


def until(question, what, seconds=SOON):
    """The answer of question(), once it is true."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.01)


class Answer:
    """status, headers (lower case), body (bytes)."""

    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {k.lower(): v for k, v in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


class Server:
    """One process with its own base directory, server.base, in a folder of its own, server.top."""

    binary, prefix = None, []
    sanitized = False  # its memory and its time say nothing about the program that users run
    patience = SOON    # seconds in which it does one thing

    @classmethod
    def choose(cls, binary, prefix):
        """The program of all servers, and what it is run under."""
        cls.binary, cls.prefix = binary, prefix
        with open(binary, "rb") as f:
            program = f.read()
        if prefix or b"__asan_init" in program or b"__tsan_init" in program:
            cls.sanitized, cls.patience = True, 6 * SOON

    def __init__(self, arguments=(), environment=None):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="runtime-"))
        self.base = os.path.join(self.top, "base")
        os.mkdir(self.base)
        self.arguments, self.environment = list(arguments), environment or {}
        self.child = self.port = None
        # An argument that no process of another server has, not even of the same tests run twice at once.
        self.mark = f"7654{random.SystemRandom().randrange(10 ** 8):08}"

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SANDBOX_") and k != "PORT"}
        with open(os.path.join(self.top, "log"), "wb") as log:
            self.child = subprocess.Popen(
                self.prefix + [self.binary, "--host", "127.0.0.1", "--port", "0", "--base-dir", self.base] + self.arguments,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**environment, **self.environment})

        def listening():
            assert self.child.poll() is None, f"it ended with status {self.child.returncode}: {self.log()}"
            return re.search(r"^Listening on \S+?(?::| port )([0-9]+)$", self.log(), re.M)
        self.port = int(until(listening, "it says where it listens").group(1))
        return self

    def log(self):
        try:
            with open(os.path.join(self.top, "log"), errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def lacks_seccomp(self):
        """It was built without libseccomp: a command has no filter."""
        answer = self.request("POST", "/execute", b'{"command":"grep Seccomp: /proc/self/status"}', {"Content-Type": "application/json"})
        return answer.json["stdout"].split()[-1:] != ["2"]

    def check(self):
        """It lives, and answers."""
        assert self.child.poll() is None, f"it ended with status {self.child.returncode}"
        answer = self.get("/")
        assert answer.status == 200, answer

    def stop(self):
        try:
            if self.child is not None and self.child.poll() is None:
                self.child.send_signal(signal.SIGTERM)
                try:
                    status = self.child.wait(self.patience)
                except subprocess.TimeoutExpired:
                    self.child.kill()
                    self.child.wait()
                    raise AssertionError(f"it did not end within {self.patience} s of SIGTERM") from None
                assert status == 0, f"SIGTERM: status {status}: {self.log()[-2000:]}"
            assert not re.search("Sanitizer|runtime error:", self.log()), self.log()[-4000:]
        finally:
            shutil.rmtree(self.top, ignore_errors=True)

    # ---- files ------------------------------------------------------------------------------------

    def path(self, name):
        return os.path.join(self.base.encode(), name) if isinstance(name, bytes) else os.path.join(self.base, name)

    def write(self, name, data=b"0123456789"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def status(self, field):
        """A number in /proc/<pid>/status; sizes are in kilobytes."""
        with open(f"/proc/{self.child.pid}/status") as f:
            return int(re.search(rf"^{field}:\s+(\d+)", f.read(), re.M).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    # ---- HTTP --------------------------------------------------------------------------------------

    def connect(self, timeout=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout or self.patience)

    @staticmethod
    def head(method, target, headers=()):
        """The head of a request; target may be bytes."""
        target = target if isinstance(target, bytes) else target.encode()
        lines = "".join(f"{k}: {v}\r\n" for k, v in dict(headers).items())
        return method.encode() + b" " + target + b" HTTP/1.1\r\nHost: sandbox\r\n" + lines.encode("latin-1") + b"\r\n"

    @staticmethod
    def receive(sock, method="GET"):
        response = http.client.HTTPResponse(sock, method=method)
        response.begin()
        return Answer(response, response.read())

    def request(self, method, target, body=None, headers=()):
        headers = {"Connection": "close", **dict(headers)}
        if body is not None:
            headers.setdefault("Content-Length", len(body))
        with self.connect() as sock:
            sock.sendall(self.head(method, target, headers) + (body or b""))
            return self.receive(sock, method)

    def get(self, target, **headers):
        return self.request("GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()})
