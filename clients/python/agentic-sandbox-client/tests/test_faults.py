# SPDX-License-Identifier: Apache-2.0
"""Routers and sandboxes that are killed, slow, or lie. Each gives an error with a type, in its time; no POST is ever
sent twice; GETs are."""

import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from agentic_sandbox import (
    SandboxConnectionError,
    SandboxError,
    SandboxProtocolError,
    SandboxRequestError,
    SandboxTimeoutError,
)
from conftest import Plain
from fakerouter import (
    answer,
    chunked,
    drip,
    end_after,
    endless,
    first,
    raw,
    reset,
    reset_after,
    response,
    silent,
)

NOT_SENT = ["X-Sandbox-Not-Sent: true"]
RIGHT = len(response(200, {"stdout": "x\n", "stderr": "", "exit_code": 0}))


# ---- POST: once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [reset_after, end_after])
def test_a_post_whose_answer_breaks_at_any_byte_is_sent_once(sandbox, router, fault):
    for at in range(RIGHT):
        router.fault = fault(at)
        router.requests.clear()
        with pytest.raises(SandboxConnectionError) as raised:
            sandbox.run("x")
        assert raised.value.sent and router.count("POST") == 1, at
    router.fault = None
    assert sandbox.run("x").stdout == "x\n"


@pytest.mark.parametrize("status", [301, 307, 308, 400, 404, 408, 409, 421, 425, 429, 500, 502, 503, 504])
def test_a_post_that_is_refused_is_sent_once(sandbox, router, within, status):
    router.fault = answer(status, {"detail": "no"}, ["Retry-After: 1", "Location: /execute"])
    for ask in (lambda: sandbox.run("x"), lambda: sandbox.write("f", b"x"), lambda: sandbox.run_stream("x")):
        router.requests.clear()
        with within(1), pytest.raises(SandboxRequestError) as raised:
            ask()
        assert raised.value.status == status and raised.value.sent and router.count("POST") == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_post_that_did_not_reach_the_sandbox_is_sent_again(sandbox, router, status):
    router.fault = first(2, answer(status, {"detail": "not there yet"}, NOT_SENT + ["Retry-After: 1"]))
    assert sandbox.run("x", timeout=5).stdout == "x\n" and router.count("POST") == 3


def test_a_post_that_never_reaches_the_sandbox_ends_with_the_routers_words(sandbox, router, within):
    router.fault = answer(503, {"detail": "not ready"}, NOT_SENT)
    with within(7), pytest.raises(SandboxRequestError) as raised:
        sandbox.run("x", timeout=1)
    assert (raised.value.status, raised.value.detail, raised.value.sent) == (503, "not ready", False)


@pytest.mark.parametrize("status, headers", [(500, NOT_SENT), (404, NOT_SENT), (307, NOT_SENT),
                                             (503, ["X-Sandbox-Not-Sent: 1"]), (503, ["X-Sandbox-Not-Sent: false"])])
def test_not_sent_is_believed_from_a_router_alone(sandbox, router, status, headers):
    router.fault = answer(status, b"", headers)
    with pytest.raises(SandboxRequestError):
        sandbox.run("x")
    assert router.count("POST") == 1


def test_without_a_router_a_sandbox_cannot_say_not_sent(router):
    router.fault = answer(503, b"", NOT_SENT)
    with pytest.raises(SandboxRequestError) as raised:
        Plain(router.url, routed=False).run("x")
    assert raised.value.sent and router.count("POST") == 1


def test_a_closed_port_is_tried_until_it_opens(within):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % held.getsockname()[1]
        with within(7), pytest.raises(SandboxConnectionError) as raised:
            Plain(url).run("x", timeout=1)
        assert not raised.value.sent


def test_a_connection_that_was_closed_meanwhile_is_not_used(sandbox, router):
    for _ in range(20):
        assert sandbox.run("x").stdout == "x\n"
        router.cut()
        time.sleep(0.01)
    assert router.count("POST") == 20


def test_what_arrives_unasked_ends_a_connection(sandbox, router):
    forged = response(200, {"stdout": "forged", "stderr": "", "exit_code": 0})
    router.fault = lambda connection, request, right: connection.sendall(right + forged)
    for i in range(10):
        assert sandbox.run(str(i)).stdout == "%d\n" % i


def test_a_silent_server_costs_the_time_that_was_given(sandbox, router, within):
    router.fault = silent
    with within(7), pytest.raises(SandboxTimeoutError):
        sandbox.run("x", timeout=1)
    with within(2), pytest.raises(SandboxTimeoutError):
        sandbox.write("f", b"x", timeout=1)
    assert router.count("POST") == 2


@pytest.mark.parametrize("start", [0, 12, 40, 80])
def test_a_byte_now_and_then_does_not_make_more_time(sandbox, router, within, start):
    router.fault = drip(0.3, start)
    with within(1.5), pytest.raises(SandboxTimeoutError):
        sandbox.write("f", b"x", timeout=1)
    with within(1.5), pytest.raises(SandboxTimeoutError):
        sandbox.exists("f", timeout=1)
    assert router.count("POST") == 1


def test_a_server_that_does_not_read_costs_the_time_that_was_given(within):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with within(2), pytest.raises(SandboxTimeoutError):
            Plain("http://127.0.0.1:%d" % listener.getsockname()[1]).write("f", b"x" * (64 << 20), timeout=1)


def test_a_refusal_in_the_middle_of_an_upload_is_heard():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    served = []

    def serve():
        connection, _ = listener.accept()
        served.append(connection.recv(1000))
        connection.sendall(response(413, {"detail": "too large"}, ["Connection: close"]))
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        connection.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises((SandboxRequestError, SandboxConnectionError)) as raised:
        Plain("http://127.0.0.1:%d" % listener.getsockname()[1]).write("f", b"x" * (32 << 20), timeout=10)
    assert getattr(raised.value, "status", 413) == 413 and len(served) == 1
    listener.close()


def test_success_before_the_upload_ended_is_not_believed(within):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)

    def serve():
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(response(200, {"message": "thanks"}))
        reset(connection)
    threading.Thread(target=serve, daemon=True).start()
    with within(5), pytest.raises(SandboxConnectionError):
        Plain("http://127.0.0.1:%d" % listener.getsockname()[1]).write("f", b"x" * (32 << 20), timeout=10)
    listener.close()


def test_a_pipe_is_not_sent_a_second_time_without_its_beginning(sandbox, router, within):
    router.fault = first(1, answer(503, b"", NOT_SENT))
    process = subprocess.Popen([sys.executable, "-c", "print('x' * 100)"], stdout=subprocess.PIPE)
    with within(2), pytest.raises(ValueError, match="second time"):
        sandbox.write("f", process.stdout)
    process.stdout.close()
    process.wait()
    assert router.count("POST") == 1


def test_a_file_is_sent_again_from_its_beginning(sandbox, router, tmp_path):
    (tmp_path / "f").write_bytes(b"skipped" + b"y" * 200000)
    router.fault = first(1, answer(503, b"", NOT_SENT))
    with open(str(tmp_path / "f"), "rb") as file:
        file.seek(7)
        sandbox.write("f", file)
    assert router.files["f"] == b"y" * 200000


def test_a_command_that_waited_for_its_sandbox_gets_the_time_that_is_left(sandbox, router):
    router.fault = first(3, answer(503, b"", NOT_SENT))
    sandbox.run("x", timeout=1)
    assert [json.loads(each.body.decode())["timeout"] for each in router.requests] == [1, 1, 1, 1]


# ---- GET: again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [reset_after, end_after])
def test_a_get_is_sent_again_wherever_its_answer_breaks(sandbox, router, fault):
    router.files["f"] = b"0123456789"
    length = len(response(200, b"0123456789", kind="application/octet-stream"))
    for at in range(0, length, 7):
        router.fault = first(1, fault(at))
        router.requests.clear()
        assert sandbox.read("f") == b"0123456789"
        assert router.count("GET") == 2, at


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_get_is_sent_again_after_an_error_of_the_router(sandbox, router, status):
    router.fault = first(2, answer(status, {"detail": "wait"}))
    assert sandbox.list() == [] and router.count("GET") == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 403, 404, 500, 501, 599])
def test_a_get_that_is_refused_is_not_sent_again(sandbox, router, status):
    router.fault = answer(status, {"message": "no"}, ["Location: http://169.254.169.254/"])
    with pytest.raises(SandboxRequestError) as raised:
        sandbox.exists("f")
    assert raised.value.status == status and raised.value.detail == "no" and router.count("GET") == 1


def test_a_get_that_always_breaks_ends(sandbox, router, within):
    router.fault = reset_after(20)
    with within(2.5), pytest.raises(SandboxConnectionError):
        sandbox.read("f", timeout=2)
    assert router.count("GET") > 2


# ---- lies ----------------------------------------------------------------------------------------

EXECUTIONS = [b"", b"null", b"[]", b"5", b'"x"', b"{}", b'{"stdout": "x"}', b'{"stdout": 5, "stderr": "", "exit_code": 0}',
              b'{"stdout": "", "stderr": null, "exit_code": 0}', b'{"stdout": "", "stderr": "", "exit_code": "0"}',
              b'{"stdout": "", "stderr": "", "exit_code": 1.5}', b'{"stdout": "", "stderr": "", "exit_code": true}',
              b'{"stdout": "", "stderr": "", "exit_code": ' + b"9" * 1000000 + b"}", b"[" * 100000, b'{"a":' * 3000,
              b'{"stdout": "\xff", "stderr": "", "exit_code": 0}', b'{"stdout": "', b"\0" * 100, b"<html></html>"]


@pytest.mark.parametrize("number", range(len(EXECUTIONS)))
def test_what_is_no_execution_is_told(sandbox, router, within, number):
    router.fault = answer(200, EXECUTIONS[number])
    with within(2), pytest.raises(SandboxProtocolError):
        sandbox.run("x")
    assert router.count("POST") == 1


ENTRY = {"name": "a", "size": 1, "type": "file", "mod_time": 1}
LISTS = ["", "{}", "null", "[5]", "[null]", "[[]]", '["a"]', "[{}]"] + [
    json.dumps([dict(ENTRY, **change)]) for change in (
        {"name": 5}, {"size": "1"}, {"size": True}, {"type": "socket"}, {"mod_time": "now"}, {"mod_time": None})] + [
    json.dumps([ENTRY]).replace('"mod_time": 1', '"mod_time": ' + value) for value in ("1e400", "NaN", "Infinity")]


@pytest.mark.parametrize("number", range(len(LISTS)))
def test_what_is_no_list_is_told(sandbox, router, number):
    router.fault = answer(200, LISTS[number])
    with pytest.raises(SandboxProtocolError):
        sandbox.list("d")


@pytest.mark.parametrize("body", ["", "true", "[]", "{}", '{"exists": 1}', '{"exists": "true"}', '{"exists": null}'])
def test_what_does_not_say_whether_it_exists_is_told(sandbox, router, body):
    router.fault = answer(200, body)
    with pytest.raises(SandboxProtocolError):
        sandbox.exists("f")


STREAMS = [[], [b"event: stdout\ndata: x\n\n"], [b"event: done\n\n"], [b"event: done\ndata: x\n\n"],
           [b"event: done\ndata: {}\n\n"], [b"event: done\ndata: {\"exit_code\": \"0\"}\n\n"],
           [b"event: done\ndata: {\"exit_code\": 0}\n"], [b"\xff" * 100], [b"data: x\n" * 20000],
           [b"x" * 65536] * 20, [b"event: stdout\n" + b"data: " + b"y" * 60000 + b"\n"] * 20]


@pytest.mark.parametrize("number", range(len(STREAMS)))
def test_a_stream_that_is_none_is_told(sandbox, router, number):
    router.fault = raw(chunked(STREAMS[number]))
    with pytest.raises(SandboxProtocolError):
        list(sandbox.run_stream("x"))


@pytest.mark.parametrize("fault", [reset_after, end_after])
def test_a_stream_that_breaks_at_any_byte_is_told(sandbox, router, fault):
    total = len(chunked([b"event: stdout\ndata: %d\n\n" % i for i in range(3)] + [b'event: done\ndata: {"exit_code": 0}\n\n']))
    for at in range(0, total - 8, 3):
        router.fault = fault(at)
        router.requests.clear()
        with pytest.raises((SandboxConnectionError, SandboxProtocolError)):
            list(sandbox.run_stream("x"))
        assert router.count("POST") == 1


GARBAGE = [b"\0" * 50, b"SSH-2.0-x\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"HTTP/1.1\r\n\r\n",
           b"HTTP/1.1 abc x\r\n\r\n", b"HTTP/1.1 -1 x\r\n\r\n", b"\r\n" * 100, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
           b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 70000, b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
           b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
           b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"]


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_what_is_no_http_is_told(sandbox, router, within, number):
    router.fault = raw(GARBAGE[number])
    with within(3), pytest.raises(SandboxError):
        sandbox.run("x")
    with within(3), pytest.raises(SandboxError):
        sandbox.exists("f", timeout=1)
    assert router.count("POST") == 1


@pytest.mark.parametrize("fault", [
    endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10), endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000), endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;x\r\na\r\n"),
    endless(b"HTTP/1.1 503 x\r\n\r\n", b"x" * 1000)])
def test_headers_without_end_are_told(sandbox, router, within, fault):
    router.fault = fault
    with within(3), pytest.raises(SandboxError):
        sandbox.write("f", b"x", timeout=2)
    assert router.count("POST") == 1


def test_a_download_without_a_length_is_not_taken_for_whole(sandbox, router):
    router.fault = raw(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
    with pytest.raises(SandboxConnectionError):
        sandbox.read("f", timeout=1)


def test_no_cookie_no_redirect_no_proxy(sandbox, router, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    router.fault = lambda c, r, right: c.sendall(right.replace(b"\r\n", b"\r\nSet-Cookie: a=b\r\n", 1))
    sandbox.run("x")
    sandbox.run("x")
    assert all(each.headers["Cookie"] is None for each in router.requests)


# ---- size ----------------------------------------------------------------------------------------

HUGE = r"""
import resource, sys
sys.path[:0] = %r
from conftest import Plain
from agentic_sandbox import SandboxProtocolError
sandbox = Plain(%r)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    %s
    print("no error")
except SandboxProtocolError:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""

SIZES = {
    "a long answer": (endless(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", b"x" * 65536), "sandbox.run('x')", 2),
    "chunks": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
               "sandbox.run('x')", 320),
    "objects": (answer(200, b'{"a":[' + b"{}," * (20 << 20) + b"{}]}"), "sandbox.run('x')", 320),
    "strings": (answer(200, b'["' + b'","' * (20 << 20) + b'"]'), "sandbox.run('x')", 320),
    "list": (answer(200, b"[" + b"{}," * (5 << 20) + b"{}]"), "sandbox.list('x')", 600),
    "a stream": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"a\r\ndata: 4567\r\n"),
                 "list(sandbox.run_stream('x'))", 32),
    "lines": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"a\r\ndata: 456\n\r\n"),
              "list(sandbox.run_stream('x'))", 32),
}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_memory_is_bounded(router, name):
    router.fault, ask, most = SIZES[name]
    done = subprocess.run([sys.executable, "-c", HUGE % (sys.path[:2], router.url, ask)], stdout=subprocess.PIPE, timeout=100)
    assert done.returncode == 0 and int(done.stdout) < most, done.stdout


def test_a_large_download_to_a_file_takes_no_memory(router):
    router.fault = endless(b"HTTP/1.1 200 OK\r\nContent-Length: 600000000\r\n\r\n", b"x" * 100000)
    code = HUGE % (sys.path[:2], router.url, "assert sandbox.read_to('x', open('/dev/null', 'wb')) == 600000000; raise SandboxProtocolError")
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=100)
    assert int(done.stdout) < 8


def test_the_limit_on_structure_does_not_meet_output(sandbox, router):
    """Output full of quotes, braces and backslashes is output."""
    output = '"{}[],:\\\\"\\\n' * 200000
    router.fault = answer(200, {"stdout": output, "stderr": "\\" * 100001, "exit_code": 0})
    assert sandbox.run("x").stdout == output


def test_connections_that_failed_are_closed(sandbox, router):
    faults = [reset_after(5), end_after(30), answer(503, b"x"), answer(500, b"x"), raw(b"junk"), None]
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        for i in range(120):
            router.fault = faults[i % len(faults)]
            with contextlib.suppress(SandboxError):
                sandbox.run("x")
            with contextlib.suppress(SandboxError):
                next(sandbox.run_stream("x"))
        router.cut()
        end = time.monotonic() + 5
        while len(os.listdir("/proc/self/fd")) > before + 4 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before + 4
    finally:
        gc.enable()
