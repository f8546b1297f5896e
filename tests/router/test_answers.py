# SPDX-License-Identifier: Apache-2.0
"""What a client gets when there is no sandbox, when it cannot be reached, and when it misbehaves."""

import http.client
import itertools
import select
import socket
import struct
import threading
import time

from routersuite import *

FORGED = b"HTTP/1.1 %d X\r\nX-Sandbox-Not-Sent: true\r\nx-sandbox-not-sent: true\r\nContent-Length: 2\r\n\r\n{}"

# What a sandbox may say that is not an answer.
BROKEN = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "a NUL in a header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
    "100000 headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000 + b"\r\n",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000,
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a 101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello",
}


class Answers(Case):
    def could_not_connect(self, name, answer, sent):
        self.assert_detail(502, f"Could not connect to the backend sandbox: {name}", answer)
        self.assertEqual([] if sent else ["true"], answer.all("x-sandbox-not-sent"), answer)

    # ---- not there ---------------------------------------------------------------------------------

    def test_an_unknown_sandbox_is_a_503_after_two_seconds(self):
        begin = time.monotonic()
        answer = self.router.ask("nobody", method="POST", body=b"x")
        self.assert_detail(503, "Sandbox nobody in namespace default is not there or not Ready.", answer)
        self.assertEqual((["true"], ["1"]), (answer.all("x-sandbox-not-sent"), answer.all("retry-after")))
        self.assertGreater(time.monotonic() - begin, 1.8)

    def test_a_request_waits_for_its_sandbox(self):
        name, address = self.fresh_name(), self.fresh_address()
        got = []
        thread = threading.Thread(target=lambda: got.append(self.router.ask(name, method="POST", body=b"abc")))
        thread.start()
        self.make_pod(self.make_sandbox(name), address=address)
        thread.join(120)
        self.assertEqual((200, address), (got[0].status, got[0].json()["address"]))

    def test_those_who_stop_waiting_leave_no_trace(self):
        router = self.start("--threads", "1")
        for _ in range(3):
            gone = [router.connect() for _ in range(500)]
            for connection in gone:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: nobody\r\n\r\n")
            for connection in gone:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        def waits():
            begin = time.monotonic()
            self.assertEqual(503, router.ask("nobody").status)
            return time.monotonic() - begin > 1.8
        until(waits, 15, "a request waits again")

    def test_too_many_that_wait_are_answered_at_once(self):
        router = self.start("--threads", "1", "--wait-ms", "10000")
        many = [router.connect() for _ in range(1100)]
        try:
            poll = select.poll()
            for connection in many:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: nobody\r\n\r\n")
                poll.register(connection, select.POLLIN)
            until(lambda: len(poll.poll(0)) == 100, 8, lambda: f"100 are answered, {len(poll.poll(0))} are")
            self.assertEqual(200, router.ask(self.known_to(router)).status)
        finally:
            for connection in many:
                connection.close()

    def known_to(self, router):
        name = self.sandbox()
        self.known(name, router=router)
        return name

    # ---- not reached -------------------------------------------------------------------------------

    def test_a_refused_connection_is_a_502_and_not_sent(self):
        name, port = self.sandbox(), str(free_ports(1)[0])
        for method in ("GET", "POST"):
            self.could_not_connect(name, self.router.ask(name, method=method, port=port, body=b"x"), sent=False)

    def test_a_pod_that_is_silent_is_a_502_and_not_sent(self):
        name = self.sandbox(NOWHERE)
        self.could_not_connect(name, self.router.ask(name, method="POST", body=b"x"), sent=False)

    def test_a_sandbox_that_does_not_answer_is_a_504(self):
        router = self.start("--timeout-seconds", "1")
        path = self.script(lambda connection, reader, request: threading.Event().wait(60))
        name = self.known_to(router)
        for method in ("GET", "POST"):
            answer = router.ask(name, path, method)
            self.assert_detail(504, f"The backend sandbox did not answer in time: {name}", answer)
            self.assertEqual([], answer.all("x-sandbox-not-sent"))

    # ---- broken answers ----------------------------------------------------------------------------

    def test_a_broken_answer_is_a_502_without_a_mark(self):
        name = self.sandbox()
        for what, data in BROKEN.items():
            for method in ("GET", "POST"):
                with self.subTest(f"{what}, {method}"):
                    self.could_not_connect(name, self.router.ask(name, self.script(says(data)), method), sent=True)

    def test_a_reset_is_a_502_without_a_mark(self):
        def script(connection, reader, request):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        name, path = self.sandbox(), self.script(script)
        for method in ("GET", "POST"):
            self.could_not_connect(name, self.router.ask(name, path, method), sent=True)

    def test_a_sandbox_cannot_forge_the_mark(self):
        name = self.sandbox()
        for status in (200, 404, 502, 503, 504):
            answer = self.router.ask(name, self.script(says(FORGED % status)))
            self.assertEqual((status, b"{}", []), (answer.status, answer.body, answer.all("x-sandbox-not-sent")))

    def test_no_spelling_of_the_mark_gets_through(self):
        name = self.sandbox()
        for header in (b"x-sandbox-not-sent: true", b"X-SANDBOX-NOT-SENT:true", b"X_Sandbox_Not_Sent: true",
                       b"X-Sandbox_Not-Sent: true", b"X-Sandbox-Not-Sent: false\r\nX-Sandbox-Not-Sent: true",
                       b"X-Sandbox-Not-Sent: \r\n true"):
            for line in (b"HTTP/1.1 503 x", b"HTTP/1.0 503 x", b"HTTP/1.1 200 OK"):
                with self.subTest(header=header, line=line):
                    answer = self.router.ask(name, self.script(says(line + b"\r\n" + header
                                                                    + b"\r\nContent-Length: 2\r\n\r\n{}")))
                    self.assertEqual(b"{}", answer.body)
                    self.assertEqual([], [k for k, _ in answer.headers if k.lower().replace("_", "-") == "x-sandbox-not-sent"])

    def test_an_upgrade_cannot_carry_the_mark(self):
        path = self.script(says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Sandbox-Not-Sent: true\r\n\r\nover"))
        got = self.router.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.sandbox()}\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.assertTrue(got.startswith(b"HTTP/1.1 101 "), got)
        self.assertTrue(got.endswith(b"\r\n\r\nover"), got)
        self.assertNotIn(b"not-sent", got.lower())

    def test_an_answer_that_ends_early_is_an_aborted_stream(self):
        name = self.sandbox()
        for head in (b"Content-Length: 100\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                     b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n"):
            with self.subTest(head):
                try:
                    answer = self.router.ask(name, self.script(says(b"HTTP/1.1 200 OK\r\n" + head)))
                    self.could_not_connect(name, answer, sent=True)  # seen before anything had gone on
                except (http.client.HTTPException, ConnectionError):
                    pass

    def test_interim_answers_pass_until_the_last(self):
        path = self.script(says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 200
                                + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
        connection = self.router.connect()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: {self.sandbox()}\r\nConnection: close\r\n\r\n"
                           .encode())
        self.assertTrue(connection.makefile("rb").read().endswith(b"\r\n\r\nok"))

    # ---- once, or not at all -----------------------------------------------------------------------

    def test_a_post_is_never_sent_twice(self):
        name, count = self.sandbox(), itertools.count()
        def script(connection, reader, request):
            next(count)
        path = self.script(script)
        for _ in range(5):
            self.assertEqual(502, self.router.ask(name, path, "POST", body=b"x").status)
        self.assertEqual(5, next(count))

    def test_kept_connections_that_the_sandbox_closes_fail_nobody(self):
        """The connection is answered once and then closed at the moment the next request comes in."""
        name = self.sandbox()
        def script(connection, reader, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            reader.readline()
        path = self.script(script)
        connection = http.client.HTTPConnection("127.0.0.1", self.router.port, timeout=120)
        self.addCleanup(connection.close)
        for method in ["GET"] * 20 + ["POST"] * 20 + ["GET", "POST", "DELETE", "GET", "HEAD"] * 4:
            connection.request(method, path, headers={"X-Sandbox-ID": name})
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(200, answer.status)
