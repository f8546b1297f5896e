# SPDX-License-Identifier: Apache-2.0
"""POST /upload: what becomes a file, what is refused and how, and that nothing is torn or left behind."""

import os
import re
import subprocess
import threading

from forms import BOUNDARY, END, FILE, TYPE, named, part, upload
from server import Skip, until

MISSING = {"detail": [{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": None}]}


def expect(answer, status, body):
    assert (answer.status, answer.json) == (status, body), answer


def refused(server, form, status, body, kind=TYPE):
    expect(upload(server, form, kind), status, body)
    assert os.listdir(server.base) == [], os.listdir(server.base)


def test_a_file_lands_with_its_bytes(server):
    data = bytes(range(256)) * 1000
    expect(upload(server, named("a.txt", data)), 200, {"message": "File 'a.txt' uploaded successfully."})
    assert server.read("a.txt") == data
    assert os.stat(server.path("a.txt")).st_mode & 0o7777 == 0o644
    assert os.listdir(server.base) == ["a.txt"]


def test_names_are_kept_as_they_are(server):
    for name in ("a b", "é😀.txt", 'q"u\\o\'te', "100%", "x%25y.txt", "semi;colon", "\u202ertl", "n" * 255, "-rf", "~"):
        expect(upload(server, named(name)), 200, {"message": f"File '{name}' uploaded successfully."})
        assert server.read(name) == b"hi", name


def test_folders_on_the_way_are_made(server):
    expect(upload(server, named("d/e/f.txt")), 200, {"message": "File 'd/e/f.txt' uploaded successfully."})
    assert server.read("d/e/f.txt") == b"hi"


def test_an_absolute_name_is_below_the_base(server):
    expect(upload(server, named("/abs.txt")), 200, {"message": "File '/abs.txt' uploaded successfully."})
    assert server.read("abs.txt") == b"hi"


def test_the_name_may_come_in_other_forms(server):
    for parameters, name in ((b"name=file; filename=plain", "plain"), (b'NAME="file"; FileName="case"', "case"),
                             (b'name="file"; filename="C:\\tmp\\w.txt"', "w.txt"),
                             (b"name=\"file\"; filename*=utf-8''%e2%82%ac", "€"),
                             (b'name="file"; filename="\xe9"', "é"),
                             (b"name=\"file\"; filename=\"x\"; filename*=utf-8''y", "x")):
        expect(upload(server, part(parameters) + END), 200, {"message": f"File '{name}' uploaded successfully."})
        assert server.read(name) == b"hi", name


def test_names_that_lead_outside_are_refused(server):
    os.symlink("/etc", server.path("out"))
    os.symlink("../beside", server.path("dangling"))
    os.symlink("/proc/self/root", server.path("magic"))
    before = sorted(os.listdir(server.base))
    for name in ("../x", "..", "a/../../x", "..%2fx", "%2e%2e/x", "out/x", "out/passwd", "dangling", "magic/tmp/x", b"a\0b"):
        expect(upload(server, named(name)), 403, {"message": "Access denied"})
    assert sorted(os.listdir(server.base)) == before
    assert sorted(os.listdir(server.top)) == ["base", "log"]


def test_what_is_no_regular_file_is_left_alone(server):
    os.mkfifo(server.path("fifo"))
    os.mkdir(server.path("d"))
    expect(upload(server, named("fifo")), 500,
           {"message": f"File upload failed: [Errno 17] File exists: '{server.base}/fifo'"})
    for name in ("d", "d/"):
        expect(upload(server, named(name)), 500,
               {"message": f"File upload failed: [Errno 21] Is a directory: '{server.base}/d'"})
    for name in ("", ".", "/"):
        expect(upload(server, named(name)), 500,
               {"message": f"File upload failed: [Errno 21] Is a directory: '{server.base}'"})
    assert sorted(os.listdir(server.base)) == ["d", "fifo"]


def test_names_too_long_are_told(server):
    for name in ("n" * 256, "d/" * 3000 + "x"):
        answer = upload(server, named(name))
        assert answer.status == 500, answer
        assert answer.json["message"].startswith("File upload failed: [Errno 36] File name too long"), answer


def test_a_link_inside_stays_a_link(server):
    server.write("d/target", b"old")
    os.symlink("d/target", server.path("link"))
    assert upload(server, named("link", b"new")).status == 200
    assert os.readlink(server.path("link")) == "d/target"
    assert server.read("d/target") == b"new"


def test_another_name_of_the_file_keeps_its_bytes(server):
    server.write("a", b"old")
    os.link(server.path("a"), server.path("b"))
    assert upload(server, named("a", b"new")).status == 200
    assert (server.read("a"), server.read("b")) == (b"new", b"old")


def test_the_mode_of_a_file_stays(server):
    server.write("run.sh", b"old")
    os.chmod(server.path("run.sh"), 0o755)
    assert upload(server, named("run.sh", b"new")).status == 200
    assert os.stat(server.path("run.sh")).st_mode & 0o7777 == 0o755


def test_the_last_part_named_file_counts(server):
    form = part(data=b"one") + part(b'name="file"; filename="b.txt"', b"two") + END
    expect(upload(server, form), 200, {"message": "File 'b.txt' uploaded successfully."})
    assert os.listdir(server.base) == ["b.txt"]
    assert upload(server, part(b'name="file"', b"text") + part() + END).status == 200


def test_other_parts_are_ignored(server):
    form = part(b'name="x"', b"1" * 3000000) + part() + part(b'name="y"; filename="y"') + END + b"more"
    assert upload(server, form).status == 200
    assert os.listdir(server.base) == ["a.txt"]


def test_a_form_without_the_file_is_422(server):
    for form in (b"", END, part(b'name="x"') + END, part(), part()[:-1], part()[:-20]):
        refused(server, form, 422, MISSING)
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=xBOUNDx", None):
        refused(server, part() + END, 422, MISSING, kind)


def test_a_text_where_the_file_should_be_is_422(server):
    body = {"detail": [{"type": "value_error", "loc": ["body", "file"], "input": "hi", "ctx": {"error": {}},
                        "msg": "Value error, Expected UploadFile, received: <class 'str'>"}]}
    refused(server, part(b'name="file"') + END, 422, body)
    refused(server, part(data=b"one") + part(b'name="file"') + END, 422, body)


def test_what_is_no_form_is_400(server):
    invalid = {"detail": "Invalid multipart data."}
    nameless = {"detail": 'The Content-Disposition header field "name" must be provided.'}
    form = part() + END
    refused(server, form.replace(b"\r\n", b"\n"), 400, invalid)
    refused(server, b"before\r\n" + form, 400, invalid)
    refused(server, form.replace(BOUNDARY, BOUNDARY + b"  "), 400, invalid)
    refused(server, part(extra=b"no colon\r\n") + END, 400, invalid)
    refused(server, part(FILE.replace(b"; ", b";\r\n ")) + END, 400, invalid)
    refused(server, part(extra=b"X: " + b"x" * 20000 + b"\r\n") + END, 400, invalid)
    refused(server, part(b'filename="x"') + END, 400, nameless)
    refused(server, b"--" + BOUNDARY + b"\r\n\r\nx\r\n" + END, 400, nameless)
    refused(server, part(b'name="x"') * 1001 + END, 400,
            {"detail": "Too many parts. Maximum number of parts is 1000."})
    refused(server, form, 400, {"detail": "Missing boundary in multipart."}, "multipart/form-data")
    refused(server, form, 400, invalid, "multipart/form-data; boundary=")
    refused(server, form, 400, invalid, "multipart/form-data; boundary=" + "b" * 10000)


def test_a_boundary_inside_is_data(server):
    data = b"\r\n--xBOUND\r\n--xBOUNDxx\r\n\r--xBOUNDx\r\r\n-\r\n--xBOUNDx\rx\r\n--xBOUNDx-x"
    assert upload(server, named("a", data)).status == 200
    assert server.read("a") == data


def receiving(server):
    """How many bytes each file has that is being received."""
    folder, sizes = f"/proc/{server.child.pid}/fd", []
    for name in os.listdir(folder):
        try:
            if re.match(re.escape(server.base) + r"/(#|\.upload-)", os.readlink(f"{folder}/{name}")):
                sizes.append(os.stat(f"{folder}/{name}").st_size)
        except FileNotFoundError:
            pass
    return sizes


def test_a_client_that_goes_away_leaves_nothing(server):
    server.write("a.txt", b"old")
    form = part(data=b"new" * 100000)
    for data in (1000, 300000):
        with server.connect() as sock:
            sock.sendall(server.head("POST", "/upload", {"Content-Type": TYPE, "Content-Length": 10 ** 9})
                         + form[:len(form) - 300002 + data])
            until(lambda: receiving(server) == [data], lambda: f"it has received {data}: {receiving(server)}")
        until(lambda: receiving(server) == [], "the upload is forgotten")
    assert os.listdir(server.base) == ["a.txt"]
    assert server.read("a.txt") == b"old"


def test_the_old_file_stands_until_the_new_one_is_whole(server):
    server.write("a.txt", b"old")
    form = part(data=b"new" * 100000) + END
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/upload", {"Content-Type": TYPE, "Content-Length": len(form)}) + form[:-1])
        server.check()
        assert server.read("a.txt") == b"old"
        sock.sendall(form[-1:])
        assert server.receive(sock).status == 200
    assert server.read("a.txt") == b"new" * 100000


def test_uploads_at_once_are_never_mixed(server):
    texts = [bytes([ord("a") + i]) * 300000 for i in range(4)]
    workers = [threading.Thread(target=lambda t=t: [upload(server, named("a", t)) for _ in range(10)]) for t in texts]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        try:
            assert server.read("a") in texts
        except FileNotFoundError:
            pass
    assert os.listdir(server.base) == ["a"]


def test_chunked_bodies_are_taken(server):
    form = named("a", b"x" * 100000)
    pieces = [form[i:i + 7000] for i in range(0, len(form), 7000)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/upload", {"Content-Type": TYPE, "Transfer-Encoding": "chunked"}) + body)
        assert server.receive(sock).status == 200
    assert server.read("a") == b"x" * 100000


def test_a_large_file_takes_no_memory(server):
    size, block = 200 << 20, os.urandom(1 << 20)
    start, end = named("a", b"|").split(b"|")
    with server.connect(60) as sock:
        length = len(start) + len(end) + size
        sock.sendall(server.head("POST", "/upload", {"Content-Type": TYPE, "Content-Length": length}) + start)
        for _ in range(size >> 20):
            sock.sendall(block)
        sock.sendall(end)
        assert server.receive(sock).status == 200
    assert os.path.getsize(server.path("a")) == size
    assert server.sanitized or server.status("VmHWM") <= 8192, server.status("VmHWM")


def test_a_file_belongs_to_whom_its_folder_belongs(server):
    if os.geteuid() != 0:
        raise Skip("needs root, to give files away")
    os.chown(server.base, 12345, 12346)
    assert upload(server, named("d/e/f")).status == 200
    assert upload(server, named("d/e/f")).status == 200
    for name in ("d", "d/e", "d/e/f"):
        info = os.stat(server.path(name))
        assert (info.st_uid, info.st_gid) == (12345, 12346), (name, info)


def test_a_full_disk_is_told_and_the_old_file_stays(server):
    folder = server.path("small")
    os.mkdir(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True).returncode != 0:
        raise Skip("needs the right to mount a tmpfs")
    try:
        server.write("small/a", b"old")
        expect(upload(server, named("small/a", b"x" * 1000000)), 500,
               {"message": "File upload failed: [Errno 28] No space left on device"})
        assert server.read("small/a") == b"old"
        assert os.listdir(folder) == ["a"]
        assert upload(server, named("small/a", b"x" * 10000)).status == 200
    finally:
        subprocess.run(["umount", folder], check=True)
