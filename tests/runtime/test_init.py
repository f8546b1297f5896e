# SPDX-License-Identifier: Apache-2.0
"""The server as the first process of its PID namespace, as in a container."""

import os
import shutil
import signal
import subprocess

from server import SOON, Skip, until
from test_execute import execute

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def start_as_init(server, arguments=()):
    """Starts it again in a namespace of its own; its PID out here."""
    if shutil.which("unshare") is None or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        raise Skip("needs unshare and the right to make a PID namespace")
    server.stop()
    server.__init__(arguments)
    os.chmod(server.top, 0o755)
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


LIMITS = """
import ctypes, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
done = []
def refused(name, call):
    try:
        call()
    except PermissionError:
        return
    except OSError as e:
        name = f"{name}: {e}"
    done.append(name)
def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
for limit in ("CPU", "NOFILE", "AS", "FSIZE", "NPROC", "CORE"):
    refused(f"prlimit {limit}", lambda: resource.prlimit(pid, getattr(resource, "RLIMIT_" + limit), (1 << 40, 1 << 40)))
refused("sched_setscheduler", lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)))
refused("sched_setaffinity", lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)))
refused("sched_setparam", lambda: os.sched_setparam(pid, os.sched_param(0)))
refused("setpriority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
refused("setpriority of the group", lambda: os.setpriority(os.PRIO_PGRP, os.getpgid(pid), 19))
refused("setpriority of the user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
refused("ioprio_set", lambda: check(libc.syscall(251, 1, pid, 3 << 13)))
refused("ioprio_set of the user", lambda: check(libc.syscall(251, 3, os.getuid(), 3 << 13)))
# What is its own stays its own, and limits can be read.
resource.prlimit(pid, resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.setpriority(os.PRIO_PROCESS, 0, 19)
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, os.sched_getaffinity(0))
print(done)
"""


def test_a_guest_cannot_change_the_limits_of_the_server(server):
    if os.uname().machine != "x86_64":
        raise Skip("knows the number of ioprio_set on x86_64 alone")
    if server.lacks_seccomp():
        raise Skip("the server is built without libseccomp")
    def check(pid):
        with open(os.path.join(server.base, "limits.py"), "w") as f:
            f.write(LIMITS)
        result = execute(server, f"/usr/bin/python3 limits.py {pid}")
        assert (result["stdout"], result["exit_code"]) == ("[]\n", 0), result
        assert execute(server, "true")["exit_code"] == 0
    check(server.child.pid)
    init = start_as_init(server)
    check(1)
    end(server, init)


def test_the_first_process_survives_what_guests_send_it(server):
    init = start_as_init(server)
    # The kernel passes on only what the first process has a handler for; sanitizers have one for SEGV.
    names = ["TERM", "INT", "QUIT", "HUP", "KILL", "STOP", "PIPE", "USR1", "USR2", "ALRM", "ABRT", "CHLD", "TSTP", "RTMIN"]
    for name in names + ([] if server.sanitized else ["SEGV"]):
        execute(server, f"bash -c 'kill -{name} 1'")
        is_there(server, name)
    end(server, init)


def is_there(server, what):
    """The second command is started by the thread that takes signals, after it took what the first one sent."""
    assert execute(server, "echo here")["stdout"] == "here\n", what
    assert server.get("/").status == 200, what


FORGED = """
import ctypes, os, platform, signal
number = {"x86_64": 129, "aarch64": 138}[platform.machine()]
class Info(ctypes.Structure):
    _fields_ = [("signo", ctypes.c_int), ("errno", ctypes.c_int), ("code", ctypes.c_int), ("pad", ctypes.c_int),
                ("pid", ctypes.c_int), ("uid", ctypes.c_int), ("rest", ctypes.c_char * 104)]
call = ctypes.CDLL(None, use_errno=True).syscall
for code in (-1, -2, -3, -4, -5, -60):
    for name in (signal.SIGTERM, signal.SIGINT):
        assert call(number, 1, int(name), ctypes.byref(Info(int(name), 0, code, 0, 0, 0))) == 0, (code, ctypes.get_errno())
"""

OF_A_DESCRIPTOR = """
import fcntl, os, signal
for name in (signal.SIGTERM, signal.SIGINT):
    r, w = os.pipe()
    fcntl.fcntl(r, fcntl.F_SETOWN, 1)
    fcntl.fcntl(r, fcntl.F_SETSIG, name)
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(w, b"x")
"""


def run_in_guest(server, name, script):
    server.write(name, script.encode())
    result = execute(server, f"/usr/bin/python3 {name}")
    assert result["exit_code"] == 0, result


def test_a_sender_cannot_pretend_to_be_outside(server):
    if not os.path.exists("/usr/bin/python3"):
        raise Skip("needs python3 in the guest")
    init = start_as_init(server)
    run_in_guest(server, "forged", FORGED)
    is_there(server, "a queued signal of a sender that says it is number 0")
    run_in_guest(server, "descriptor", OF_A_DESCRIPTOR)
    is_there(server, "a signal that a descriptor sends")
    end(server, init)


def test_signals_without_end_keep_nobody_waiting(server):
    init = start_as_init(server)
    for _ in range(3):
        execute(server, f"sh -c 'while :; do kill -TERM 1; kill -CHLD 1; done & echo {server.mark}'")
    for _ in range(20):
        is_there(server, "a flood")
    os.kill(init, signal.SIGKILL)
    server.child.wait(SOON)
    server.prefix = type(server).prefix
    server.start()


def test_another_user_cannot_signal_the_first_process(server):
    if os.geteuid() != 0:
        raise Skip("needs root")
    init = start_as_init(server, ["--exec-user", "65534:65534"])
    for name in ("TERM", "INT", "KILL"):
        assert execute(server, f"sh -c 'kill -{name} 1'")["exit_code"] != 0
        is_there(server, name)
    end(server, init)
