# SPDX-License-Identifier: Apache-2.0
"""GET /download, /list, /exists: what paths lead to, ranges, and that one bad entry spoils nothing."""

import ctypes
import json
import os
import socket
import threading
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from server import until

DENIED = (403, {"message": "Access denied"})
MISSING = (404, {"message": "File not found"})
DATA = b"0123456789"
NAMES = ("f.txt", "é😀.txt", "a b", 'q"u\\o\'te', "new\nline", "x%25y.txt", "x%y", "100%", "%2e%2e", "semi;colon", "plus+plus",
         "hash#", "\u202ertl", "n" * 255, "d/e/f.txt", "...", "back\\slash")


def download(server, path, **headers):
    return server.get(f"/download/{path}", **headers)


def gives(answer):
    return answer.status, answer.json


def gives_text(answer):
    return answer.status, answer.body.decode()


def test_files_come_under_their_names(server):
    for name in NAMES:
        server.write(name)
        answer = download(server, quote(name, safe=""))
        assert (answer.status, answer.body) == (200, DATA), (name, answer)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-length"] == "10"
        base = os.path.basename(name)
        want = f'attachment; filename="{base}"' if quote(base) == base else f"attachment; filename*=utf-8''{quote(base)}"
        assert answer.headers["content-disposition"] == want, answer
        assert gives(server.get(f"/exists/{quote(name, safe='')}")) == (200, {"path": name, "exists": True})


def test_old_clients_that_encode_twice_are_served(server):
    for name in ("a b", "d/e", "100%"):
        server.write(name)
        assert download(server, quote(quote(name, safe=""), safe="")).body == DATA, name
    server.write("x%20y", b"once")
    server.write("x y", b"twice")
    assert download(server, "x%2520y").body == b"once"
    assert download(server, "x%20y").body == b"twice"
    os.unlink(server.path("x%20y"))
    assert download(server, "x%2520y").body == b"twice"


def test_bytes_that_are_no_utf8_are_a_name_as_well(server):
    server.write(b"bad\xff")
    assert download(server, "bad%ff").body == DATA
    assert gives(server.get("/exists/bad%ff")) == (200, {"path": "bad\ufffd", "exists": True})
    assert [e["name"] for e in server.get("/list/").json] == ["bad\ufffd"]


def test_paths_are_below_the_base(server):
    server.write("d/f.txt")
    for path in ("/d/f.txt", "//d//f.txt", "./d/./f.txt", "d/../d/f.txt", "none/../d/f.txt", "d%2Ff.txt", "d/f.txt/"):
        assert download(server, path).body == DATA, path


def test_paths_out_of_the_base_are_refused(server):
    server.write("f")
    os.symlink("/etc", server.path("out"))
    os.symlink("../secret", server.path("up"))
    os.symlink("/proc/self/root", server.path("magic"))
    with open(os.path.join(server.top, "secret"), "w") as f:
        f.write("secret")
    for path in ("..", "../secret", "f/../../secret", "%2e%2e/secret", "..%2fsecret", "%252e%252e/secret", "..%252fsecret",
                 "out", "out/passwd", "up", "magic/etc/passwd", "%00", "f%00"):
        for kind in ("download", "list", "exists"):
            assert gives(server.get(f"/{kind}/{path}")) == DENIED, (kind, path)


def test_links_inside_work(server):
    server.write("d/f")
    os.symlink("d/f", server.path("file"))
    os.symlink("d", server.path("folder"))
    os.symlink(server.path("d"), server.path("absolute"))
    for path in ("file", "folder/f", "absolute/f"):
        assert download(server, path).body == DATA, path
        assert server.get(f"/exists/{path}").json["exists"] is True, path
    assert [e["name"] for e in server.get("/list/absolute").json] == ["f"]


def test_what_is_no_file_is_missing(server):
    server.write("d/f")
    os.mkfifo(server.path("fifo"))
    os.symlink("nothing", server.path("dangling"))
    os.symlink("loop", server.path("loop"))
    for path in ("", "d", "d/", "fifo", "dangling", "loop", "none", "none/x", "d/f/x", "n" * 256, "d/" * 3000, "%c0%ae%c0%ae/x"):
        assert gives(download(server, path)) == MISSING, path
    for path in ("dangling", "loop", "none", "n" * 256, "d/" * 3000):
        assert server.get(f"/exists/{path}").json["exists"] is False, path
    for path in ("", "d", "fifo"):
        assert server.get(f"/exists/{path}").json["exists"] is True, path


def test_a_range_is_honoured(server):
    server.write("f")
    for header, status, body, content_range in (
            ("bytes=0-0", 206, b"0", "bytes 0-0/10"), ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"), ("bytes=5-", 206, b"56789", "bytes 5-9/10"),
            ("bytes=0-100", 206, DATA, "bytes 0-9/10"), ("bytes=-100", 206, DATA, "bytes 0-9/10"),
            ("bytes=10-", 416, b"", "bytes */10"), ("bytes=-0", 416, b"", "bytes */10"),
            ("bytes=99999999999999999999-", 416, b"", "bytes */10"), ("bytes=5-2", 200, DATA, None),
            ("bytes=0-1,3-4", 200, DATA, None), ("items=0-1", 200, DATA, None), ("bytes=a", 200, DATA, None)):
        answer = download(server, "f", Range=header)
        assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, body, content_range), (header, answer)


def test_a_range_of_another_version_is_not_given(server):
    server.write("f")
    first = download(server, "f").headers
    for tag in (first["etag"], first["last-modified"]):
        assert download(server, "f", Range="bytes=0-1", If_Range=tag).status == 206, tag
    for tag in ('"other"', "W/" + first["etag"], "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert download(server, "f", Range="bytes=0-1", If_Range=tag).status == 200, tag
    server.write("f", b"abcdefghij")
    os.utime(server.path("f"), (1, 1))
    assert download(server, "f", Range="bytes=0-1", If_Range=first["etag"]).status == 200


def test_the_time_of_a_file_is_told(server):
    server.write("f")
    os.utime(server.path("f"), (1700000000.5, 1700000000.5))
    answer = download(server, "f")
    assert parsedate_to_datetime(answer.headers["last-modified"]).timestamp() == 1700000000
    assert server.get("/list/").json == [{"name": "f", "size": 10, "type": "file", "mod_time": 1700000000.5}]


def test_head_tells_what_get_would_send(server):
    server.write("d/f")
    for target in ("/download/d/f", "/list/d", "/exists/d/f", "/download/none"):
        get, head = server.get(target), server.request("HEAD", target)
        assert (head.status, head.body) == (get.status, b""), (target, head)
        for header in ("content-type", "content-disposition", "etag"):
            assert head.headers.get(header) == get.headers.get(header), (target, head)
    assert server.request("HEAD", "/download/d/f").headers["content-length"] == "10"


def test_an_empty_file_comes_empty(server):
    server.write("f", b"")
    answer = download(server, "f")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert download(server, "f", Range="bytes=0-").status == 416


def test_a_file_that_shrinks_ends_the_connection(server):
    size = 50 << 20
    with open(server.path("f"), "wb") as f:
        f.truncate(size)
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(server.head("GET", "/download/f"))
        got = len(sock.recv(10000))
        os.truncate(server.path("f"), 1000)
        try:
            while True:
                piece = sock.recv(1 << 20)
                if not piece:
                    break
                got += len(piece)
        except ConnectionResetError:
            pass
        assert got < size


def test_a_sparse_file_of_a_terabyte_is_begun(server):
    with open(server.path("f"), "wb") as f:
        f.truncate(1 << 40)
    answer = server.request("HEAD", "/download/f")
    assert answer.headers["content-length"] == str(1 << 40), answer
    assert download(server, "f", Range=f"bytes={(1 << 40) - 2}-").body == b"\0\0"


def test_a_list_tells_name_size_type_and_time(server):
    for name in NAMES:
        server.write(name)
    os.mkfifo(server.path("fifo"))
    os.symlink("nothing", server.path("dangling"))
    os.symlink("f.txt", server.path("link"))
    os.symlink("d", server.path("folder"))
    os.symlink("/etc", server.path("out"))
    entries = {e["name"]: e for e in server.get("/list/").json}
    assert set(entries) == set(os.listdir(server.base))
    for name, entry in entries.items():
        follow = name in ("link", "folder")
        info = os.stat(server.path(name), follow_symlinks=follow)
        assert entry == {"name": name, "size": info.st_size, "mod_time": info.st_mtime,
                         "type": "directory" if name in ("d", "folder") else "file"}, entry


def test_lists_of_the_base_and_of_folders(server):
    assert gives(server.get("/list/")) == (200, [])
    server.write("d/e/f")
    for path in ("", ".", "/"):
        assert [e["name"] for e in server.get(f"/list/{path}").json] == ["d"], path
    for path in ("d/e", "d/e/", "d%2Fe"):
        assert [e["name"] for e in server.get(f"/list/{path}").json] == ["f"], path
    for path in ("none", "d/e/f", "d/e/f/g"):
        assert gives(server.get(f"/list/{path}")) == (404, {"message": "Path is not a directory"}), path


def test_a_long_list_streams_and_others_are_answered(server):
    count = 20000
    for i in range(count):
        os.close(os.open(server.path(f"{i:06}" + "n" * 200), os.O_CREAT | os.O_WRONLY))
    before = server.status("VmRSS")
    with server.connect(60) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(server.head("GET", "/list/", {"Connection": "close"}))
        server.check()  # before anything of the list is read
        answer = server.receive(sock)
    assert len(json.loads(answer.body)) == count
    assert server.sanitized or server.status("VmRSS") - before < 4096


def test_entries_that_go_away_are_left_out(server):
    for i in range(3000):
        os.close(os.open(server.path(f"{i:06}"), os.O_CREAT | os.O_WRONLY))
    worker = threading.Thread(target=lambda: [os.unlink(server.path(f"{i:06}")) for i in range(3000)])
    worker.start()
    while worker.is_alive():
        answer = server.get("/list/")
        assert answer.status == 200 and isinstance(answer.json, list), answer
    worker.join()
    assert server.get("/list/").json == []


def test_descriptors_are_given_back(server):
    server.write("d/f")
    os.symlink("/etc", server.path("out"))
    server.check()
    before = server.descriptors()
    for path in ("d/f", "d", "out/x", "none", "d/f/x"):
        for kind in ("download", "list", "exists"):
            server.get(f"/{kind}/{path}")
    for _ in range(5):  # readers that leave
        with server.connect() as sock:
            sock.sendall(server.head("GET", "/download/d/f") + server.head("GET", "/list/d"))
    until(lambda: server.descriptors() <= before, lambda: os.listdir(f"/proc/{server.child.pid}/fd"))


def test_nothing_outside_is_read_while_links_change(server):
    """A folder and a link that leads outside change places as fast as they can."""
    os.mkdir(os.path.join(server.top, "outside"))
    for folder in (server.path("race"), os.path.join(server.top, "outside")):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "f"), "w") as f:
            f.write("inside" if folder == server.path("race") else "secret")
    os.symlink("../outside", server.path("link"))
    exchange, stop = ctypes.CDLL(None, use_errno=True).renameat2, threading.Event()
    names = [os.fsencode(server.path(n)) for n in ("race", "link")]

    def swap():
        while not stop.is_set():
            exchange(-100, names[0], -100, names[1], 2)
    worker = threading.Thread(target=swap)
    worker.start()
    try:
        seen = {gives_text(download(server, "race/f")) for _ in range(500)}
    finally:
        stop.set()
        worker.join()
    assert seen <= {(200, "inside"), (403, '{"message":"Access denied"}'), (404, '{"message":"File not found"}')}, seen
