# SPDX-License-Identifier: Apache-2.0
"""A proxy between the controller and the API server that breaks what a rule tells it to.

A rule is called with (method, path) and answers None to pass the request on, or one of
    ("answer", status, headers, body)   answered here, not sent on
    ("reset-before",)                   the connection is cut, nothing was sent on
    ("reset-after",)                    sent on and done, then the connection is cut before its answer
    ("late", seconds)                   sent on and done, its answer held back so long
"""

import http.client
import socket
import socketserver
import ssl
import struct
import threading
import urllib.parse

MAX_HEAD = 65536


class Proxy:
    def __init__(self, cluster):
        self.target = urllib.parse.urlsplit(cluster.server)
        self.tls = ssl.create_default_context(cafile=cluster.ca)
        self.rule, self.lock, self.broken, self.open = None, threading.Lock(), [], set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cluster.file("server.crt"), cluster.file("server.key"))
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def setup(self):
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.request.settimeout(600)
                self.request = context.wrap_socket(self.request, server_side=True)
                outer.open.add(self.request)
                super().setup()

            def handle(self):
                try:
                    outer.serve(self.rfile, self.wfile, self.request)
                except (OSError, ValueError, http.client.HTTPException):
                    pass

            def finish(self):
                outer.open.discard(self.request)
                try:
                    super().finish()
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, request, address):
                pass  # a client that went away
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.cut()

    def cut(self):
        """Ends every connection there is, watches too."""
        for sock in list(self.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def breaks(self, rule, times=1):
        """The next requests, as often as `times`, for which rule(method, path) is true get its answer. Returns the
        list to which (method, path) of each is added."""
        broken, self.broken = [], []
        self.broken = broken

        def once(method, path):
            with self.lock:
                if len(broken) >= times:
                    return None
                what = rule(method, path)
                if what:
                    broken.append((method, path))
                return what
        self.rule = once
        return broken

    def serve(self, reader, writer, sock):
        """Requests of one connection, one after another, each on the one connection to the API server."""
        server = http.client.HTTPSConnection(self.target.hostname, self.target.port, timeout=600, context=self.tls)
        server.connect()
        server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self._request(reader, writer, sock, server):
                pass
        finally:
            server.close()

    def _request(self, reader, writer, sock, server):
        line = reader.readline(MAX_HEAD)
        if not line:
            return False
        method, path, _ = line.decode().split()
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("Content-Length", 0)))
        rule = self.rule
        what = rule(method, path.split("?")[0]) if rule else None
        if what and what[0] == "answer":
            self._answer(writer, what[1], what[2].items(), what[3])
            return True
        if what and what[0] == "reset-before":
            reset(sock)
            return False
        server.request(method, path, body or None, {k: v for k, v in headers.items() if k.lower() != "host"})
        answer = server.getresponse()
        if "watch=1" in path or "watch=true" in path.lower():
            self._stream(writer, answer)
            return False
        data = answer.read()
        if what and what[0] == "reset-after":
            reset(sock)
            return False
        if what and what[0] == "late":
            threading.Event().wait(what[1])
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("content-length", "transfer-encoding")]
        self._answer(writer, answer.status, kept, data)
        return True

    @staticmethod
    def _answer(writer, status, headers, data):
        data = data.encode() if isinstance(data, str) else data
        lines = [f"HTTP/1.1 {status} x"] + [f"{k}: {v}" for k, v in headers] + [f"Content-Length: {len(data)}", "", ""]
        writer.write("\r\n".join(lines).encode() + data)
        writer.flush()

    @staticmethod
    def _stream(writer, answer):
        kept = [f"{k}: {v}" for k, v in answer.getheaders() if k.lower() not in ("content-length", "transfer-encoding")]
        writer.write("\r\n".join([f"HTTP/1.1 {answer.status} x", *kept, "Transfer-Encoding: chunked", "", ""]).encode())
        writer.flush()
        while True:
            data = answer.read1(65536)
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            writer.flush()
            if not data:
                return


def reset(sock):
    """Ends a connection of the calling thread with a RST, as a machine does that lost it."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The files made of the socket would keep it open: its descriptor itself must go.
        socket.close(sock.detach())
    except OSError:
        pass
