# SPDX-License-Identifier: Apache-2.0
"""What both clients share: the life of a claim, from open() to close() or the end of the process."""

import atexit
import contextlib
import logging
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple, Type, TypeVar

from . import process
from .deadline import Deadline
from .errors import SandboxClosedError, SandboxError
from .http import Http
from .kube import Claim, Kube
from .operations import Operations
from .tracing import make_tracer

CREATE_SECONDS = 30.0

log = logging.getLogger("agentic_sandbox")

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# Strong references: a client that nobody holds any more still has a claim.
_open_clients: "Set[BaseClient]" = set()
Client = TypeVar("Client", bound="BaseClient")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits, and so does what the program does on SIGTERM and SIGHUP: a claim that is being deleted must be
    deleted. The first that came is handled at the end."""
    came: List[Tuple[int, Optional[FrameType]]] = []
    before: Dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _SIGNALS}
    # Others are ignored, end the process at once, or are not ours to change.
    before = {number: handler for number, handler in before.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            before[came[0][0]](*came[0])


class BaseClient(Operations):
    """A context manager: a claim when it is entered, gone when it is left, whatever happens in between."""

    def __init__(self, template_name: str, namespace: str, ready_timeout: float, enable_tracing: bool, service: str):
        if not template_name:
            raise ValueError("template_name is the name of a SandboxTemplate")
        super().__init__(make_tracer(enable_tracing, service))
        self.template_name = template_name
        self.namespace = namespace
        self.sandbox_name: Optional[str] = None
        self._ready_timeout = ready_timeout
        self._kube: Optional[Kube] = None
        self._claim: Optional[Claim] = None
        self._process = process.current()

    @property
    def _ours(self) -> bool:
        """Whether the claim is this process's, and not that of the one it was forked from."""
        return self._process == process.current()

    @property
    def claim_name(self) -> Optional[str]:
        return self._claim.name if self._claim is not None else None

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

    # ---- open ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Claims a sandbox and waits until it can be used. close() gives it back; so does the end of the process."""
        if self._kube is not None:
            raise SandboxClosedError("this client is open already")
        self._process = process.current()
        try:
            self._kube = Kube()
            _open_clients.add(self)
            self._tracer.start(template=self.template_name, namespace=self.namespace)
            self._make(self._kube)
            self._http = self._connect(self._kube)
        except BaseException:
            self._close_quietly()
            raise

    def _make(self, kube: Kube) -> None:
        with self._tracer.span("create_claim"):
            # Known before it is sent: an answer that never comes leaves nothing behind.
            self._claim = Claim(self.namespace, self.template_name, self._tracer.context())
            kube.create(self._claim, Deadline(min(CREATE_SECONDS, self._ready_timeout)))
        with self._tracer.span("wait_for_sandbox_ready"):
            self.sandbox_name = kube.wait_until_ready(self._claim, Deadline(self._ready_timeout))

    def _connect(self, kube: Kube) -> Http:
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Undoes _connect, also half of it."""

    # ---- close -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Deletes the claim. When that cannot be done it raises SandboxCleanupError, and can be called again; the end
        of the process tries once more. After that a call does nothing. In a child made by fork() it closes the child's
        connections alone: the claim is its parent's."""
        with _uninterrupted():
            http, self._http, self.sandbox_name = self._http, None, None
            if http is not None:
                http.close()
            self._disconnect()
            if self._kube is not None and self._claim is not None and self._ours:
                self._kube.delete(self._claim)
            self._claim = None
            if self._kube is not None:
                self._kube.close()
                self._kube = None
            _open_clients.discard(self)
        if self._ours:
            self._tracer.end()

    def _close_quietly(self) -> None:
        try:
            self.close()
        except SandboxError as error:
            log.error("%s", error)

    def is_ready(self) -> bool:
        """Whether the sandbox can be used now."""
        return (self._http is not None and self._kube is not None and self._claim is not None
                and self._kube.is_ready(self._claim))


def _close_all() -> None:
    with _uninterrupted():
        for client in list(_open_clients):
            # A child made by fork() has the list too, and claims that are its parent's.
            if client._ours:
                client._close_quietly()


atexit.register(_close_all)
