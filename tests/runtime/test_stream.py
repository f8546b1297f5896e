# SPDX-License-Identifier: Apache-2.0
"""POST /execute/stream: events as they come, and the end of them."""

import json
import socket
import struct
import time

from server import SOON, until
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


def test_a_silent_command_gets_keep_alives_and_ends_with_its_client(server):
    """A keep-alive comes every 15 s. One client goes away before the first, the other one after it."""
    server.check()
    before = server.descriptors()
    with begin(server, f"sleep {server.mark}") as sock:
        with begin(server, f"sleep {server.mark}") as gone:
            assert gone.recv(4096).startswith(b"HTTP/1.1 200")
            until(lambda: len(processes(server.mark)) == 2, "both run")
        sock.settimeout(6 * SOON)
        text = b""
        while b": keep-alive\n\n" not in text:
            piece = sock.recv(4096)
            assert piece, text
            text += piece
        until(lambda: len(processes(server.mark)) == 1, "the command of the first client ends", 6 * SOON)
    until(lambda: processes(server.mark) == [], "the command of the second client ends", 6 * SOON)
    until(lambda: server.descriptors() <= before, lambda: f"{server.descriptors()} descriptors, {before} before")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_reset_is_noticed_before_anything_is_written(server):
    """Half-closed clients wait for their responses; those that are reset get their descriptors back, and the command of
    /execute goes on."""
    with begin(server, f"sleep {server.mark}") as half:
        half.shutdown(socket.SHUT_WR)
        until(lambda: len(processes(server.mark)) == 1, "the command runs")
        before = server.descriptors()
        stream = begin(server, f"sleep {server.mark}")
        until(lambda: len(processes(server.mark)) == 2, "the second stream runs")
        reset(stream)
        until(lambda: len(processes(server.mark)) == 1, "the command of the stream ends")
        until(lambda: server.descriptors() == before, lambda: f"{server.descriptors()} descriptors, {before} before")

        body = json.dumps({"command": f"sleep {server.mark}"}).encode()
        text = server.head("POST", "/execute", {**JSON, "Content-Length": len(body)}) + body
        kept = server.connect()
        kept.sendall(text)
        until(lambda: len(processes(server.mark)) == 2, "the command runs")
        with_client = server.descriptors()
        reset(kept)
        until(lambda: server.descriptors() == with_client - 1, lambda: f"{server.descriptors()} of {with_client} descriptors")
        assert len(processes(server.mark)) == 2
        server.check()


def test_a_client_that_has_closed_its_own_end_gets_its_response(server):
    body = json.dumps({"command": "sh -c 'sleep 3; echo x'"}).encode()
    for target in ("/execute", "/execute/stream"):
        with server.connect(3 * SOON) as sock:
            sock.sendall(server.head("POST", target, {**JSON, "Content-Length": len(body)}) + body)
            sock.shutdown(socket.SHUT_WR)
            answer = server.receive(sock)
            assert answer.status == 200 and b"x" in answer.body, answer
