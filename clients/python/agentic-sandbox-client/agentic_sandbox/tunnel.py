# SPDX-License-Identifier: Apache-2.0
"""Developer mode: kubectl port-forward as a child process."""

import collections
import os
import re
import shutil
import signal
import subprocess
import threading
from typing import Deque, List, Optional

from . import process
from .deadline import Deadline
from .errors import SandboxTunnelError

PAUSE_SECONDS = 0.5
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


WORDS_BYTES_MAX = 4096

# kubectl, and a watcher of standard input. The other end of it is this process's alone and closes when this process ends, in
# whichever way; then the watcher ends the process group, which is their own. So does the end of kubectl.
_WATCHED = """
exec 3<&0 </dev/null
"$@" 3<&- &
kubectl=$!
{ read -r _; kill -s KILL 0; } <&3 3<&- >/dev/null 2>&1 &
exec 3<&-
wait "$kubectl"
kill -s KILL 0
"""


class _Forward:
    """One kubectl, from its start to its end."""

    def __init__(self, namespace: str, target: str, port: int):
        argv = ["kubectl", "port-forward", "--namespace", namespace, "--address", "127.0.0.1", target, f":{port}"]
        self.port: Optional[int] = None
        self._words: Deque[str] = collections.deque(maxlen=20)
        self._came = threading.Event()
        watched, self._held = os.pipe()
        self._said, says = os.pipe()
        # A child of this process must not keep the pipe open.
        process.watch(self)
        try:
            # A session of its own: a Ctrl-C reaches us, who end it once it is not needed any more.
            self._child = subprocess.Popen(["/bin/sh", "-c", _WATCHED, "sh", *argv] if os.name == "posix" else argv,
                                           stdin=watched, stdout=says, stderr=subprocess.STDOUT,
                                           start_new_session=True)
        except BaseException:
            self.after_fork()
            raise
        finally:
            os.close(watched)
            os.close(says)
        threading.Thread(target=self._read, daemon=True).start()

    def after_fork(self) -> None:
        for name in ("_held", "_said"):
            self._close(name)

    def _close(self, name: str) -> None:
        descriptor: int = getattr(self, name)
        setattr(self, name, -1)
        if descriptor >= 0:
            os.close(descriptor)

    @property
    def alive(self) -> bool:
        return self._child.poll() is None and self.port is not None

    @property
    def words(self) -> str:
        return " ".join(self._words)[:300]

    def wait(self, deadline: Deadline) -> bool:
        """Whether it forwards, once it has said so or ended."""
        self._came.wait(deadline.left())
        return self.port is not None

    def _read(self) -> None:
        rest = b""
        while True:
            piece = os.read(self._said, WORDS_BYTES_MAX)
            *lines, rest = (rest + piece).split(b"\n")
            if not piece or len(rest) > WORDS_BYTES_MAX:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._hear(line.decode("utf-8", "replace").strip())
            if not piece:
                break
        self._came.set()
        self._close("_said")

    def _hear(self, line: str) -> None:
        found = _FORWARDING.search(line)
        if found:
            self.port = int(found.group(1))
            self._came.set()
        elif line:
            self._words.append(line[:300])

    def close(self) -> None:
        if self._child.poll() is None and hasattr(os, "killpg"):
            os.killpg(self._child.pid, signal.SIGKILL)
        # Where the shell is gone already, this ends what it left.
        self._close("_held")
        self._child.kill()
        self._child.wait()


class Tunnel:
    """A local port that leads to a port of target ("svc/name" or "pod/name"). kubectl chooses the local one."""

    def __init__(self, namespace: str, target: str, port: int):
        self._where = (namespace, target, port)
        self._target = target
        self._lock = threading.Lock()
        self._forward: Optional[_Forward] = None
        # Those of the process that this one was forked from.
        self._inherited: List[_Forward] = []
        process.watch(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        if self._forward is not None:
            self._inherited.append(self._forward)
            self._forward = None

    def base(self, deadline: Deadline) -> str:
        """http://127.0.0.1:PORT, brought up (again) where it is not."""
        with self._lock:
            if self._forward is None or not self._forward.alive:
                self._open(deadline)
            assert self._forward is not None
            return f"http://127.0.0.1:{self._forward.port}"

    def _open(self, deadline: Deadline) -> None:
        if shutil.which("kubectl") is None:
            raise SandboxTunnelError("developer mode needs kubectl, which is not on the PATH; "
                                     "or give gateway_name or api_url")
        words = ""
        while True:
            self._end()
            try:
                self._forward = _Forward(*self._where)
            except OSError as error:
                raise SandboxTunnelError(f"kubectl cannot be started: {error}") from None
            if self._forward.wait(deadline):
                return
            # The Service may be there before a pod of it is. The last one may have had no time to say anything.
            words = self._forward.words or words
            if deadline.left() < PAUSE_SECONDS:
                self._end()
                raise SandboxTunnelError(
                    f"kubectl port-forward {self._target} did not come up: {words or 'it said nothing'}")
            deadline.pause(PAUSE_SECONDS)

    def _end(self) -> None:
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()

    def close(self) -> None:
        with self._lock:
            self._end()
