# SPDX-License-Identifier: Apache-2.0
"""Developer mode: kubectl port-forward as a child process."""

import collections
import re
import shutil
import subprocess
import threading
from typing import Deque, Optional

from .deadline import Deadline
from .errors import SandboxTunnelError

END_SECONDS = 3.0
PAUSE_SECONDS = 0.5
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


class _Forward:
    """One kubectl, from its start to its end."""

    def __init__(self, namespace: str, target: str, port: int):
        argv = ["kubectl", "port-forward", "--namespace", namespace, "--address", "127.0.0.1", target, f":{port}"]
        self.port: Optional[int] = None
        self._words: Deque[str] = collections.deque(maxlen=20)
        self._came = threading.Event()
        # A session of its own: a Ctrl-C reaches us, who end it once it is not needed any more.
        self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                                       start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

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
        assert self._child.stdout is not None
        with self._child.stdout as said:
            for line in said:
                found = _FORWARDING.search(line)
                if found:
                    self.port = int(found.group(1))
                    self._came.set()
                else:
                    self._words.append(line.strip()[:300])
        self._came.set()

    def close(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class Tunnel:
    """A local port that leads to a port of target ("svc/name" or "pod/name"). kubectl chooses the local one."""

    def __init__(self, namespace: str, target: str, port: int):
        self._where = (namespace, target, port)
        self._target = target
        self._lock = threading.Lock()
        self._forward: Optional[_Forward] = None

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
