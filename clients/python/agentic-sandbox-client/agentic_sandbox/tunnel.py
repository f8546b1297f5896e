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
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


class Tunnel:
    """A local port that leads to a port of target ("svc/name" or "pod/name"). kubectl chooses the local one."""

    def __init__(self, namespace: str, target: str, port: int):
        self._argv = ["kubectl", "port-forward", "--namespace", namespace, "--address", "127.0.0.1", target, f":{port}"]
        self._target = target
        self._child: Optional["subprocess.Popen[str]"] = None
        self._words: Deque[str] = collections.deque(maxlen=20)
        self._port: Optional[int] = None
        self._came = threading.Event()

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None and self._port is not None

    def base(self, deadline: Deadline) -> str:
        """http://127.0.0.1:PORT, brought up (again) where it is not."""
        if not self.alive:
            self.close()
            self._open(deadline)
        return f"http://127.0.0.1:{self._port}"

    def _open(self, deadline: Deadline) -> None:
        if shutil.which("kubectl") is None:
            raise SandboxTunnelError("developer mode needs kubectl, which is not on the PATH; "
                                     "or give gateway_name or api_url")
        while True:
            self._start()
            self._came.wait(deadline.left())
            if self._port is not None:
                return
            words = " ".join(self._words) or "it said nothing"
            self.close()
            # The Service may be there before a pod of it is.
            if deadline.left() < 0.5:
                raise SandboxTunnelError(f"kubectl port-forward {self._target} did not come up: {words[:300]}")
            deadline.pause(0.5)

    def _start(self) -> None:
        self._port = None
        self._came.clear()
        self._words.clear()
        # A session of its own: a Ctrl-C reaches us, who end it once the claim is deleted.
        self._child = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, universal_newlines=True, start_new_session=True)
        threading.Thread(target=self._read, args=(self._child,), daemon=True).start()

    def _read(self, child: "subprocess.Popen[str]") -> None:
        for line in child.stdout or ():
            found = _FORWARDING.search(line)
            if found:
                self._port = int(found.group(1))
                self._came.set()
            else:
                self._words.append(line.strip()[:300])
        self._came.set()

    def close(self) -> None:
        child, self._child, self._port = self._child, None, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
