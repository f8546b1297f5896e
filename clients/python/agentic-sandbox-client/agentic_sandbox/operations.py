# SPDX-License-Identifier: Apache-2.0
"""What a user asks of a sandbox: commands and files, as requests to the server in it."""

import io
import json
import math
import secrets
import urllib.parse
from typing import Any, BinaryIO, Dict, Iterator, List, Optional

from .deadline import Deadline
from .errors import SandboxClosedError, SandboxProtocolError
from .files import Content, check_path, form, rewindable
from .http import Answer, Http, parse, whole
from .models import ExecutionResult, FileEntry, StreamEvent
from .tracing import NoTracer

# A stream of 16 MiB, the runtime's most, of which JSON may make six times as much, and more of the other stream.
EXECUTION_BYTES_MAX = 128 << 20
# Of an execution, outside of its strings.
EXECUTION_BARE_MAX = 4096
LIST_BYTES_MAX = 16 << 20
FILE_BYTES_MAX = 512 << 20
EVENT_BYTES_MAX = 1 << 20
SMALL_BYTES_MAX = 1 << 20
# The command's own timeout ends it in the sandbox; the answer that says so comes a little later.
GRACE_SECONDS = 5.0
STREAM_EVENTS = ("stdout", "stderr", "error", "done")


class Operations:
    """run(), write(), read() and their like, on the server that self._http leads to."""

    def __init__(self, tracer: NoTracer) -> None:
        self._tracer = tracer
        self._http: Optional[Http] = None

    def _sandbox(self) -> Http:
        if self._http is None:
            raise SandboxClosedError("no sandbox: use the client in a with statement, or call open() first")
        return self._http

    # ---- commands --------------------------------------------------------------------------------

    def run(self, command: str, timeout: float = 60) -> ExecutionResult:
        """Runs a command and waits for its end. It is ended after timeout seconds: exit_code is 124 then. Never sent
        twice: when it is not known whether it ran, SandboxConnectionError.sent is True."""
        http, order = self._sandbox(), _Order(command, timeout)
        with self._tracer.span("run"):
            said = parse(http.ask("POST", "/execute", order.deadline, whole(EXECUTION_BYTES_MAX), order.body,
                                  "application/json"), EXECUTION_BARE_MAX)
        return _execution(said)

    def run_stream(self, command: str, timeout: float = 60) -> Iterator[StreamEvent]:
        """Runs a command and gives its output as it comes; the last event is "done" with the exit code."""
        http, order = self._sandbox(), _Order(command, timeout)
        with self._tracer.span("run"):
            answer = http.open("POST", "/execute/stream", order.deadline, order.body, "application/json")
        return _events(answer)

    # ---- files -----------------------------------------------------------------------------------

    def write(self, path: str, content: Content, timeout: float = 60) -> None:
        """Writes a file, making its folders. content may be an open binary file, of any size."""
        http, deadline, name, source = self._sandbox(), Deadline(timeout), check_path(path), rewindable(content)
        mark = secrets.token_hex(16)
        with self._tracer.span("write"):
            http.ask("POST", "/upload", deadline, whole(SMALL_BYTES_MAX), lambda: form("file", name, source(), mark),
                     f"multipart/form-data; boundary={mark}")

    def read(self, path: str, timeout: float = 60) -> bytes:
        """The content of a file, of at most 512 MiB; read_to() has no such limit."""
        def take(answer: Answer) -> bytes:
            content = io.BytesIO()
            _copy(answer, content, FILE_BYTES_MAX)
            return content.getvalue()
        with self._tracer.span("read"):
            return self._sandbox().ask("GET", _url("download", path), Deadline(timeout), take)

    def read_to(self, path: str, target: BinaryIO, timeout: float = 60) -> int:
        """Writes the content of a file to target; returns how many bytes there were. When it breaks off, what came is
        in target already."""
        with self._tracer.span("read"):
            answer = self._sandbox().open("GET", _url("download", path), Deadline(timeout))
            try:
                return _copy(answer, target, math.inf)
            finally:
                answer.close()

    def list(self, path: str = ".", timeout: float = 60) -> List[FileEntry]:
        """The entries of a folder."""
        with self._tracer.span("list"):
            said = parse(self._sandbox().ask("GET", _url("list", path), Deadline(timeout), whole(LIST_BYTES_MAX)))
        if not isinstance(said, list):
            raise SandboxProtocolError("the sandbox's list is not one of files")
        return [_entry(each) for each in said]

    def exists(self, path: str, timeout: float = 60) -> bool:
        """Whether there is a file or a folder of that name."""
        with self._tracer.span("exists"):
            said = parse(self._sandbox().ask("GET", _url("exists", path), Deadline(timeout), whole(SMALL_BYTES_MAX)))
        there = said.get("exists") if isinstance(said, dict) else None
        if not isinstance(there, bool):
            raise SandboxProtocolError("the sandbox does not say whether it exists")
        return there


def _url(operation: str, path: str) -> str:
    return f"/{operation}/{urllib.parse.quote(check_path(path))}"


def _copy(answer: Answer, target: BinaryIO, most: float) -> int:
    count = answer.length or 0
    if count <= most:
        count = 0
        for piece in answer.pieces():
            count += len(piece)
            if count > most:
                break
            target.write(piece)
    if count > most:
        raise SandboxProtocolError(f"the file has more than {most} bytes; read_to() has no such limit")
    return count


class _Order:
    """A command on its way: what time there is for it, and what is sent."""

    def __init__(self, command: str, timeout: float):
        if not isinstance(command, str):
            raise TypeError("a command is a str")
        if not 0 < timeout < math.inf:
            raise ValueError("a command's timeout is a number of seconds above 0")
        self._command = command
        self._timeout = timeout
        self.deadline = Deadline(timeout + GRACE_SECONDS)

    def body(self) -> bytes:
        # After a wait for the sandbox there may be less time left than the command was given.
        seconds = max(1, math.ceil(min(self._timeout, self.deadline.left() - 1)))
        return json.dumps({"command": self._command, "timeout": seconds}).encode()


# ---- answers -------------------------------------------------------------------------------------


def _execution(said: Any) -> ExecutionResult:
    said = said if isinstance(said, dict) else {}
    stdout, stderr, exit_code = said.get("stdout"), said.get("stderr"), said.get("exit_code")
    if not isinstance(stdout, str) or not isinstance(stderr, str) or type(exit_code) is not int:
        raise SandboxProtocolError("the sandbox's answer is not the end of a command")
    return ExecutionResult(stdout, stderr, exit_code)


def _entry(said: Any) -> FileEntry:
    said = said if isinstance(said, dict) else {}
    name, size, kind, time = said.get("name"), said.get("size"), said.get("type"), said.get("mod_time")
    if not isinstance(name, str) or type(size) is not int or kind not in ("file", "directory") \
            or type(time) not in (int, float) or not math.isfinite(time):
        raise SandboxProtocolError("the sandbox's list is not one of files")
    return FileEntry(name, size, kind, float(time))


def _events(answer: Answer) -> Iterator[StreamEvent]:
    """Server-sent events, to the one that says done."""
    fields: Dict[str, List[str]] = {}
    size = 0
    try:
        for line in _lines(answer.pieces()):
            size += len(line) + 64
            if size > EVENT_BYTES_MAX:
                raise SandboxProtocolError("an event of the stream is too long")
            if line:
                name, _, value = line.decode("utf-8", "replace").partition(":")
                fields.setdefault(name, []).append(value[1:] if value[:1] == " " else value)
                continue
            kind, data = fields.get("event", [""])[-1], "\n".join(fields.get("data", []))
            fields, size = {}, 0
            if kind in STREAM_EVENTS:
                event = _event(kind, data)
                yield event
                if event.type == "done":
                    return
    finally:
        answer.close()
    raise SandboxProtocolError("the stream ended before the command did")


def _lines(source: Iterator[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    for piece in source:
        rest += piece
        if b"\n" in piece:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield bytes(line[:-1] if line.endswith(b"\r") else line)
        if len(rest) > EVENT_BYTES_MAX:
            raise SandboxProtocolError("an event of the stream is too long")


def _event(kind: str, data: str) -> StreamEvent:
    if kind != "done":
        return StreamEvent(kind, data)
    said = parse(bytearray(data.encode("utf-8", "replace")))
    exit_code = said.get("exit_code") if isinstance(said, dict) else None
    if type(exit_code) is not int:
        raise SandboxProtocolError("the stream's end has no exit code")
    return StreamEvent(kind, data, exit_code)
