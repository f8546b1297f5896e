# SPDX-License-Identifier: Apache-2.0
"""Requests to the server in a sandbox, with the one rule that matters: a request that may have run something is never
sent twice. Every answer is bounded in time and size; redirects are not followed, proxies of the environment not used,
cookies not kept, so that nobody else gets to see a request. It stands on http.client: whatever more is done for a user
there is, repeating included, would have to be switched off."""

import http.client
import ipaddress
import json
import ssl
import urllib.parse
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Tuple, TypeVar, Union

from . import process
from .deadline import Deadline
from .errors import (
    SandboxClosedError,
    SandboxConnectionError,
    SandboxError,
    SandboxGatewayError,
    SandboxProtocolError,
    SandboxRequestError,
    SandboxTimeoutError,
    SandboxTunnelError,
)
from .secret import Secret, hide
from .wire import NOT_OURS, Broken, Connection, TimedOut

NOT_SENT = "X-Sandbox-Not-Sent"
PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 2.0
DETAIL_CHARACTERS = 300
PIECE_BYTES = 65536
NUMBER_DIGITS_MAX = 20
IDLE_CONNECTIONS_MAX = 4

Headers = Dict[str, Union[str, Secret]]
Body = Union[bytes, Iterator[bytes], None]
Result = TypeVar("Result")
# ValueError: http.client's, for what it finds no better name.
BROKEN = (http.client.HTTPException, OSError, ValueError)


class Answer:
    """A 2xx whose body is still to come. close() in any case: read to its end, the connection serves again."""

    def __init__(self, owner: "Http", connection: Connection, response: http.client.HTTPResponse):
        self._http = owner
        self._connection: Optional[Connection] = connection
        self._response = response
        self._left = response.length
        self._process = process.current()

    @property
    def length(self) -> Optional[int]:
        return self._left

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, until its end or the deadline's."""
        try:
            while self._left is None or self._left > 0:
                self._check_process()
                piece = self._response.read1(PIECE_BYTES if self._left is None else min(PIECE_BYTES, self._left))
                if not piece:
                    break
                if self._left is not None:
                    self._left -= len(piece)
                yield piece
        except TimedOut:
            raise SandboxTimeoutError("the sandbox's answer did not end in time") from None
        except BROKEN as error:
            raise SandboxConnectionError(f"the sandbox's answer broke off: {type(error).__name__}", sent=True) from None
        if self._left:
            raise SandboxConnectionError("the sandbox's answer broke off: it is shorter than it said", sent=True)
        self._keep()

    def _check_process(self) -> None:
        # What was read ahead would be given to both.
        if self._process != process.current():
            raise SandboxClosedError(NOT_OURS)

    def all(self, most: int) -> bytearray:
        if self._left is not None and self._left > most:
            raise SandboxProtocolError(f"the sandbox's answer has more than {most} bytes")
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > most:
                raise SandboxProtocolError(f"the sandbox's answer has more than {most} bytes")
        return body

    def _keep(self) -> None:
        keep = not self._response.will_close
        self._response.close()
        if keep and self._connection is not None:
            self._http.keep(self._connection)
            self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._response.close()


def whole(most: int) -> Callable[[Answer], bytearray]:
    """The body, of at most that many bytes, for Http.ask."""
    return lambda answer: answer.all(most)


class Http:
    """One sandbox's server, for any number of threads. base() gives the URL to use now, and may bring a tunnel up
    again. routed: there is a router, whose word it is that a request was not sent. outside: addresses of this machine
    and of metadata servers are refused, whatever the name says that leads there."""

    def __init__(self, base: Callable[[Deadline], str], headers: Callable[[], Headers], routed: bool = True,
                 outside: bool = False):
        self._base = base
        self._headers = headers
        self._routed = routed
        self._check = refuse_inside if outside else None
        self._idle: List[Tuple[str, Connection]] = []
        self._tls: Optional[ssl.SSLContext] = None

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def keep(self, connection: Connection) -> None:
        connection.rests()
        self._idle.append((connection.key, connection))
        while len(self._idle) > IDLE_CONNECTIONS_MAX:
            self._idle.pop(0)[1].close()

    # ---- asking ----------------------------------------------------------------------------------

    def ask(self, method: str, path: str, deadline: Deadline, take: Callable[[Answer], Result],
            body: Callable[[], Body] = lambda: None, content_type: Optional[str] = None) -> Result:
        """What take() makes of the answer. GET is tried again when the connection breaks or the router says 502, 503 or
        504; any method when it is known that the request did not reach the sandbox. body and take are called for each
        try."""
        def attempt() -> Result:
            answer = self._send(method, path, deadline, body(), content_type)
            try:
                return take(answer)
            finally:
                answer.close()
        return self._until_done(method == "GET", deadline, attempt)

    def open(self, method: str, path: str, deadline: Deadline, body: Callable[[], Body] = lambda: None,
             content_type: Optional[str] = None) -> Answer:
        """The same, as far as the answer's headers: its body is the caller's to read, and not repeated."""
        return self._until_done(method == "GET", deadline,
                                lambda: self._send(method, path, deadline, body(), content_type))

    def wait_for_answer(self, deadline: Deadline) -> None:
        """kubectl opens its port before it knows whether there is anything behind: until something answers there, and
        be it with an error, the tunnel is not up."""
        try:
            self.ask("GET", "/healthz", deadline, whole(PIECE_BYTES))
        except (SandboxRequestError, SandboxProtocolError):
            pass
        except (SandboxConnectionError, SandboxTimeoutError) as error:
            raise SandboxTunnelError(f"kubectl port-forward is up, but nothing answers behind it: {error}") from None

    @staticmethod
    def _until_done(again: bool, deadline: Deadline, attempt: Callable[[], Result]) -> Result:
        pause = PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except SandboxConnectionError as error:
                last: SandboxError = error
                if error.sent and not again:
                    raise
            except SandboxRequestError as error:
                last = error
                if error.sent and not (again and error.status in (502, 503, 504)):
                    raise
            if deadline.left() <= pause:
                raise last
            deadline.pause(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _send(self, method: str, path: str, deadline: Deadline, body: Body, content_type: Optional[str]) -> Answer:
        connection, prefix = self._connection(deadline)
        headers = self._headers()
        if content_type:
            headers["Content-Type"] = content_type
        kept, response = False, None
        try:
            response = self._exchange(connection, method, prefix + path, body, headers)
            if not 200 <= response.status < 300:
                raise self._refusal(response, headers)
            if response.getheader("Content-Encoding", "identity").lower() != "identity":
                raise SandboxProtocolError("the sandbox's answer is encoded, which was not asked for")
            if not response.chunked and response.length is None:
                # Its end, or even that of its headers, cannot be told from a connection that broke.
                raise SandboxConnectionError("the sandbox's answer does not say where it ends", sent=True)
            kept = True
            return Answer(self, connection, response)
        except TimedOut:
            raise SandboxTimeoutError(f"the sandbox did not answer {method} {path.split('/')[1]} in time") from None
        except (http.client.HTTPException, Broken) as error:
            raise SandboxConnectionError(f"the connection to the sandbox broke: {error or type(error).__name__}",
                                         sent=True) from None
        finally:
            if not kept:
                if response is not None:
                    response.close()
                connection.close()

    @staticmethod
    def _exchange(connection: Connection, method: str, target: str, body: Body,
                  headers: Headers) -> http.client.HTTPResponse:
        connection.putrequest(method, target)
        for name, value in headers.items():
            connection.putheader(name, value.reveal() if isinstance(value, Secret) else value)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        elif body is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        cut: Optional[Broken] = None
        try:
            connection.endheaders(body if isinstance(body, bytes) else None)
            if body is not None and not isinstance(body, bytes):
                for piece in body:
                    connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                connection.send(b"0\r\n\r\n")
        except Broken as error:
            # A server that refuses a body may say so before its end, and close.
            cut = error
        try:
            response = connection.getresponse()
        except ValueError:
            raise Broken("an answer that is not HTTP") from None
        if cut is not None and response.status < 300:
            response.close()
            raise cut
        return response

    def _connection(self, deadline: Deadline) -> Tuple[Connection, str]:
        """A connection to write on, and what goes before each path."""
        url = self._base(deadline)
        parts = urllib.parse.urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        try:
            while True:
                kept, connection = self._idle.pop()
                if kept == key and connection.wakes(deadline):
                    return connection, parts.path
                connection.close()
        except IndexError:
            pass
        if parts.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        connection = Connection(parts, self._tls if parts.scheme == "https" else None, deadline, self._check)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise SandboxProtocolError(f"the certificate of {key} cannot be trusted: {error.verify_message}") from None
        except OSError as error:
            raise SandboxConnectionError(f"cannot connect to {key}: {error}", sent=False) from None
        return connection, parts.path

    def _refusal(self, response: http.client.HTTPResponse, headers: Headers) -> SandboxRequestError:
        status = response.status
        not_sent = self._routed and status in (502, 503, 504) and response.getheader(NOT_SENT) == "true"
        try:
            text = response.read(PIECE_BYTES).decode("utf-8", "replace")
        except BROKEN:
            text = ""
        try:
            text = _detail(json.loads(text, parse_int=_number), text)
        except (ValueError, RecursionError):
            pass
        text = hide(text, [value for value in headers.values() if isinstance(value, Secret)])
        return SandboxRequestError(status, text[:DETAIL_CHARACTERS], sent=not not_sent)


def _detail(said: Any, text: str) -> str:
    """The words of a refusal, without what it repeats of the request."""
    if not isinstance(said, dict):
        return text
    detail = said.get("detail", said.get("message", text))
    if isinstance(detail, list):
        return "; ".join(f"{entry.get('loc')}: {entry.get('msg')}" for entry in detail if isinstance(entry, dict))
    return str(detail)


def _number(digits: str) -> int:
    # Of a million digits, Python makes a number for hours.
    if len(digits) > NUMBER_DIGITS_MAX:
        raise ValueError("a number of too many digits")
    return int(digits)


def parse(text: bytearray, bare_most: Optional[int] = None) -> Any:
    """The value that JSON means. bare_most: how much of it may be outside of strings, where a few bytes make an object
    of many."""
    if bare_most is not None and _bare(text, bare_most) > bare_most:
        raise SandboxProtocolError("the sandbox's answer has more members than it can have")
    try:
        return json.loads(text, parse_int=_number)
    except (ValueError, RecursionError):
        raise SandboxProtocolError("the sandbox's answer is not JSON") from None


def _bare(text: bytearray, most: int) -> int:
    """Bytes outside of strings, or more than most."""
    if len(text) <= most:
        return 0
    pieces = text.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"', most)
    return most + 1 if len(pieces) > most else sum(map(len, pieces[::2]))


METADATA_SERVERS = ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")


def refuse_inside(address: str) -> None:
    """Raises SandboxGatewayError for an address that names this machine or a metadata server."""
    ip = ipaddress.ip_address(address.split("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved
            or str(ip) in METADATA_SERVERS):
        raise SandboxGatewayError(f"{ip} is not an address that a Gateway can have")
