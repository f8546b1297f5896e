# SPDX-License-Identifier: Apache-2.0
"""What keeps a program from starting: only that command waits, its timeout is kept, and nothing is left in the end.

None of these looks at a clock: the answer must come while what holds the program up is still there, and that is there
until the test takes it away."""

import fcntl
import json
import os
import random
import signal
import threading

from hung import HungFolder
from server import Skip, until
from test_execute import FAILED, JSON, execute, fails, processes

TIMED_OUT = {"stdout": "", "stderr": "Command timed out after 1 seconds", "exit_code": 124, "timed_out": True}


class Running:
    """A command in a thread of its own; result() waits for its answer."""

    def __init__(self, server, command, **more):
        self.results = []
        self.thread = threading.Thread(target=lambda: self.results.append(execute(server, command, **more)))
        self.thread.start()

    def result(self):
        self.thread.join()
        return self.results[0]


class Lease:
    """In `with`: a write lease on a program of the base folder; who runs it waits for the holder, which gives nothing."""

    def __init__(self, server, name):
        server.write(name, b"#!/bin/sh\necho it ran\n")
        os.chmod(server.path(name), 0o755)
        self.path = server.path(name)

    def __enter__(self):
        self.fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.fcntl(self.fd, fcntl.F_SETSIG, signal.SIGURG)  # by default the holder is told by a deadly one
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as e:
            os.close(self.fd)
            raise Skip(f"needs leases on files: {e}") from None
        return self

    def is_asked_for(self):
        """Somebody waits for it: the kernel says what it wants the lease to become."""
        return fcntl.fcntl(self.fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK

    def give_up(self):
        fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    def __exit__(self, *_):
        os.close(self.fd)


def others_run(server, count=3):
    for i in range(count):
        assert execute(server, f"echo {i}", timeout=1000)["stdout"] == f"{i}\n"
        assert server.get("/").status == 200


def children(server):
    with open(f"/proc/{server.child.pid}/status") as f:
        assert "State:\tZ" not in f.read()
    found = []
    for task in os.listdir(f"/proc/{server.child.pid}/task"):
        try:
            with open(f"/proc/{server.child.pid}/task/{task}/children") as f:
                found += [int(pid) for pid in f.read().split()]
        except FileNotFoundError:
            pass  # the thread has ended meanwhile
    return found


def test_a_lease_on_a_program_holds_up_its_command_alone(server):
    with Lease(server, "leased") as lease:
        held = Running(server, "./leased", timeout=1)
        until(lease.is_asked_for, "the program is to be run")
        others_run(server)
        assert held.result() == TIMED_OUT, held.result()
        until(lambda: children(server) == [], "nothing is left")


def test_a_command_without_a_timeout_waits_for_a_lease(server):
    with Lease(server, "leased") as lease:
        held = Running(server, "./leased")
        until(lease.is_asked_for, "the program is to be run")
        others_run(server)
        lease.give_up()
        assert held.result()["stdout"] == "it ran\n", held.result()


def test_a_lease_on_an_interpreter_holds_up_its_command_alone(server):
    server.write("script", f"#!{server.path('leased')}\n".encode())
    os.chmod(server.path("script"), 0o755)
    with Lease(server, "leased") as lease:
        held = Running(server, "./script", timeout=1)
        until(lease.is_asked_for, "the interpreter is to be run")
        others_run(server)
        assert held.result() == TIMED_OUT, held.result()


def stop(pid):
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        pass


def is_stopped(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def test_a_stopped_child_holds_up_nobody_and_its_timeout_is_kept(server):
    with Lease(server, "leased") as lease:
        held = Running(server, "./leased", timeout=1)
        until(lease.is_asked_for, "the program is to be run")
        child, = children(server)

        def is_answered():
            stop(child)
            return held.results
        others_run(server)
        until(is_answered, "the timeout is kept though the child is stopped again and again", 3 * server.patience)
        assert held.result() == TIMED_OUT, held.result()
        until(lambda: children(server) == [], "nothing is left")


def test_a_child_that_is_stopped_before_its_exec_goes_on(server):
    with Lease(server, "leased") as lease:
        held = Running(server, "./leased")
        until(lease.is_asked_for, "the program is to be run")
        child, = children(server)
        stop(child)
        until(lambda: is_stopped(child) or stop(child), "it is stopped")
        lease.give_up()
        others_run(server)
        assert held.result()["stdout"] == "it ran\n", held.result()


def test_a_guest_that_stops_all_of_its_user_holds_up_nobody(server):
    """Those that the loop stops after their exec stay so until their timeout, which is the guest's own affair."""
    if os.geteuid() != 0:
        raise Skip("needs root")
    server.stop()
    # A user that nobody else on this machine has, and a loop that ends: it stops all that it may.
    server.__init__(["--exec-user", str(10 ** 6 + random.SystemRandom().randrange(10 ** 9))])
    os.chmod(server.top, 0o755)
    server.start()
    loop = Running(server, f"sh -c 'i=0; while [ $i -lt 10000000 ]; do i=$((i + 1)); kill -STOP -1; done' {server.mark}", timeout=3)
    until(lambda: processes(server.mark), "the loop runs")
    running = [Running(server, "true", timeout=1) for _ in range(50)]
    for one in running:
        assert one.result()["exit_code"] in (0, 124), one.result()
    assert loop.result()["exit_code"] == 124
    assert execute(server, "echo afterwards")["stdout"] == "afterwards\n"


def test_a_hung_file_system_holds_up_its_command_alone(server):
    server.write("script", f"#!{server.path('hung/interpreter')}\n".encode())
    os.chmod(server.path("script"), 0o755)
    with HungFolder(server.path("hung")) as hung:
        for command, more in (("hung/program", {}), ("./script", {}), ("true", {"cwd": "hung/folder"}),
                              ("program", {"env": {"PATH": server.path("hung/bin")}})):
            hung.asked.clear()
            held = Running(server, command, timeout=1, **more)
            until(hung.asked.is_set, "the file system is asked")
            others_run(server)
            assert held.result() == TIMED_OUT, (command, more, held.result())


def test_many_that_are_held_up_leave_room_for_others_and_leave_nothing(server):
    others_run(server)
    threads, descriptors = server.status("Threads"), server.descriptors()
    with HungFolder(server.path("hung")) as hung:
        held = [Running(server, f"hung/{i}", timeout=1) for i in range(60)]
        until(hung.asked.is_set, "the file system is asked")
        others_run(server)
        for one in held:
            assert one.result() == TIMED_OUT, one.result()
        # They cannot die yet: whoever waits for them is bounded, and not in anybody's way.
        assert len(children(server)) <= 60 and server.status("Threads") <= threads + 130
        others_run(server)
    until(lambda: children(server) == [], lambda: f"they are gone: {children(server)}")
    others_run(server)

    def is_as_before():
        others_run(server, 1)
        return server.status("Threads") <= threads and server.descriptors() <= descriptors
    until(is_as_before, lambda: f"{server.status('Threads')} threads, {threads} before; "
                                f"{server.descriptors()} descriptors, {descriptors} before")


def test_it_ends_while_a_program_is_held_up(server):
    if server.sanitized:
        raise Skip("the search for leaks waits for all threads, and the one that is held up is left behind on purpose")
    with HungFolder(server.path("hung")) as hung:
        held = threading.Thread(target=until_closed, args=(server, "hung/program"))
        held.start()
        until(hung.asked.is_set, "the file system is asked")
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(server.patience) == 0
        held.join()
    server.start()


def until_closed(server, command):
    body = json.dumps({"command": command}).encode()
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body)
        try:
            while sock.recv(4096):
                pass
        except OSError:
            pass


def test_a_fifo_is_no_program_and_no_interpreter(server):
    os.mkfifo(server.path("fifo"), 0o755)
    server.write("script", f"#!{server.path('fifo')}\n".encode())
    os.chmod(server.path("script"), 0o755)
    fails(server, "./fifo", "[Errno 13] Permission denied: './fifo'")
    fails(server, "./script", "[Errno 13] Permission denied: './script'")
    assert execute(server, "true", cwd="fifo")["stderr"] == FAILED + "[Errno 20] Not a directory: 'fifo'"


def test_full_pipes_do_not_put_off_a_timeout(server):
    body = json.dumps({"command": f"sh -c 'yes {server.mark} & yes {server.mark} >&2'", "timeout": 1}).encode()
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/execute/stream", {**JSON, "Content-Length": len(body)}) + body)
        until(lambda: len(processes(server.mark)) >= 2, "both write")
        until(lambda: processes(server.mark) == [], "they are ended though nobody reads", 3 * server.patience)
        others_run(server)
