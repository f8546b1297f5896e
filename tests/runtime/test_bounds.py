# SPDX-License-Identifier: Apache-2.0
"""What a file system, a head or a body may cost: the health check goes on, memory and threads are bounded."""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import threading

from forms import TYPE, named, upload
from server import SOON, Server, Skip, until
from test_execute import JSON, execute

WORKERS = 8  # WORK_THREADS in runtime/http/work.h
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE, MNT_DETACH = -100, 2, 2


@contextlib.contextmanager
def hung(server, name="hung"):
    """A file system that never answers: a FUSE mount whose program reads nothing. Ends all waits at its end."""
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError as e:
        raise Skip(f"needs /dev/fuse: {e}") from None
    folder = server.path(name)
    os.makedirs(folder)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    if LIBC.mount(b"none", folder.encode(), b"fuse", 0, options) != 0:
        os.close(fuse)
        raise Skip(f"needs the right to mount a FUSE file system: {os.strerror(ctypes.get_errno())}")
    release = threading.Event()
    try:
        yield lambda: (release.set(), os.close(fuse))
    finally:
        if not release.is_set():
            os.close(fuse)
        LIBC.umount2(folder.encode(), MNT_DETACH)


def ask(server, method, target, body=b"", headers=()):
    """Sends a request; the socket, to be read later."""
    sock = server.connect(60)
    sock.sendall(server.head(method, target, {**({"Content-Length": len(body)} if body else {}), **dict(headers)}) + body)
    return sock


def send_all_kinds(server):
    form = named("hung/f")
    return [ask(server, "GET", "/download/hung/f"), ask(server, "GET", "/list/hung/d"), ask(server, "GET", "/exists/hung/f"),
            ask(server, "HEAD", "/download/hung/f"), ask(server, "GET", "/list/hung%2Fd/"), ask(server, "GET", "/exists/hung/a/b"),
            ask(server, "POST", "/upload", form, {"Content-Type": TYPE}), ask(server, "POST", "/upload", form, {"Content-Type": TYPE})]


def test_a_file_system_that_hangs_stops_nothing_but_what_asks_for_it(server):
    server.write("f")
    with hung(server) as release:
        stuck = send_all_kinds(server)
        assert len(stuck) == WORKERS
        try:
            for _ in range(5):
                assert server.get("/").status == 200
                assert execute(server, "echo x")["stdout"] == "x\n"
            # All threads wait: what comes now is refused, and told when to come again.
            answer = server.get("/download/f")
            assert answer.status == 503 and int(answer.headers["retry-after"]) > 0, answer
            for sock, method in zip(stuck, ("GET", "GET", "GET", "HEAD", "GET", "GET", "POST", "POST")):
                answer = server.receive(sock, method)
                assert answer.status == 504 and int(answer.headers["retry-after"]) > 0, (method, answer)
            assert server.get("/").status == 200
            release()
            until(lambda: server.get("/download/f").status == 200, "files are served again", 3 * SOON)
            assert upload(server, named("g")).status == 200
        finally:
            for sock in stuck:
                sock.close()


def test_a_hung_file_system_does_not_hold_up_the_end(server):
    with hung(server):
        socks = send_all_kinds(server)
        server.get("/")
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(server.patience) == 0
        for sock in socks:
            sock.close()
    server.stop()
    server.__init__()
    server.start()


def test_clients_that_go_leave_the_queue_of_a_hung_file_system(server):
    server.write("f")
    server.check()
    before = server.descriptors()
    with hung(server) as release:
        stuck = send_all_kinds(server)
        for _ in range(200):
            ask(server, "GET", "/download/f").close()
        for sock in stuck:
            sock.close()
        release()
        until(lambda: server.get("/download/f").status == 200, "files are served again", 3 * SOON)
        until(lambda: server.descriptors() <= before, lambda: f"{server.descriptors()} descriptors, {before} before", 3 * SOON)


def test_chains_of_links_at_the_bottom_of_deep_folders_are_bounded(server):
    """Each link is read from the top again: forty of them are 80,000 names."""
    deep = "/".join(["d"] * 1900)
    at = os.open(server.base, os.O_PATH)
    for _ in range(1900):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_PATH, dir_fd=at)
        os.close(at)
        at = below
    for chain in range(8):
        for i in range(39):
            os.symlink(os.path.join(server.base, deep, f"l{chain}-{i + 1}")[:4095], f"l{chain}-{i}", dir_fd=at)
    os.close(at)
    with ask(server, "GET", f"/list/{deep}", headers={"Connection": "close"}) as sock:
        for _ in range(5):
            assert server.get("/").status == 200
        answer = server.receive(sock)
    assert answer.status == 200 and len(answer.json) == 8 * 39
    subprocess.run(["rm", "-rf", server.path("d")], check=True)


def test_files_under_a_lease_are_told_to_be_busy(server):
    server.write("f")
    with open(server.path("f"), "r+b") as f:
        try:
            old = signal.signal(signal.SIGIO, signal.SIG_IGN)
            fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as e:
            raise Skip(f"needs leases: {e}") from None
        try:
            answer = server.get("/download/f")
            assert answer.status == 503 and int(answer.headers["retry-after"]) > 0, answer
        finally:
            fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            signal.signal(signal.SIGIO, old)
    assert server.get("/download/f").status == 200


def test_folders_that_change_places_with_a_private_one_are_not_given_away(server):
    """The guest owns the base, and puts a folder of root's where an upload has just made one."""
    if os.geteuid() != 0:
        raise Skip("needs root, to own the private folder")
    os.chown(server.base, 12345, 12345)
    os.mkdir(server.path("private"), 0o700)
    private = os.open(server.path("private"), os.O_RDONLY)
    new, old = server.path("new").encode(), server.path("private").encode()
    over, turn = threading.Event(), threading.Semaphore(0)

    def exchange():
        while turn.acquire() and not over.is_set():
            while not over.is_set() and LIBC.renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE) != 0:
                pass
    try:
        for _ in range(200):
            over.clear()
            guest = threading.Thread(target=exchange)
            guest.start()
            turn.release()
            upload(server, named("new/f"))
            over.set()
            turn.release()
            guest.join()
            info = os.fstat(private)
            assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (0, 0, 0o700), info
            if os.stat(new).st_ino == info.st_ino:
                LIBC.renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE)
            shutil.rmtree(server.path("new"))
            while turn.acquire(blocking=False):
                pass
    finally:
        over.set()
        turn.release()
        os.close(private)


def test_a_folder_that_becomes_a_link_during_an_upload_leads_nowhere(server):
    os.mkdir(os.path.join(server.top, "outside"))
    os.mkdir(server.path("d"))
    os.symlink("../outside", server.path("link"))
    over = threading.Event()

    def exchange():
        while not over.is_set():
            LIBC.renameat2(AT_FDCWD, server.path("d").encode(), AT_FDCWD, server.path("link").encode(), RENAME_EXCHANGE)
    guest = threading.Thread(target=exchange)
    guest.start()
    try:
        for i in range(300):
            assert upload(server, named(f"d/e{i}/f")).status in (200, 403, 500)
    finally:
        over.set()
        guest.join()
    assert os.listdir(os.path.join(server.top, "outside")) == []


def test_requests_that_the_library_drops_leave_no_memory(server):
    """It tells nothing of the end of those whose query has too many members for its room."""
    query = b"GET /?" + b"a=b&" * 7000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"

    def drop():
        socks = [server.connect() for _ in range(100)]
        for sock in socks:
            sock.sendall(query)
        for sock in socks:
            with sock, contextlib.suppress(ConnectionError):
                assert not sock.recv(1000).startswith(b"HTTP/1.1 200")
    drop()
    before = server.status("VmRSS")
    for _ in range(3):
        drop()
    assert server.sanitized or server.status("VmRSS") < before + 2048, (before, server.status("VmRSS"))


def test_large_keys_of_an_environment_are_a_422(server):
    for environment in ({"k" * 2000000: 1}, {f"{i}" + "k" * 20000: 1 for i in range(100)}, {"\x01" * 300000: 1},
                        {f"{i}": ["v" * 60000] for i in range(100)}, {f"{i}": ["\x01" * 10000] for i in range(110)}):
        body = json.dumps({"command": "true", "env": environment}).encode()
        answer = server.request("POST", "/execute", body, JSON)
        assert answer.status == 422 and answer.json["detail"][0]["type"] == "string_type", (answer.status, answer.body[:200])


def restart_with_descriptors(server, count):
    server.stop()
    server.__init__()
    server.prefix = ["sh", "-c", f'ulimit -n {count}; exec "$0" "$@"'] + Server.prefix
    server.start()


def test_slow_bodies_leave_room_for_others(server):
    """More of them than there may be connections, on a route that takes a body, one that does not, and none."""
    restart_with_descriptors(server, 256)
    for method, target, headers in (("GET", "/", {}), ("POST", "/execute", JSON), ("POST", "/none", JSON),
                                    ("POST", "/upload", {"Content-Type": TYPE}), ("GET", "/download/f", {})):
        slow = []
        try:
            for _ in range(300):
                sock = server.connect()
                slow.append(sock)
                sock.sendall(server.head(method, target, {**headers, "Content-Length": 20000}) + b"x")
            for _ in range(20):
                answer = until(lambda: server.get("/"), "an answer")
                assert answer.status == 200, (method, target, answer)
        finally:
            for sock in slow:
                sock.close()


def test_a_few_descriptors_are_enough(server):
    restart_with_descriptors(server, 64)
    server.write("f")
    idle = [server.connect() for _ in range(100)]
    try:
        until(lambda: server.get("/").status == 200, "somebody new is served")
        assert execute(server, "echo x")["stdout"] == "x\n"
        assert server.get("/download/f").body == b"0123456789"
        assert upload(server, named("g")).status == 200
    finally:
        for sock in idle:
            sock.close()


def test_large_bodies_that_wait_share_one_budget(server):
    """Each brings all but the last byte of 8 MiB. They are cut, or refused, but a small command still runs."""
    execute(server, "true")
    before, size = server.status("VmRSS"), 8 << 20
    socks = []
    try:
        for _ in range(60):
            sock = server.connect()
            socks.append(sock)
            with contextlib.suppress(ConnectionError):
                sock.sendall(server.head("POST", "/execute", {**JSON, "Content-Length": size}) + b" " * (size - 1))
        assert server.get("/").status == 200
        assert execute(server, "echo x")["stdout"] == "x\n"
        grown = server.status("VmHWM") - before
        assert server.sanitized or grown < 2 * (64 << 10), grown
    finally:
        for sock in socks:
            sock.close()


BLOCKS = 64 << 10  # kB: BLOCKS_MAX in runtime/http/server-private.h
CLIENTS = 2500     # connections whose heads would need four times as much


def send_from_many(server, text, answered=False):
    """How much memory the server needs at most when each of CLIENTS connections has sent the text and stays."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files[1] < 3 * CLIENTS:
        raise Skip(f"needs {3 * CLIENTS} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], 3 * CLIENTS), files[1]))
    socks = []
    try:
        restart_with_descriptors(server, 3 * CLIENTS)
        assert server.get("/").status == 200
        before = server.status("VmRSS")
        for _ in range(CLIENTS):
            sock = server.connect()
            socks.append(sock)
            with contextlib.suppress(ConnectionError):
                sock.sendall(text)
                if answered:
                    assert server.receive(sock).status == 200
        for _ in range(5):
            assert server.get("/").status == 200
        return server.status("VmHWM") - before
    finally:
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


def long_head(count, ends):
    return server_head({f"X-{i}": "a" * 1200 for i in range(count)}, ends)


def server_head(headers, ends):
    return Server.head("POST", "/execute", {"Content-Length": 10, **JSON, **headers})[:None if ends else -2]


def test_heads_that_do_not_end_share_one_budget(server):
    grown = send_from_many(server, long_head(95, False))
    assert server.sanitized or grown < 2 * BLOCKS, grown


def test_heads_whose_bodies_do_not_come_share_one_budget(server):
    grown = send_from_many(server, long_head(50, True))
    assert server.sanitized or grown < 2 * BLOCKS, grown


def test_connections_that_are_idle_after_a_request_share_one_budget(server):
    grown = send_from_many(server, Server.head("GET", "/"), answered=True)
    assert server.sanitized or grown < 2 * BLOCKS, grown


def test_connections_that_have_sent_nothing_cost_little_and_stay(server):
    grown = send_from_many(server, b"")
    assert server.sanitized or grown < CLIENTS * 4, grown


def test_the_largest_head_is_served(server):
    """The longest target, and a hundred lines of the largest size together, again and again on one connection."""
    line = (64 << 10) // 100 - len("X-NN: \r\n")
    headers = {"Content-Type": "a/b", **{f"X-{i:02}": "a" * (line - 2) for i in range(98)}}
    text = server.head("GET", "/" + "a" * ((32 << 10) - 1), headers)
    with server.connect() as sock:
        for _ in range(3):
            sock.sendall(text)
            answer = server.receive(sock)
            assert answer.status == 404 and answer.json == {"detail": "Not Found"}, answer


def test_a_body_that_nobody_wants_has_an_end(server):
    with server.connect() as sock:
        sock.sendall(server.head("GET", "/", {"Content-Length": 1 << 40}))
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                sock.sendall(b"x" * (1 << 20))
            raise AssertionError("64 MiB of it were read")
    assert server.request("GET", "/", b"x" * 1000).status == 200
