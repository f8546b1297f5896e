# SPDX-License-Identifier: Apache-2.0
"""Commands and files on a server that behaves."""

import io
import json
import threading

import pytest
from agentic_sandbox import ExecutionResult, FileEntry, SandboxClosedError, SandboxPathError, SandboxRequestError
from agentic_sandbox.operations import Operations
from agentic_sandbox.tracing import NoTracer
from fakerouter import chunked, first, raw, response

ODD_NAMES = ["a b", "a%41b", "100%", "q?x=1", "h#x", "plus+plus", "semi;colon", 'quo"te', "back\\slash", "\\\"", "ü€😀", "-rf",
             "a&b=c", ".hidden", "a//b", "~", "deep/er/and/deeper", "x" * 200, "..x", "x..", "'", "a,b", " lead", "trail "]


def test_a_command_gives_output_and_exit_code(sandbox, router):
    assert sandbox.run("hello", timeout=2.2) == ExecutionResult("hello\n", "", 0)
    assert json.loads(router.requests[0].body.decode()) == {"command": "hello", "timeout": 3}
    assert router.requests[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("content", ["text ü", b"bytes \0\xff", bytearray(b"array"), memoryview(b"view"), "", b"", b"x" * 300000])
def test_files_are_written_and_read(sandbox, content):
    sandbox.write("folder/file", content)
    assert sandbox.read("folder/file") == (content.encode() if isinstance(content, str) else bytes(content))


def test_open_files_are_written_from_where_they_are(sandbox, router, tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789" * 100000)
    with open(str(tmp_path / "f"), "rb") as file:
        file.seek(5)
        sandbox.write("f", file)
    assert router.files["f"] == (b"0123456789" * 100000)[5:]


def test_what_is_no_content_is_refused_before_anything_is_sent(sandbox, router):
    for content in (None, 5, ["x"], {}):
        with pytest.raises(TypeError):
            sandbox.write("f", content)
    assert router.requests == []


def test_a_file_in_text_mode_is_refused_and_nothing_written(sandbox, router):
    with pytest.raises(TypeError):
        sandbox.write("f", io.StringIO("text"))
    assert router.files == {}


def test_an_error_of_the_users_own_file_is_told_as_it_is(sandbox, router):
    class Bad(io.RawIOBase):
        def readable(self):
            return True

        def read(self, count=-1):
            raise OSError(5, "the disk is broken")
    with pytest.raises(OSError, match="the disk is broken"):
        sandbox.write("f", Bad())
    assert router.files == {}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_arrive_as_they_are(sandbox, router, name):
    sandbox.write(name, name)
    assert list(router.files) == [name]
    assert sandbox.read(name) == name.encode() and sandbox.exists(name) and not sandbox.exists(name + "x")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a\0b", "a\nb", "a\r\nX: y", "\x7f",
                                  "\udc80", None, 5, b"bytes"])
def test_paths_that_leave_the_folder_are_refused_here(sandbox, router, name):
    for operation in (sandbox.read, sandbox.exists, sandbox.list, lambda path: sandbox.write(path, b"x"),
                      lambda path: sandbox.read_to(path, io.BytesIO())):
        with pytest.raises(SandboxPathError):
            operation(name)
    assert router.requests == []


def test_folders_are_listed(sandbox):
    sandbox.write("d/a", "12")
    assert sandbox.list("d") == [FileEntry("a", 2, "file", 1.5)]
    assert [entry.name for entry in sandbox.list()] == ["d/a"]


def test_a_missing_file_is_told_with_its_status(sandbox):
    with pytest.raises(SandboxRequestError) as raised:
        sandbox.read("none")
    assert (raised.value.status, raised.value.detail) == (404, "File not found")


def test_read_to_streams(sandbox, router):
    router.files["big"] = b"0123456789abcdef" * 65536 * 4
    target = io.BytesIO()
    assert sandbox.read_to("big", target) == 4 << 20 and target.getvalue() == router.files["big"]


def test_streams_come_event_by_event(sandbox):
    events = list(sandbox.run_stream("x"))
    assert [(e.type, e.data) for e in events[:-1]] == [("stdout", "0"), ("stdout", "1"), ("stdout", "2")]
    assert (events[-1].type, events[-1].exit_code) == ("done", 0)


def test_events_are_seen_before_the_command_ends(sandbox, router):
    go_on = threading.Event()

    def fault(connection, request, right):
        at = right.index(b"data: 1")
        connection.sendall(right[:at])
        assert go_on.wait(5)
        connection.sendall(right[at:])
    router.fault = fault
    events = sandbox.run_stream("x")
    assert next(events).data == "0"
    go_on.set()
    assert len(list(events)) == 3


def test_events_with_odd_lines(sandbox, router):
    router.fault = raw(chunked([
        b": a comment\n\n", b"data: of no type\n\n", b"event: news\ndata: unknown\n\n",
        b"event: stdout\r\ndata: a\r\ndata:b\r\ndata:  c \r\nid: 5\r\n\r\n", b"event: std", b"err\ndata: \xff\xfe\n", b"\n",
        b"event: stdout\ndata\n\n", b"event:done\ndata:{\"exit_code\":-9}\n\nevent: stdout\ndata: after\n\n"]))
    events = list(sandbox.run_stream("x"))
    assert [(e.type, e.data, e.exit_code) for e in events] == [
        ("stdout", "a\nb\n c ", None), ("stderr", "\ufffd\ufffd", None), ("stdout", "", None),
        ("done", '{"exit_code":-9}', -9)]


def test_a_stream_that_is_left_early_closes_its_connection(sandbox, router):
    events = sandbox.run_stream("x")
    next(events)
    events.close()
    assert sandbox.run("after").stdout == "after\n"


def test_connections_serve_again(sandbox, router):
    for i in range(5):
        sandbox.run(str(i))
        sandbox.write("f", b"x")
        sandbox.read("f")
        sandbox.list()
    assert len(router.open) == 1 and router.count("POST") == 10


def test_threads_share_a_client(sandbox, router):
    wrong = []

    def work(i):
        for j in range(20):
            said = sandbox.run("%d-%d" % (i, j)).stdout
            if said != "%d-%d\n" % (i, j):
                wrong.append(said)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == [] and router.count("POST") == 160


def test_commands_and_timeouts_that_are_none_are_refused(sandbox, router):
    for command in (None, b"ls", ["ls"]):
        with pytest.raises(TypeError):
            sandbox.run(command)
    for timeout in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError):
            sandbox.run("ls", timeout=timeout)
    assert router.requests == []


def test_a_client_that_is_not_open_says_so():
    closed = Operations(NoTracer())
    for operation in (lambda: closed.run("x"), lambda: closed.run_stream("x"), lambda: closed.read("x"),
                      lambda: closed.write("x", b""), lambda: closed.list(), lambda: closed.exists("x")):
        with pytest.raises(SandboxClosedError):
            operation()


def test_a_refusal_does_not_repeat_the_command(sandbox, router):
    router.fault = first(1, lambda c, r, right: c.sendall(response(422, {"detail": [
        {"type": "string_type", "loc": ["body", "command"], "msg": "Input should be a string", "input": "SECRET"}]})))
    with pytest.raises(SandboxRequestError) as raised:
        sandbox.run("SECRET")
    assert "SECRET" not in str(raised.value) and "should be a string" in str(raised.value)
