# SPDX-License-Identifier: Apache-2.0
"""Connections that cost more than they should: what each of them holds goes back, and none keeps the others out."""

import os
import socket
import ssl
import unittest

from server import LocalServer, ServerCase, closing_all, until

SERVER_THREADS = 4  # of libmicrohttpd, for TLS

MAPS = "/api/v1/namespaces/default/configmaps"
ARGUMENTS = "&".join(f"an-argument-that-nobody-knows-{i}=1" for i in range(400))  # more than libmicrohttpd takes


def is_open(s):
    """Whether the server has not ended this connection, at this moment."""
    s.setblocking(False)
    try:
        return s.recv(100) != b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


class Memory(ServerCase):
    def dropped(self, connect, times):
        """KB that so many requests leave behind which the library refuses after their first line."""
        def ask(count):
            sockets = []
            with closing_all(sockets):
                for _ in range(count):
                    sockets.append(connect())
                    sockets[-1].sendall(f"GET /version?{ARGUMENTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                for s in sockets:
                    try:
                        self.assertEqual(b"", s.recv(65536))
                    except (ConnectionError, ssl.SSLError):
                        pass
        ask(times)
        before = self.rss_kb()
        for _ in range(3):
            ask(times)
        return self.rss_kb() - before

    def unix(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(40)
        s.connect(os.path.join(self.server.state, "api.sock"))
        return s

    def test_a_request_line_that_is_dropped_leaves_nothing(self):
        for connect, times in ((self.unix, 200), (lambda: self.tls(40), 200)):
            left = self.dropped(connect, times)
            if not self.sanitized:
                self.assertLess(left, 3 * times * len(ARGUMENTS) // 1024 // 3)

    def test_handshakes_that_stop_halfway_leave_nothing(self):
        """Each sends the first bytes of a hello and goes."""
        def hello():
            context = ssl.create_default_context()
            out = ssl.MemoryBIO()
            half = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="x")
            with self.assertRaises(ssl.SSLWantReadError):
                half.do_handshake()
            return out.read()
        data, grown = hello(), []
        for _ in range(3):
            for length in (5, 50, len(data) - 1, len(data)):
                for _ in range(250):
                    with socket.create_connection((self.api.host, self.api.port), timeout=20) as s:
                        s.sendall(data[:length])
            self.assertEqual(200, self.api.raw("GET", "/version")[0])
            grown.append(self.rss_kb())
        if not self.sanitized:
            self.assertLess(grown[-1] - grown[0], 4000, grown)

    def test_all_bodies_together_have_a_limit(self):
        """Sixty bodies of three megabytes, each a byte short: those that come last are refused, and read to their end."""
        length, refused, sockets = 3 << 20, 0, []
        with closing_all(sockets):
            # Without TLS: all of them have to be there within the minute that a body may take, on a busy machine too.
            for _ in range(60):
                s = self.unix()
                s.sendall(self.head("POST", MAPS, f"Content-Length: {length}") + b" " * (length - 1))
                sockets.append(s)
            # When the server has read them, less than one of them is left of what the limit allows.
            def ask():
                with self.tls(30) as s:
                    s.sendall(self.head("POST", MAPS, f"Content-Length: {length}") + b" " * length)
                    return s.recv(65536)
            answer = until(lambda: (lambda got: got if b" 503 " in got else None)(ask()), 20, "one more is refused")
            self.assertIn(b"Retry-After: 1", answer)
            self.assertEqual(200, self.api.raw("GET", MAPS)[0])
            for s in sockets[:60]:
                s.sendall(b" ")
                refused += b" 503 " in s.recv(65536)
        self.assertTrue(0 < refused < 60, refused)
        self.api.create("configmaps", "default", {"metadata": {"name": "after"}, "data": {"x": "y" * 900000}})


class SlowNode(ServerCase):
    """A node that does not answer."""

    def test_requests_that_wait_for_the_node_keep_nobody_waiting(self):
        self.api.call("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "p"}, "spec": {
            "nodeName": "n", "automountServiceAccountToken": False, "containers": [{"name": "c", "image": "localhost/x"}]}})
        path = "/api/v1/namespaces/default/pods/p/log"
        count = 2 * SERVER_THREADS
        with socket.socket(socket.AF_UNIX) as node, closing_all([self.tls() for _ in range(count)]) as clients:
            node.bind(os.path.join(self.server.state, "node.sock"))
            node.listen(count)
            node.settimeout(60)
            for client in clients:
                client.sendall(self.head("GET", path, "Connection: close"))
            # All are under way before one of them is answered.
            with closing_all([node.accept()[0] for _ in range(count)]) as asked:
                self.assertEqual(200, self.api.raw("GET", "/readyz")[0])
                for one in asked:
                    one.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
            for client in clients:
                answer = b""
                while chunk := client.recv(65536):
                    answer += chunk
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") and b"hello" in answer, answer[:300])

    def test_the_server_ends_while_it_waits_for_the_node(self):
        server = LocalServer().start()
        try:
            server.api.call("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "p"}, "spec": {
                "nodeName": "n", "automountServiceAccountToken": False, "containers": [{"name": "c", "image": "localhost/x"}]}})
            with socket.socket(socket.AF_UNIX) as node:
                node.bind(os.path.join(server.state, "node.sock"))
                node.listen(1)
                node.settimeout(60)
                context = ssl.create_default_context(cafile=server.ca)
                with socket.create_connection((server.api.host, server.api.port)) as plain, \
                        context.wrap_socket(plain, server_hostname=server.api.host) as client:
                    client.sendall(self.head("GET", "/api/v1/namespaces/default/pods/p/log", token=server.admin_token))
                    waiting = node.accept()[0]
                    self.assertEqual(0, server.processes[-1].stop())
                    waiting.close()
        finally:
            server.stop()


class FewFilesServer(LocalServer):
    def spawn(self, name, argv, *more):
        return super().spawn(name, ["prlimit", "--nofile=1024:1024", *argv], *more)


class FewFiles(ServerCase):
    """With 1024 descriptors the server has room for some 500 connections."""

    server_class = FewFilesServer

    def keeps_nobody_out(self, begin):
        sockets = []
        with closing_all(sockets):
            for _ in range(700):
                s = socket.create_connection((self.api.host, self.api.port), timeout=20)
                begin(s)
                sockets.append(s)
            self.answered(sockets)

    def answered(self, sockets):
        """On a connection of its own, for which the oldest made room, and not the youngest."""
        with self.tls(20) as s:
            s.sendall(self.head("GET", MAPS))
            self.assertIn(b" 200 ", s.recv(65536))
        until(lambda: not is_open(sockets[0]), 20, "the oldest is cut")
        self.assertTrue(is_open(sockets[-1]))

    def test_idle_connections_keep_nobody_out(self):
        self.keeps_nobody_out(lambda s: None)

    def test_half_handshakes_keep_nobody_out(self):
        self.keeps_nobody_out(lambda s: s.sendall(b"\x16\x03\x01\x02\x00\x01"))

    def test_bodies_without_a_token_keep_nobody_out(self):
        sockets = []
        with closing_all(sockets):
            for _ in range(600):
                s = self.tls(20)
                s.sendall(self.head("GET", MAPS, "Content-Length: 100000", token="wrong") + b"{")
                sockets.append(s)
            self.answered(sockets)


if __name__ == "__main__":
    unittest.main()
