# SPDX-License-Identifier: Apache-2.0
"""The server as the first process of its PID namespace, as in a container."""

import os
import shutil
import signal
import subprocess

from server import SOON, Skip, until
from test_execute import execute

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def start_as_init(server):
    """Starts it again in a namespace of its own; its PID out here."""
    if shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        raise Skip("needs unshare and the right to make a PID namespace")
    server.stop()
    server.__init__()
    server.prefix = UNSHARE + type(server).prefix
    server.start()
    with open(f"/proc/{server.child.pid}/task/{server.child.pid}/children") as f:
        return int(f.read().split()[0])


def end(server, init):
    """unshare passes on how its child ended."""
    os.kill(init, signal.SIGTERM)
    status = server.child.wait(SOON)
    assert status == 0, status
    server.prefix = type(server).prefix
    server.start()


def test_the_first_process_reaps_every_orphan(server):
    init = start_as_init(server)
    assert execute(server, "sh -c 'echo $PPID'")["stdout"] == "1\n"
    for _ in range(20):
        execute(server, "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do (setsid -f true; sleep 0.01 &) ; done'")

    def others():
        with open(f"/proc/{init}/task/{init}/children") as f:
            return f.read().split()
    until(lambda: others() == [], lambda: f"it has no children: {others()}")
    end(server, init)


def test_the_first_process_ends_with_status_0_at_sigterm(server):
    init = start_as_init(server)
    execute(server, f"sh -c 'setsid sleep {server.mark} & trap \"\" TERM; sleep {server.mark} &'")
    end(server, init)


def test_the_first_process_survives_what_guests_send_it(server):
    init = start_as_init(server)
    # The kernel passes on only what the first process has a handler for; sanitizers have one for SEGV.
    for name in ("KILL", "STOP", "HUP", "PIPE", "USR1", *([] if server.sanitized else ["SEGV"])):
        execute(server, f"sh -c 'kill -{name} 1'")
        assert server.get("/").status == 200, name
    end(server, init)
