# SPDX-License-Identifier: Apache-2.0
"""Guests that mean harm: meanwhile the health check answers, and afterwards nothing is left."""

import concurrent.futures
import json
import os
import time

from health import Health, Witness
from server import SOON, Skip, until
from test_execute import JSON, execute, processes

PIDS = 200  # of the control group that a guest runs in


def limit_processes(server):
    """Puts the server into a control group with at most PIDS processes; a function that removes the group."""
    for parent in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = os.path.join(parent, f"runtime-test-{server.mark}")
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            with open(os.path.join(group, "pids.max"), "w") as f:
                f.write(str(PIDS))
            with open(os.path.join(group, "cgroup.procs"), "w") as f:
                f.write(str(server.child.pid))
        except OSError:
            os.rmdir(group)
            continue
        return group
    raise Skip("needs root and a control group that limits processes")


def remove_group(server, group):
    server.stop()

    def removed():
        try:
            os.rmdir(group)
        except OSError:
            return False
        return True
    until(removed, "nothing is left in the control group")
    server.__init__()
    server.start()


def test_a_fork_bomb_under_a_limit_is_ended_at_its_timeout(server):
    group = limit_processes(server)
    try:
        with Health(server, group) as health, Witness(5) as witness:
            result = execute(server, "sh -c 'f() { f | f & }; f; exec sleep 60'", timeout=3)
            late = witness.has_ended()
        health.check()
        assert result["exit_code"] == 124 and (not late or server.sanitized), result["exit_code"]
        until(lambda: execute(server, "echo again")["stdout"] == "again\n", "commands run again")
    finally:
        remove_group(server, group)


def test_a_thousand_daemons_end_with_the_server(server):
    script = f"for i in $(seq 1000); do setsid sleep {server.mark} & done"
    with Health(server) as health:
        assert execute(server, f"sh -c '{script}'")["exit_code"] == 0
        until(lambda: len(processes(server.mark)) == 1000, "all run", 3 * SOON)
    health.check()
    mark = server.mark
    server.stop()
    assert processes(mark) == []
    server.__init__()
    server.start()


def test_a_thousand_daemons_end_with_their_command(server):
    script = f"for i in $(seq 1000); do setsid sleep {server.mark} & done; sleep {server.mark}"
    with Health(server) as health, Witness(6) as witness:
        result = execute(server, f"sh -c '{script}'", timeout=4)
        late = witness.has_ended()
    health.check()
    assert result["exit_code"] == 124 and (not late or server.sanitized), result
    assert processes(server.mark) == []


def walk_of_processes():
    """How long this interpreter takes, now, to read what /proc says of each process."""
    begin = time.monotonic()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as f:
                    f.read()
            except OSError:
                pass
    return time.monotonic() - begin


def test_timeouts_that_come_at_once_are_one_walk_of_the_processes(server):
    """A walk for each command would cost its square: the last of 400 would wait for hundreds of walks."""
    count, late, walks = 400, [], [walk_of_processes()]

    def run_out(_):
        begin = time.monotonic()
        assert execute(server, f"sleep {server.mark}", timeout=5)["exit_code"] == 124
        late.append(time.monotonic() - begin - 5)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        runs = [pool.submit(run_out, number) for number in range(count)]
        while not late:
            walks.append(walk_of_processes())
        for run in runs:
            run.result()
    assert max(late) < 5 + 40 * max(walks), (max(late), max(walks))


def test_a_gigabyte_of_output_is_read_and_dropped(server):
    with Health(server) as health:
        body = b'{"command":"head -c 1000000000 /dev/zero"}'
        with server.connect(6 * SOON) as sock:
            sock.sendall(server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body)
            result = server.receive(sock).json
    health.check()
    assert result["exit_code"] == 0 and result["truncated"] is True and len(result["stdout"]) == 16 << 20
    assert server.sanitized or server.status("VmHWM") <= 24 * 1024, server.status("VmHWM")


def send_again(server, sock, text):
    sock.sendall(text)
    assert "[Errno 7] Argument list too long" in server.receive(sock).json["stderr"]


def test_a_command_of_three_megabytes_is_split_at_once(server):
    for command in ("echo " + "a" * (3 << 20), "echo " + "'a b' " * (1 << 19), "echo " + "\\a" * (3 << 19)):
        body = json.dumps({"command": command}).encode()
        text = server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body
        with Health(server) as health, server.connect() as sock:
            until(lambda: len(health.times) >= 20 or send_again(server, sock, text), "health is asked for 20 times")
        health.check()


def test_slow_heads_and_bodies_keep_nobody_waiting(server):
    socks = [server.connect() for _ in range(500)]
    try:
        with Health(server) as health:
            for i, sock in enumerate(socks):
                sock.sendall(b"GET / HTTP/1.1\r\nX: " if i % 2 else
                             server.head("POST", "/execute", {**JSON, "Content-Length": 1000}) + b"{")
            while len(health.times) < 20:
                assert execute(server, "true")["exit_code"] == 0
                for sock in socks[::10]:
                    sock.sendall(b" ")
        health.check()
    finally:
        for sock in socks:
            sock.close()


def test_readers_that_take_nothing_are_let_go(server):
    with open(server.path("f"), "wb") as f:
        f.truncate(1 << 30)
    execute(server, "true")
    before, rss = server.descriptors(), server.status("VmRSS")
    socks = [server.connect() for _ in range(50)]
    try:
        for sock in socks:
            sock.sendall(server.head("GET", "/download/f"))
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        assert execute(server, "echo others are served")["exit_code"] == 0
        assert server.status("VmRSS") < rss + (4 << 10) or server.sanitized, (rss, server.status("VmRSS"))
        # As long as docs/runtime.md says, and then some.
        until(lambda: server.descriptors() <= before, lambda: f"{server.descriptors()} descriptors, {before} before", 80)
    finally:
        for sock in socks:
            sock.close()


def test_five_hundred_at_once_and_thousands_in_a_row_leave_nothing(server):
    body = json.dumps({"command": "sh -c 'sleep 0.2; echo x'"}).encode()
    text = server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body
    execute(server, "true")
    before = server.descriptors()
    socks = [server.connect(3 * SOON) for _ in range(500)]
    for sock in socks:
        sock.sendall(text)
    for sock in socks:
        with sock:
            result = server.receive(sock)
            assert result.json.get("stdout") == "x\n", (result.status, result.json)
    text = server.head("POST", "/execute", {**JSON, "Content-Length": 18}) + b'{"command":"true"}'
    sizes = []
    with server.connect() as sock:
        for _ in range(2):
            for _ in range(1000):
                sock.sendall(text)
                assert server.receive(sock).json["exit_code"] == 0
            sizes.append(server.status("VmRSS"))
    assert server.sanitized or sizes[1] <= sizes[0] + 128, sizes
    until(lambda: server.descriptors() <= before, lambda: f"descriptors are given back: {server.descriptors()}, {before}")
    assert zombies(server) == []


def zombies(server):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                state, parent = f.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state == "Z" and parent == str(server.child.pid):
            found.append(pid)
    return found


def test_bombs_of_memory_and_descriptors_hurt_themselves_alone(server):
    if not os.path.exists("/usr/bin/python3"):
        raise Skip("needs python3 in the guest")
    with Health(server) as health:
        files = "import os,resource\nresource.setrlimit(resource.RLIMIT_NOFILE,(256,256))\ntry:\n while 1: os.dup(1)\nexcept OSError as e: print(e.errno)"
        assert execute(server, f'/usr/bin/python3 -c "{files}"', timeout=20)["stdout"] == "24\n"
        memory = "import resource\nresource.setrlimit(resource.RLIMIT_AS,(1<<28,1<<28))\nb=[]\nwhile 1: b.append(bytes(1<<20))"
        assert execute(server, f'/usr/bin/python3 -c "{memory}"', timeout=20)["exit_code"] == 1
    health.check()


def test_a_guest_cannot_trace_or_open_the_server(server):
    if os.geteuid() != 0:
        raise Skip("needs root")
    server.stop()
    server.__init__(["--exec-user", "65534:65534"])
    os.chmod(server.top, 0o755)
    server.start()
    pid = server.child.pid
    for command in (f"ls /proc/{pid}/fd", f"cat /proc/{pid}/environ", f"sh -c 'echo x > /proc/{pid}/mem'", f"kill -9 {pid}"):
        assert execute(server, command)["exit_code"] != 0, command
    server.check()
