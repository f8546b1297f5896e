# SPDX-License-Identifier: Apache-2.0
"""Requests to the server in a sandbox, with the one rule that matters: a request that may have run something is never
sent twice. Every answer is bounded in time and size; redirects are not followed and proxies of the environment not
used, so that nobody else gets to see a request."""

import json
import logging
import time
from typing import Any, BinaryIO, Callable, Dict, Iterator, Optional, Union

import requests
import urllib3

from .deadline import Deadline
from .errors import SandboxConnectionError, SandboxProtocolError, SandboxRequestError, SandboxTimeoutError

NOT_SENT = "X-Sandbox-Not-Sent"
CONNECT_SECONDS = 5.0
PAUSE_SECONDS = 0.2
DETAIL_CHARACTERS = 300
PIECE_BYTES = 65536

# Servers close connections that wait; one that waited this long is not used again, since a request on a connection
# that is just being closed may or may not arrive.
IDLE_SECONDS = 3.0

log = logging.getLogger("agentic_sandbox")

Body = Union[bytes, Iterator[bytes], None]


class Http:
    """One sandbox's server. base() gives the URL to use now, and may bring a tunnel up again."""

    def __init__(self, base: Callable[[Deadline], str], headers: Callable[[], Dict[str, str]]):
        self._base = base
        self._headers = headers
        self._session: Optional[requests.Session] = None
        self._used = 0.0

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def request(self, method: str, path: str, deadline: Deadline, *, body: Callable[[], Body] = lambda: None,
                content_type: Optional[str] = None) -> requests.Response:
        """The answer, its body not read yet, its status 2xx. body is called for each try.

        GET is tried again when the connection breaks or the router says 502, 503 or 504; any method when it is known
        that the request did not reach the sandbox."""
        last: Exception = SandboxTimeoutError("there was no time left to ask the sandbox")
        while not deadline.over:
            try:
                answer = self._send(method, path, deadline, body(), content_type)
            except SandboxConnectionError as error:
                if error.sent and method != "GET":
                    raise
                last = error
            else:
                if 200 <= answer.status_code < 300:
                    return answer
                last = self._refusal(answer, deadline)
                if last.sent and not (method == "GET" and answer.status_code in (502, 503, 504)):
                    raise last
            deadline.pause(PAUSE_SECONDS)
        raise last

    def _send(self, method: str, path: str, deadline: Deadline, body: Body,
              content_type: Optional[str]) -> requests.Response:
        url = self._base(deadline) + path
        headers = self._headers()
        if content_type:
            headers["Content-Type"] = content_type
        timeout = (max(0.1, deadline.left(CONNECT_SECONDS)), max(0.1, deadline.left()))
        try:
            return self._connection().request(method, url, data=body, headers=headers, timeout=timeout, stream=True,
                                              allow_redirects=False)
        except requests.exceptions.ReadTimeout:
            raise SandboxTimeoutError(f"the sandbox did not answer {method} {path.split('/')[1]} in time") from None
        except requests.exceptions.RequestException as error:
            self.close()
            raise SandboxConnectionError(f"cannot talk to the sandbox: {_cause(error)}",
                                         sent=not _was_not_sent(error)) from None

    def _connection(self) -> requests.Session:
        if self._session is not None and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
        if self._session is None:
            self._session = requests.Session()
            self._session.trust_env = False
        self._used = time.monotonic()
        return self._session

    def _refusal(self, answer: requests.Response, deadline: Deadline) -> SandboxRequestError:
        not_sent = answer.headers.get(NOT_SENT) == "true"
        try:
            text = read_all(answer, PIECE_BYTES, deadline).decode("utf-8", "replace")
        except (SandboxConnectionError, SandboxProtocolError, SandboxTimeoutError):
            text = ""
        try:
            parsed = json.loads(text)
            text = parsed.get("detail", parsed.get("message", text)) if isinstance(parsed, dict) else text
        except ValueError:
            pass
        return SandboxRequestError(answer.status_code, str(text)[:DETAIL_CHARACTERS], sent=not not_sent)

    def done(self) -> None:
        """An answer was read to its end: its connection waits from now on."""
        self._used = time.monotonic()


def _was_not_sent(error: requests.exceptions.RequestException) -> bool:
    """Whether nothing can have left: there was no connection."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause: Any = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)
    return isinstance(cause, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError))


def _cause(error: Exception) -> str:
    """The innermost words, without the URL and what is in it."""
    cause: Any = error
    while getattr(cause, "args", None) and isinstance(cause.args[0], Exception):
        cause = cause.args[0]
    cause = getattr(cause, "reason", cause)
    return type(cause).__name__ + (": " + str(cause.args[-1])[:200] if getattr(cause, "args", None) else "")


def pieces(answer: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    """The body as it comes, until its end or the deadline's."""
    source = answer.raw
    connection = getattr(getattr(source, "_connection", None), "sock", None)
    try:
        while True:
            if deadline.over:
                raise SandboxTimeoutError("the sandbox's answer did not end in time")
            if connection is not None:
                # Else a byte now and then would keep an answer going for ever.
                connection.settimeout(max(0.05, deadline.left()))
            piece = source.read1(PIECE_BYTES) if hasattr(source, "read1") else source.read(PIECE_BYTES)
            if not piece:
                return
            yield piece
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
        raise SandboxTimeoutError("the sandbox's answer did not end in time") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise SandboxConnectionError(f"the sandbox's answer broke off: {_cause(error)}", sent=True) from None
    finally:
        answer.close()


def read_all(answer: requests.Response, most: int, deadline: Deadline) -> bytes:
    whole = bytearray()
    for piece in pieces(answer, deadline):
        whole += piece
        if len(whole) > most:
            raise SandboxProtocolError(f"the sandbox's answer has more than {most} bytes")
    expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and int(expected) != len(whole) and "Content-Encoding" not in answer.headers:
        raise SandboxConnectionError("the sandbox's answer is shorter than it said", sent=True)
    return bytes(whole)


def read_json(answer: requests.Response, most: int, deadline: Deadline) -> Any:
    text = read_all(answer, most, deadline)
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise SandboxProtocolError("the sandbox's answer is not JSON") from None


def form(field: str, filename: str, content: Union[bytes, BinaryIO], mark: str) -> Iterator[bytes]:
    """A multipart/form-data body with one file."""
    quoted = filename.replace("\\", "\\\\").replace('"', '\\"')
    yield (f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{quoted}"\r\n'
           "Content-Type: application/octet-stream\r\n\r\n").encode("utf-8")
    if isinstance(content, bytes):
        yield content
    else:
        while True:
            piece = content.read(PIECE_BYTES)
            if not piece:
                break
            yield piece
    yield f"\r\n--{mark}--\r\n".encode("utf-8")
