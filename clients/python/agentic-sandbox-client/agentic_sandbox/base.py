# SPDX-License-Identifier: Apache-2.0
"""What both clients share: a claim with its life, and the operations on the sandbox that it gives."""

import atexit
import contextlib
import io
import json
import logging
import math
import secrets
import signal
import threading
import urllib.parse
import weakref
from types import TracebackType
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Type, TypeVar, Union

from .deadline import Deadline
from .errors import SandboxClosedError, SandboxError, SandboxPathError, SandboxProtocolError
from .http import Http, form, pieces, read_all, read_json
from .kube import Kube
from .models import ExecutionResult, FileEntry, StreamEvent
from .tracing import make_tracer

# Two streams of 16 MiB each, the runtime's most, of which JSON may make six times as much.
EXECUTION_BYTES_MAX = 200 << 20
LIST_BYTES_MAX = 64 << 20
FILE_BYTES_MAX = 512 << 20
EVENT_BYTES_MAX = 1 << 20
CREATE_SECONDS = 30.0
# The command's own timeout ends it in the sandbox; the answer that says so comes a little later.
GRACE_SECONDS = 5.0

log = logging.getLogger("agentic_sandbox")

_open_clients: "weakref.WeakSet[BaseClient]" = weakref.WeakSet()
Client = TypeVar("Client", bound="BaseClient")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: a claim that is being deleted must be deleted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def check_path(path: str) -> str:
    """A path below the sandbox's folder, for the URL or the form; raises SandboxPathError."""
    if not path or "\0" in path or any(ord(c) < 32 or ord(c) == 127 for c in path):
        raise SandboxPathError("a path is not empty and has no control characters")
    if path.startswith("/") or ".." in path.split("/"):
        raise SandboxPathError("a path is relative to the sandbox's folder and has no '..'")
    return path


class BaseClient:
    """A context manager: a claim when it is entered, gone when it is left, whatever happens in between."""

    def __init__(self, template_name: str, namespace: str, ready_timeout: float, enable_tracing: bool, service: str):
        if not template_name:
            raise ValueError("template_name is the name of a SandboxTemplate")
        self.template_name = template_name
        self.namespace = namespace
        self.claim_name: Optional[str] = None
        self.sandbox_name: Optional[str] = None
        self._ready_timeout = ready_timeout
        self._tracer = make_tracer(enable_tracing, service)
        self._kube: Optional[Kube] = None
        self._http: Optional[Http] = None

    # ---- life ------------------------------------------------------------------------------------

    def __enter__(self: Client) -> Client:
        self.open()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        try:
            self.close()
        except SandboxError as failed:
            if error is None:
                raise
            # The first error is the one that matters; this one must not hide it.
            log.error("%s", failed)

    def open(self) -> None:
        """Claims a sandbox and waits until it can be used. close() gives it back; so does the end of the process."""
        if self.claim_name is not None:
            raise SandboxClosedError("this client is open already")
        _open_clients.add(self)
        self._tracer.start(template=self.template_name, namespace=self.namespace)
        try:
            self._kube = Kube()
            self._claim(self._kube)
            self._connect(self._kube)
        except BaseException:
            self._close_quietly()
            raise

    def _claim(self, kube: Kube) -> None:
        # Known before it is sent: an answer that never comes leaves nothing behind.
        self.claim_name = kube.new_name()
        with self._tracer.span("create_claim"):
            claim = kube.create_claim(self.namespace, self.claim_name, self.template_name, self._tracer.context(),
                                      Deadline(min(CREATE_SECONDS, self._ready_timeout)))
        with self._tracer.span("wait_for_sandbox_ready"):
            self.sandbox_name = kube.wait_for_claim(self.namespace, claim, Deadline(self._ready_timeout))

    def _connect(self, kube: Kube) -> None:
        """Sets self._http."""
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Undoes _connect, also half of it."""

    def close(self) -> None:
        """Deletes the claim; raises SandboxCleanupError when that cannot be done. A second call does nothing."""
        with _uninterrupted():
            name, self.claim_name, self.sandbox_name = self.claim_name, None, None
            try:
                if name is not None and self._kube is not None:
                    self._kube.delete_claim(self.namespace, name)
            finally:
                self._end()

    def _end(self) -> None:
        _open_clients.discard(self)
        if self._http is not None:
            self._http.close()
            self._http = None
        self._disconnect()
        if self._kube is not None:
            self._kube.close()
            self._kube = None
            self._tracer.end()

    def _close_quietly(self) -> None:
        try:
            self.close()
        except SandboxError as error:
            log.error("%s", error)

    # ---- operations ------------------------------------------------------------------------------

    def _sandbox(self) -> Http:
        if self._http is None:
            raise SandboxClosedError("no sandbox: use the client in a with statement, or call open() first")
        return self._http

    @staticmethod
    def _command(command: str, timeout: float) -> bytes:
        if not isinstance(command, str):
            raise TypeError("a command is a str")
        return json.dumps({"command": command, "timeout": max(1, math.ceil(timeout))}).encode()

    def run(self, command: str, timeout: float = 60) -> ExecutionResult:
        """Runs a command and waits for its end. It is ended after timeout seconds: exit_code is 124 then. Never sent
        twice: when it is not known whether it ran, SandboxConnectionError.sent is True."""
        http, body, deadline = self._sandbox(), self._command(command, timeout), Deadline(timeout + GRACE_SECONDS)
        with self._tracer.span("run"):
            answer = http.request("POST", "/execute", deadline, body=lambda: body, content_type="application/json")
            said = read_json(answer, EXECUTION_BYTES_MAX, deadline)
            http.done()
        return _execution(said)

    def run_stream(self, command: str, timeout: float = 60) -> Iterator[StreamEvent]:
        """Runs a command and gives its output as it comes; the last event is "done" with the exit code."""
        http, body, deadline = self._sandbox(), self._command(command, timeout), Deadline(timeout + GRACE_SECONDS)
        with self._tracer.span("run"):
            answer = http.request("POST", "/execute/stream", deadline, body=lambda: body, content_type="application/json")
            yield from _events(pieces(answer, deadline))
            http.done()

    def write(self, path: str, content: Union[str, bytes, BinaryIO], timeout: float = 60) -> None:
        """Writes a file, making its folders. content may be an open binary file, of any size."""
        http, deadline, name = self._sandbox(), Deadline(timeout), check_path(path)
        if isinstance(content, str):
            content = content.encode("utf-8")
        mark = secrets.token_hex(16)
        source = content

        def body() -> Iterator[bytes]:
            if not isinstance(source, bytes) and source.seekable():
                source.seek(0)
            return form("file", name, source, mark)

        with self._tracer.span("write"):
            answer = http.request("POST", "/upload", deadline, body=body,
                                  content_type=f"multipart/form-data; boundary={mark}")
            read_all(answer, EVENT_BYTES_MAX, deadline)
            http.done()

    def read(self, path: str, timeout: float = 60) -> bytes:
        """The content of a file, of at most 512 MiB; read_to() has no such limit."""
        whole = io.BytesIO()
        self._download(path, whole, timeout, FILE_BYTES_MAX)
        return whole.getvalue()

    def read_to(self, path: str, target: BinaryIO, timeout: float = 60) -> int:
        """Writes the content of a file to target; returns how many bytes there were."""
        return self._download(path, target, timeout, None)

    def _download(self, path: str, target: BinaryIO, timeout: float, most: Optional[int]) -> int:
        http, deadline, count = self._sandbox(), Deadline(timeout), 0
        with self._tracer.span("read"):
            answer = http.request("GET", "/download/" + urllib.parse.quote(check_path(path)), deadline)
            for piece in pieces(answer, deadline):
                count += len(piece)
                if most is not None and count > most:
                    raise SandboxProtocolError(f"the file has more than {most} bytes; read_to() has no such limit")
                target.write(piece)
            http.done()
        return count

    def list(self, path: str = ".", timeout: float = 60) -> List[FileEntry]:
        """The entries of a folder."""
        http, deadline = self._sandbox(), Deadline(timeout)
        answer = http.request("GET", "/list/" + urllib.parse.quote(check_path(path)), deadline)
        said = read_json(answer, LIST_BYTES_MAX, deadline)
        http.done()
        try:
            return [FileEntry(str(e["name"]), int(e["size"]), str(e["type"]), float(e["mod_time"])) for e in said]
        except (TypeError, KeyError, ValueError):
            raise SandboxProtocolError("the sandbox's list is not one of files") from None

    def exists(self, path: str, timeout: float = 60) -> bool:
        """Whether there is a file or a folder of that name."""
        http, deadline = self._sandbox(), Deadline(timeout)
        answer = http.request("GET", "/exists/" + urllib.parse.quote(check_path(path)), deadline)
        said = read_json(answer, EVENT_BYTES_MAX, deadline)
        http.done()
        if not isinstance(said, dict) or not isinstance(said.get("exists"), bool):
            raise SandboxProtocolError("the sandbox does not say whether it exists")
        return bool(said["exists"])

    def is_ready(self) -> bool:
        """Whether the sandbox can be used now."""
        return (self._http is not None and self._kube is not None and self.claim_name is not None
                and self._kube.is_ready(self.namespace, self.claim_name))


def _execution(said: Any) -> ExecutionResult:
    try:
        stdout, stderr, exit_code = said["stdout"], said["stderr"], said["exit_code"]
    except (TypeError, KeyError):
        raise SandboxProtocolError("the sandbox's answer is not the end of a command") from None
    if not isinstance(stdout, str) or not isinstance(stderr, str) or type(exit_code) is not int:
        raise SandboxProtocolError("the sandbox's answer is not the end of a command")
    return ExecutionResult(stdout, stderr, exit_code)


def _events(source: Iterator[bytes]) -> Iterator[StreamEvent]:
    """Server-sent events, to the one that says done."""
    rest, kind, data = b"", "", []  # type: bytes, str, List[str]
    for piece in source:
        rest += piece
        *lines, rest = rest.split(b"\n")
        if len(rest) > EVENT_BYTES_MAX:
            raise SandboxProtocolError("an event of the stream is too long")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if text.startswith("event:"):
                kind = text[6:].strip()
            elif text.startswith("data:"):
                data.append(text[6:] if text[5:6] == " " else text[5:])
            elif text == "" and kind:
                event = _event(kind, "\n".join(data))
                yield event
                if event.type == "done":
                    return
                kind, data = "", []
    raise SandboxProtocolError("the stream ended before the command did")


def _event(kind: str, data: str) -> StreamEvent:
    if kind != "done":
        return StreamEvent(kind, data)
    try:
        exit_code = json.loads(data)["exit_code"]
    except (ValueError, TypeError, KeyError):
        exit_code = None
    if type(exit_code) is not int:
        raise SandboxProtocolError("the stream's end has no exit code")
    return StreamEvent(kind, data, exit_code)


def _close_all() -> None:
    for client in list(_open_clients):
        client._close_quietly()


atexit.register(_close_all)
