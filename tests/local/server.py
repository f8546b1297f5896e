# SPDX-License-Identifier: Apache-2.0
"""One running `agent-sandbox-local serve` for the cases of a class, and what they share."""

import contextlib
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "contract"))

from api import ApiError, Client  # noqa: E402,F401
from localserver import LocalServer  # noqa: E402,F401
from process import until  # noqa: E402,F401


class ServerCase(unittest.TestCase):
    """cls.server, cls.api and cls.kubectl(...) talk to one server; it must end well and say nothing of sanitizers."""

    server_class = LocalServer

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 20000, hard))
        cls.server = cls.server_class().start()
        cls.process = cls.server.processes[-1]
        cls.api = cls.server.api
        cls.kubectl = cls.server.kubectl

    @classmethod
    def tearDownClass(cls):
        log = cls.process.log
        status = cls.process.stop()
        with open(log, errors="replace") as f:
            text = f.read()
        cls.server.stop()
        if status != 0 or "Sanitizer" in text or "runtime error" in text:
            raise AssertionError(f"the server ended with {status}:\n{text[-3000:]}")

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def assert_grew_less(self, before, kb):
        """Since before; sanitizers keep what was freed."""
        if not self.sanitized:
            self.assertLess(self.rss_kb() - before, kb)

    @property
    def sanitized(self):
        with open(f"/proc/{self.process.pid}/maps") as f:
            text = f.read()
        return "libasan" in text or "libtsan" in text

    def tls(self, timeout=120):
        """A TLS connection to the server, nothing sent yet."""
        context = ssl.create_default_context(cafile=self.server.ca)
        plain = socket.create_connection((self.api.host, self.api.port), timeout=timeout)
        return context.wrap_socket(plain, server_hostname=self.api.host)

    def head(self, method, path, *lines, token=None):
        text = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token or self.api.token}", *lines]
        return ("\r\n".join(text) + "\r\n\r\n").encode()

    def assert_status(self, code, reason, method, path, body=None, **more):
        """The answer is a Status with that code and reason; gives its message."""
        with self.assertRaises(ApiError) as raised:
            self.api.call(method, path, body, **more)
        error = raised.exception
        self.assertEqual((code, reason), (error.code, error.reason), error)
        self.assertEqual("Status", error.body["kind"])
        return error.message


def old_kubectl():
    """The kubectl of Debian 12 (1.20), unpacked from its package by apt; None without it."""
    folder = os.environ.get("OLD_KUBECTL")
    return folder if folder and os.access(folder, os.X_OK) else None


@contextlib.contextmanager
def closing_all(sockets):
    try:
        yield sockets
    finally:
        for s in sockets:
            s.close()


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, **more)
