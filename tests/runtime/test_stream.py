# SPDX-License-Identifier: Apache-2.0
"""POST /execute/stream: events as they come, and the end of them."""

import json
import time

from server import until
from test_execute import FAILED, JSON, processes


def begin(server, command, **more):
    body = json.dumps({"command": command, **more}).encode()
    sock = server.connect()
    sock.sendall(server.head("POST", "/execute/stream", {**JSON, "Content-Length": len(body)}) + body)
    return sock


def events(server, command, **more):
    with begin(server, command, **more) as sock:
        answer = server.receive(sock)
    assert answer.status == 200 and answer.headers["content-type"] == "text/event-stream; charset=utf-8", answer
    parts = answer.body.decode().split("\n\n")
    assert parts.pop() == "", answer
    found = []
    for part in parts:
        if not part.startswith(":"):
            name, *data = part.split("\n")
            assert name.startswith("event: ") and all(line.startswith("data: ") for line in data), part
            found.append((name[7:], *(line[6:] for line in data)))
    return found


def test_a_line_is_an_event_and_done_is_the_last(server):
    found = events(server, "sh -c 'echo a; echo; sleep 0.1; echo b >&2; exit 3'")
    assert found == [("stdout", "a"), ("stdout", ""), ("stderr", "b"), ("done", '{"exit_code": 3}')], found


def test_carriage_returns_make_lines_of_one_event(server):
    assert events(server, "printf 'a\\r\\nb\\rc\\nd\\r\\r\\ne'") == [
        ("stdout", "a"), ("stdout", "b", "c"), ("stdout", "d", ""), ("stdout", "e"), ("done", '{"exit_code": 0}')]


def test_a_line_that_does_not_end_goes_out_soon(server):
    with begin(server, f"sh -c 'printf abc; sleep {server.mark}'") as sock:
        text = b""
        while b"data: abc\n\n" not in text:  # the command goes on for longer than the socket waits
            text += sock.recv(4096)


def test_a_long_line_goes_out_in_pieces(server):
    found = events(server, "sh -c 'head -c 200000 /dev/zero | tr \"\\0\" x; echo'")
    assert "".join(e[1] for e in found[:-1]) == "x" * 200000
    assert all(len(e[1]) <= 65536 + 4 for e in found)


def test_a_timeout_is_an_error_and_124(server):
    assert events(server, f"sh -c 'echo a; setsid sleep {server.mark}'", timeout=1) == [
        ("stdout", "a"), ("error", "Command timed out after 1 seconds"), ("done", '{"exit_code": 124}')]
    assert processes(server.mark) == []


def test_what_cannot_run_is_an_error_and_1(server):
    assert events(server, "nosuch") == [("error", FAILED + "[Errno 2] No such file or directory: 'nosuch'"),
                                        ("done", '{"exit_code": 1}')]


def test_a_slow_reader_makes_the_command_wait(server):
    with begin(server, f"yes {server.mark}") as sock:
        sock.recv(1000)
        time.sleep(1)
        assert server.sanitized or server.status("VmRSS") < 100 * 1024, server.status("VmRSS")
        server.check()
    until(lambda: processes(server.mark) == [], "a reader that goes away ends the command")
