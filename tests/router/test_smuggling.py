# SPDX-License-Identifier: Apache-2.0
"""Messages that two readers could cut in two ways: none gets through as it came, in either direction."""

import re
import threading

from routersuite import *

CHUNKED = "Transfer-Encoding: chunked\r\n"

# What follows the request line, Host and X-Sandbox-ID.
REFUSED = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length with a sign": "Content-Length: +5\r\n\r\nhello",
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a length in hex": "Content-Length: 0x5\r\n\r\nhello",
    "a list of lengths": "Content-Length: 5, 6\r\n\r\nhello",
    "an empty length": "Content-Length: \r\n\r\n",
    "a length that is too long": "Content-Length: 99999999999999999999999\r\n\r\n",
    "a blank before a colon": "Content-Length : 5\r\n\r\nhello",
    "a blank in a name": "X Y: 1\r\n\r\n",
    "a NUL": "X: a\0b\r\n\r\n",
    "a line without a colon": "nonsense\r\n\r\n",
    "a bad chunk": CHUNKED + "\r\nzz\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + "\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a chunk that is too long": CHUNKED + "\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "a chunk that ends elsewhere": CHUNKED + "\r\n5\r\nhello!!\r\n0\r\n\r\n",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked before another": "Transfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice": "Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "200 headers": "X: y\r\n" * 200 + "\r\n",
    "a head of 40 KB": "X: " + "y" * 40000 + "\r\n\r\n",
    "another Host": "Host: y\r\n\r\n",
}


class Smuggling(Case):
    def head(self, line="POST /smuggled HTTP/1.1"):
        return f"{line}\r\nHost: x\r\nX-Sandbox-ID: {self.name}\r\n"

    def setUp(self):
        super().setUp()
        self.name = self.sandbox()
        self.known(self.name)

    def statuses(self, data, timeout=120):
        return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d+) ", self.router.raw(data, timeout))]

    def test_an_ambiguous_request_is_a_400(self):
        for what, rest in REFUSED.items():
            with self.subTest(what):
                self.assertEqual([400], self.statuses((self.head() + rest).encode("latin-1")))

    def test_a_bad_request_line_is_a_400(self):
        for line in ("GET /", "GET / HTTP/1.1 x", "G(T / HTTP/1.1", " GET / HTTP/1.1",
                     "GET /\x01 HTTP/1.1", "GET / FTP/1.1"):
            with self.subTest(line):
                self.assertEqual([400], [int(s) for s in re.findall(rb"HTTP/1\.\d (\d+) ", self.router.raw(
                    (self.head(line) + "\r\n").encode("latin-1")))])

    def test_chunked_wins_over_a_length_and_only_it_goes_on(self):
        head = self.head() + "Content-Length: 3\r\n" + CHUNKED + "Connection: close\r\n\r\n"
        data = self.router.raw(head.encode() + b"5\r\nhello\r\n0\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\n\r\n")
        seen = Answer(0, [], data.partition(b"\r\n\r\n")[2]).json()
        names = [name.lower() for name, _ in seen["headers"]]
        self.assertEqual(5, seen["length"])
        self.assertNotIn("content-length", names)
        self.assertEqual(1, names.count("transfer-encoding"))
        self.assertNotIn(("GET", "/inner"), self.sandboxes.seen)

    def test_a_body_that_looks_like_a_request_is_a_body(self):
        inner = b"GET /inner-2 HTTP/1.1\r\nHost: x\r\nX-Sandbox-ID: other\r\n\r\n"
        head = self.head() + f"Content-Length: {len(inner)}\r\nConnection: close\r\n\r\n"
        self.assertEqual([200], self.statuses(head.encode() + inner))
        self.assertNotIn(("GET", "/inner-2"), self.sandboxes.seen)

    def test_a_second_request_is_routed_for_itself(self):
        """Pipelined: the second is for nobody, and does not ride on the first's connection."""
        two = self.head("GET /first HTTP/1.1") + "\r\n" + "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        self.assertEqual([200, 400], self.statuses(two.encode()))
        self.assertNotIn(("GET", "/second"), self.sandboxes.seen)

    def test_an_answer_with_both_lengths_is_read_in_one_way(self):
        path = self.script(says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                                b"5\r\nhello\r\n0\r\n\r\n", then_close=False))
        answer = self.router.ask(self.name, path)
        self.assertEqual((b"hello", None), (answer.body, answer.get("content-length")))

    def test_an_answer_that_nobody_asked_for_reaches_nobody(self):
        """A sandbox adds a second answer to the first: the next request gets its own."""
        poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        path = self.script(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + poison, then_close=False))
        late, sent = threading.Event(), threading.Event()
        def later(connection, reader, request):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            late.wait(5)
            connection.sendall(poison)
            sent.set()
            return True
        later_path = self.script(later)
        for _ in range(20):
            self.assertEqual(b"ok", self.router.ask(self.name, path).body)
            self.assertEqual("/mine", self.router.ask(self.name, "/mine").json()["path"])
        self.assertEqual(b"ok", self.router.ask(self.name, later_path).body)
        late.set()
        sent.wait(5)
        threading.Event().wait(0.2)  # what comes with the next request is an answer to it, as far as anybody can tell
        for _ in range(20):
            self.assertEqual("/mine", self.router.ask(self.name, "/mine").json()["path"])

    def test_a_connection_is_never_another_sandbox_s(self):
        """Addresses alternate on kept connections; each request arrives where it was meant to."""
        others = {self.sandbox(address): address for address in (self.fresh_address() for _ in range(4))}
        for _ in range(25):
            for name, address in others.items():
                self.assertEqual(address, self.router.ask(name).json()["address"])
