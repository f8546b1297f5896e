# SPDX-License-Identifier: Apache-2.0
"""A connection whose every byte counts against one deadline. Timeouts of sockets alone start anew with each byte that
arrives, and a server that sends one now and then would keep a request going for ever."""

import contextlib
import http.client
import io
import socket
import ssl
import time
import urllib.parse
from typing import Any, Callable, Optional

import urllib3.util.wait

from . import process
from .deadline import Deadline
from .errors import SandboxClosedError

CONNECT_SECONDS = 5.0
# Servers close connections that wait; one that waited this long is not used again, since a request on a connection
# that is just being closed may or may not arrive.
IDLE_SECONDS = 3.0
NOT_OURS = "the process that asked for this answer reads it, not a child of it"

# In Python 3.7 to 3.9 it is not TimeoutError.
TimedOut = socket.timeout


class Broken(OSError):
    """The connection broke; an error of the user's own file is never one."""


class _Input(io.RawIOBase):
    def __init__(self, wire: "Wire"):
        super().__init__()
        self._wire: Optional["Wire"] = wire

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        return self._wire.receive(target) if self._wire is not None else 0

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.input_closed()
        super().close()


class Wire:
    """What http.client needs of a socket. As a socket does, it stays open until what was made of it is closed too."""

    def __init__(self, sock: socket.socket, deadline: Deadline):
        self.sock = sock
        self.deadline = deadline
        self._inputs = 0
        self._closed = False
        self._process = process.current()

    @property
    def ours(self) -> bool:
        """Whether it was this process that connected: after a fork, two have the connection."""
        return self._process == process.current()

    def _timed(self) -> socket.socket:
        if not self.ours:
            raise SandboxClosedError(NOT_OURS)
        left = self.deadline.left()
        if left <= 0:
            raise TimedOut("timed out")
        self.sock.settimeout(left)
        return self.sock

    def sendall(self, data: bytes) -> None:
        try:
            self._timed().sendall(data)
        except TimedOut:
            raise
        except OSError as error:
            raise Broken(str(error)) from None

    def receive(self, target: Any) -> int:
        try:
            return self._timed().recv_into(target)
        except TimedOut:
            raise
        except OSError as error:
            raise Broken(str(error)) from None

    def makefile(self, mode: str) -> io.BufferedReader:
        self._inputs += 1
        return io.BufferedReader(_Input(self), 65536)

    def input_closed(self) -> None:
        self._inputs -= 1
        if self._closed:
            self.close()

    def close(self) -> None:
        self._closed = True
        if self._inputs <= 0:
            if self.ours:
                # A child of this process may hold it open too; to the server it ends here.
                with contextlib.suppress(OSError):
                    self.sock.shutdown(socket.SHUT_RDWR)
            self.sock.close()


class Connection(http.client.HTTPConnection):
    """A connection to the host of `url`. check is called with each numeric address before it is connected to."""

    def __init__(self, url: urllib.parse.SplitResult, tls: Optional[ssl.SSLContext], deadline: Deadline,
                 check: Optional[Callable[[str], None]]):
        super().__init__(str(url.hostname), url.port or (443 if tls else 80))
        # It would print each header, the token's too, where the program has switched http.client's debugging on.
        self.debuglevel = 0
        # For the Host header alone, which leaves the usual port out.
        self.default_port = 443 if tls else 80
        self.key = f"{url.scheme}://{url.netloc}"
        self._tls = tls
        self._deadline = deadline
        self._check = check
        self._since = 0.0

    def connect(self) -> None:
        sock = self._first_that_answers()
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self.host)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        self.sock: Any = Wire(sock, self._deadline)

    def _first_that_answers(self) -> socket.socket:
        error: OSError = Broken(f"'{self.host}' has no address")
        try:
            found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
        except UnicodeError:
            raise Broken("no such host name") from None
        for family, kind, protocol, _, address in found:
            seconds = self._deadline.left(CONNECT_SECONDS)
            if seconds <= 0:
                raise TimedOut("timed out")
            sock = socket.socket(family, kind, protocol)
            try:
                if self._check is not None:
                    self._check(str(address[0]))
                sock.settimeout(seconds)
                sock.connect(address)
                return sock
            except OSError as failed:
                error = failed
                sock.close()
        raise error

    def rests(self) -> None:
        self._since = time.monotonic()

    def wakes(self, deadline: Deadline) -> bool:
        """Whether it can take a request after its rest; it is the deadline's from now on."""
        if self.sock is None or not self.sock.ours or time.monotonic() - self._since > IDLE_SECONDS:
            return False
        # Nothing was asked: what there is to read is its end.
        if urllib3.util.wait.wait_for_read(self.sock.sock, timeout=0):
            return False
        self.sock.deadline = deadline
        return True
