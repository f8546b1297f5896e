# SPDX-License-Identifier: Apache-2.0
"""A router with one sandbox behind it, in memory, that fails as it is told to. It counts what it was asked.

    router.fault = reset_after(10)             for every request
    router.fault = first(2, answer(503, ...))  for the first two
A fault is called with (connection, request, the bytes of the right answer) and does what it likes in place of it."""

import collections
import http.client
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

Request = collections.namedtuple("Request", "method path headers body")


def response(status=200, body=b"", headers=(), kind="application/json"):
    body = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = ["HTTP/1.1 %d x" % status, "Content-Type: " + kind, "Content-Length: %d" % len(body), *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(pieces, kind="text/event-stream"):
    head = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


# ---- faults --------------------------------------------------------------------------------------


def answer(status, body=b"", headers=()):
    return lambda connection, request, right: connection.sendall(response(status, body, headers))


def raw(data):
    def fault(connection, request, right):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
    return fault


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The files made of the socket would keep it open: its descriptor itself must go.
    socket.close(connection.detach())


def reset_after(count):
    """A RST after so many bytes of the right answer."""
    def fault(connection, request, right):
        connection.sendall(right[:count])
        # What was sent must have arrived: a RST overtakes what is still on its way.
        time.sleep(0.005)
        reset(connection)
    return fault


def end_after(count):
    """A FIN after so many bytes."""
    def fault(connection, request, right):
        connection.sendall(right[:count])
        connection.shutdown(socket.SHUT_RDWR)
    return fault


def drip(seconds, start=0):
    def fault(connection, request, right):
        connection.sendall(right[:start])
        for at in range(start, len(right)):
            connection.sendall(right[at:at + 1])
            time.sleep(seconds)
    return fault


def late(seconds):
    def fault(connection, request, right):
        time.sleep(seconds)
        connection.sendall(right)
    return fault


def silent(connection, request, right):
    connection.recv(1)


def endless(prefix, piece):
    """Bytes without end."""
    def fault(connection, request, right):
        connection.sendall(prefix)
        while True:
            connection.sendall(piece)
    return fault


def first(times, fault, matching=lambda request: True):
    left = [times]
    lock = threading.Lock()

    def limited(connection, request, right):
        with lock:
            if left[0] <= 0 or not matching(request):
                connection.sendall(right)
                return
            left[0] -= 1
        fault(connection, request, right)
    return limited


# ---- the server ----------------------------------------------------------------------------------


class FakeRouter:
    def __init__(self, host="127.0.0.1"):
        self.files, self.requests, self.fault = {}, [], None
        self.listener = socket.socket()
        self.listener.bind((host, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.url = "http://%s:%d" % (host, self.port)
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def count(self, method):
        return sum(1 for each in self.requests if each.method == method)

    def of(self, prefix):
        return [each for each in self.requests if each.path.startswith(prefix)]

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def cut(self):
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            reader = connection.makefile("rb")
            while self._one(connection, reader):
                pass
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            self.open.discard(connection)
            try:
                reader.close()
                connection.close()
            except OSError:
                pass

    def _one(self, connection, reader):
        line = reader.readline(65536).decode("latin-1")
        if not line:
            return False
        method, path, _ = line.split()
        headers = http.client.parse_headers(reader)
        request = Request(method, path, headers, self._body(reader, headers))
        self.requests.append(request)
        right = self.right(request)
        fault = self.fault
        if fault is None:
            connection.sendall(right)
            return True
        fault(connection, request, right)
        return connection.fileno() >= 0

    @staticmethod
    def _body(reader, headers):
        if headers.get("Transfer-Encoding") != "chunked":
            return reader.read(int(headers.get("Content-Length", 0)))
        body = b""
        while True:
            size = int(reader.readline(), 16)
            body += reader.read(size + 2)[:size]
            if size == 0:
                return body

    # ---- the sandbox ------------------------------------------------------------------------------

    def right(self, request):
        """What a sandbox answers."""
        operation, _, rest = request.path.lstrip("/").partition("/")
        name = urllib.parse.unquote(rest)
        if request.path == "/healthz":
            return response(200, {"status": "ok"})
        if request.path == "/execute/stream":
            return chunked([b"event: stdout\ndata: %d\n\n" % i for i in range(3)]
                           + [b'event: done\ndata: {"exit_code": 0}\n\n'])
        if operation == "execute":
            command = json.loads(request.body.decode())["command"]
            return response(200, {"stdout": command + "\n", "stderr": "", "exit_code": 0})
        if operation == "upload":
            head, _, body = request.body.partition(b"\r\n\r\n")
            name = re.search(rb'filename="((?:[^"\\]|\\.)*)"', head).group(1).decode()
            name = re.sub(r"\\(.)", r"\1", name)
            self.files[name] = body.rpartition(b"\r\n--")[0]
            return response(200, {"message": "File '%s' uploaded successfully." % name})
        if operation == "download":
            if name not in self.files:
                return response(404, {"message": "File not found"})
            return response(200, self.files[name], kind="application/octet-stream")
        if operation == "list":
            folder = "" if name == "." else name.rstrip("/") + "/"
            return response(200, [{"name": n[len(folder):], "size": len(c), "type": "file", "mod_time": 1.5}
                                  for n, c in sorted(self.files.items()) if n.startswith(folder)])
        if operation == "exists":
            return response(200, {"path": name, "exists": name in self.files})
        return response(404, {"detail": "Not Found"})

