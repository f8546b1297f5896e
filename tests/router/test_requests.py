# SPDX-License-Identifier: Apache-2.0
"""What goes through unchanged: paths, methods, headers, bodies of any length, streams, upgrades."""

import base64
import gzip
import hashlib
import http.client
import os
import threading
import time

from routersuite import *

PATHS = ("/", "//", "//a//b", "/a/../b", "/..", "/%2f%2F", "/a%00b", "/x?y=1&y=2", "/x?", "/?%ff", "/a;b=c?d=e", "/.%2e/x",
         "/execute?x=%26", "/" + "a" * 4000)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.name = self.sandbox()

    def test_a_path_goes_through_unchanged(self):
        for path in PATHS:
            with self.subTest(path[:40]):
                self.assertEqual(path, self.router.ask(self.name, path).json()["path"])

    def test_any_method_goes_through(self):
        for method in METHODS:
            with self.subTest(method):
                answer = self.router.ask(self.name, "/x", method, body=b"12345").json()
                self.assertEqual((method, 5), (answer["method"], answer["length"]))

    def test_options_of_the_server_goes_through(self):
        self.assertEqual("*", self.router.ask(self.name, "*", "OPTIONS").json()["path"])

    def test_head_has_headers_and_no_body(self):
        answer = self.router.ask(self.name, "/x", "HEAD")
        self.assertEqual((200, b""), (answer.status, answer.body))
        self.assertGreater(int(answer.get("content-length")), 10)

    def test_redirects_and_cookies_come_back_as_they_are(self):
        path = self.script(says(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nSet-Cookie: a=1; "
                                b"Path=/\r\nSet-Cookie: b=2\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 0\r\n\r\n"))
        answer = self.router.ask(self.name, path)
        self.assertEqual((307, ["http://169.254.169.254/"]), (answer.status, answer.all("location")))
        self.assertEqual(["a=1; Path=/", "b=2"], answer.all("set-cookie"))
        self.assertEqual(["1", "2"], answer.all("x-twice"))

    def test_any_status_comes_back(self):
        for status in (201, 204, 206, 304, 400, 401, 404, 418, 422, 429, 500, 501, 503, 599):
            with self.subTest(status):
                body = b"" if status in (204, 304) else b"hello"
                length = b"" if status in (204, 304) else b"Content-Length: 5\r\n"
                path = self.script(says(b"HTTP/1.1 %d Of Its Own\r\n%s\r\n%s" % (status, length, body)))
                answer = self.router.ask(self.name, path)
                self.assertEqual((status, body), (answer.status, answer.body))

    def test_compressed_bodies_are_not_touched(self):
        data = gzip.compress(b"a" * 100000)
        path = self.script(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data))
        answer = self.router.ask(self.name, path, headers=[("Accept-Encoding", "gzip")])
        self.assertEqual((data, "gzip"), (answer.body, answer.get("content-encoding")))
        seen = self.router.ask(self.name, headers=[("Accept-Encoding", "br;q=1.0, gzip")]).json()["headers"]
        self.assertIn(["Accept-Encoding", "br;q=1.0, gzip"], [[k.title(), v] for k, v in seen])

    def test_a_chunked_request_arrives_whole(self):
        with self.router.connect() as connection:
            connection.sendall(f"POST /x HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.name}\r\nTransfer-Encoding: chunked\r\n"
                               "Connection: close\r\n\r\n".encode())
            for size in (1, 70000, 5):
                connection.sendall(b"%x\r\n%s\r\n" % (size, b"x" * size))
            connection.sendall(b"0\r\n\r\n")
            self.assertIn(b'"length": 70006', connection.makefile("rb").read())

    def test_an_expected_100_comes_from_the_sandbox(self):
        def script(connection, reader, request):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            data = reader.read(3)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + data)
        path = self.script(script)
        with self.router.connect() as connection:
            connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.name}\r\nContent-Length: 3\r\n"
                               "Expect: 100-continue\r\nConnection: close\r\n\r\n".encode())
            reader = connection.makefile("rb")
            self.assertIn(b"100", reader.readline())
            connection.sendall(b"abc")
            self.assertTrue(reader.read().endswith(b"\r\n\r\nabc"))

    def test_events_are_not_held_back(self):
        go_on = threading.Event()
        def script(connection, reader, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in range(3):
                connection.sendall(b"9\r\ndata: %d\n\n\r\n" % number)
                if not go_on.wait(10):
                    return
                go_on.clear()
            connection.sendall(b"0\r\n\r\n")
        path = self.script(script)
        connection = http.client.HTTPConnection("127.0.0.1", self.router.port, timeout=120)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"X-Sandbox-ID": self.name})
        answer = connection.getresponse()
        for number in range(3):
            self.assertEqual(b"data: %d\n\n" % number, answer.read(9))
            go_on.set()
        self.assertEqual(b"", answer.read())

    def test_a_websocket_stays_open_and_echoes(self):
        key = base64.b64encode(os.urandom(16))
        def script(connection, reader, request):
            proof = hashlib.sha1(request.get("sec-websocket-key").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Accept: " + base64.b64encode(proof.digest()) + b"\r\n\r\n")
            while data := reader.read1(65536):
                connection.sendall(data)
        path = self.script(script)
        with self.router.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.name}\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n".encode()
                               + b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
            reader = connection.makefile("rb")
            self.assertIn(b" 101 ", reader.readline())
            while reader.readline() != b"\r\n":
                pass
            end = time.monotonic() + Suite.options.websocket_seconds
            while time.monotonic() < end:
                data = os.urandom(5000)
                connection.sendall(data)
                self.assertEqual(data, reader.read(5000))
                threading.Event().wait(0.5)
            # Silence is not an end: half of the time is without a byte.
            threading.Event().wait(min(Suite.options.websocket_seconds, 150))
            connection.sendall(b"last")
            self.assertEqual(b"last", reader.read(4))

    def test_large_bodies_take_constant_memory(self):
        total = int(Suite.options.gigabytes * (1 << 30))
        piece = bytes(1 << 20)
        peak = [0]
        pid = self.router.haproxy()
        def download(connection, reader, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            for _ in range(total >> 20):
                connection.sendall(piece)
        path = self.script(download)
        before = rss_kb(pid)
        connection = http.client.HTTPConnection("127.0.0.1", self.router.port, timeout=120)
        self.addCleanup(connection.close)
        connection.putrequest("POST", "/up")
        connection.putheader("X-Sandbox-ID", self.name)
        connection.putheader("Content-Length", str(total >> 20 << 20))
        connection.endheaders()
        for _ in range(total >> 20):
            connection.send(piece)
            peak[0] = max(peak[0], rss_kb(pid))
        answer = json.loads(connection.getresponse().read())
        self.assertEqual(total >> 20 << 20, answer["length"])
        connection.request("GET", path, headers={"X-Sandbox-ID": self.name})
        answer, got = connection.getresponse(), 0
        while data := answer.read(1 << 20):
            got += len(data)
            peak[0] = max(peak[0], rss_kb(pid))
        self.assertEqual(total >> 20 << 20, got)
        self.assertLess(peak[0] - before, 4096, "KB more than before")

    def test_500_requests_at_a_time(self):
        together, count = threading.Semaphore(0), 500
        go_on = threading.Event()
        def script(connection, reader, request):
            together.release()
            go_on.wait(30)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        path = self.script(script)
        connections = [self.router.connect(40) for _ in range(count)]
        try:
            for connection in connections:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.name}\r\n\r\n".encode())
            for _ in connections:
                self.assertTrue(together.acquire(timeout=120))
            go_on.set()
            for connection in connections:
                self.assertIn(b"200 OK", connection.recv(1000))
        finally:
            go_on.set()
            for connection in connections:
                connection.close()

    def test_a_kept_connection_serves_many_sandboxes(self):
        others = {self.sandbox(address): address for address in (self.fresh_address() for _ in range(5))}
        connection = http.client.HTTPConnection("127.0.0.1", self.router.port, timeout=120)
        self.addCleanup(connection.close)
        for _ in range(4):
            for name, address in others.items():
                connection.request("GET", "/", headers={"X-Sandbox-ID": name})
                self.assertEqual(address, json.loads(connection.getresponse().read())["address"])
