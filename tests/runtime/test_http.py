# SPDX-License-Identifier: Apache-2.0
"""The protocol: what is refused, how long anybody may take, and what others see of it meanwhile."""

import json
import os
import resource
import signal
import socket
import subprocess
import time

from health import Peer, Witness, check_times
from server import SOON, Skip, until
from test_execute import processes

HEALTH = {"status": "ok", "message": "Sandbox Runtime is active."}
POST = b"POST /execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"command":"true"}'


def status_of(server, text):
    with server.connect() as sock:
        try:
            sock.sendall(text)
        except OSError:
            pass  # it may answer, and end, before it has read all
        return server.receive(sock).status


def test_health_answers(server):
    answer = server.get("/")
    assert (answer.status, answer.json) == (200, HEALTH)
    assert server.get("/?x=1").status == 200


def test_paths_and_methods_that_are_unknown(server):
    answer = server.get("/nope")
    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})
    answer = server.get("/execute")
    assert (answer.status, answer.json, answer.headers["allow"]) == (405, {"detail": "Method Not Allowed"}, "POST")
    answer = server.request("POST", "/")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert server.get("//").status == 404


def test_a_slash_too_many_is_redirected(server):
    answer = server.request("POST", "/execute/?a=b", BODY)
    assert (answer.status, answer.headers["location"], answer.body) == (307, "http://sandbox/execute?a=b", b"")


def test_a_redirect_leads_to_no_other_host(server):
    with server.connect() as sock:
        sock.sendall(b"GET /execute/ HTTP/1.1\r\nHost: evil/\"\r\n\r\n")
        assert server.receive(sock).headers["location"] == "/execute"


def test_framing_that_can_be_read_two_ways_is_refused(server):
    for lines in (b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 18\r\nContent-Length: 18\r\n",
                  b"Content-Length: 18\r\nContent-Length: 5\r\n", b"Transfer-Encoding: xchunked\r\n", b"Content-Length: +18\r\n",
                  b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"Content-Length: 18, 18\r\n",
                  b"Content-Length : 18\r\n", b"Content-Length: 0x12\r\n", b"Host: y\r\nContent-Length: 18\r\n"):
        with server.connect() as sock:
            sock.sendall(POST + lines + b"\r\n" + BODY)
            answer = server.receive(sock)
            assert answer.status == 400, (lines, answer)
            assert answer.headers["connection"].lower() == "close", answer
    for text in (b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x01\x02\r\n\r\n"):
        with server.connect() as sock:
            sock.sendall(text)
            assert b" 200 " not in sock.recv(4096)


def test_heads_that_are_no_text_are_refused(server):
    for line in (b"X: a\rb", b"X: a\rContent-Length: 5", b"X: a\x01b", b"X: a\x7f", b"X(Y: a", b"X\x00Y: a", b"no colon", b"X : a",
                 b"X\xc3\xa9: a", b"X: a\r\n b", b"Content-: 0\r\n Length", b"X: a\x00b", b"X: a\nY: b", b": a"):
        for rest in (b"\r\nAccept: */*\r\n\r\n", b"\r\n\r\n"):
            with server.connect() as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + line + rest)
                assert server.receive(sock).status == 400, (line, rest)
                assert sock.recv(1) == b"", (line, "and the connection ends")
    for text in (b"GET /\x00a HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/1.1\r\nHost: x\n\r\n",
                 b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n"):
        with server.connect() as sock:
            sock.sendall(text)
            assert b" 200 " not in sock.recv(4096), text
    assert status_of(server, b"GET / HTTP/1.0\r\n\r\n") == 200
    assert status_of(server, b"\r\nGET /?a=b%00&c HTTP/1.1\r\nHost:x\r\nX:\r\nY: \r\n\r\n") == 200
    assert status_of(server, b"GET / HTTP/1.1\r\nHost: x\r\nX: \xc3\xa9\tb\r\n\r\n") == 200


def test_heads_that_come_in_pieces_are_whole(server):
    for size, piece in ((40, 1), (1000, 7), (20000, 3000), (60000, 1000)):
        lines = b"".join(b"X-%d:%s%s\r\n" % (i, b" " * (i % 4), b"v" * (size // 50)) for i in range(50))
        text = b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n"
        with server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(2):
                for i in range(0, len(text), piece):
                    sock.sendall(text[i:i + piece])
                assert server.receive(sock).status == 200, (size, piece)


def test_heads_and_bodies_have_limits(server):
    assert status_of(server, b"GET /" + b"a" * 33000 + b" HTTP/1.1\r\nHost: x\r\n\r\n") == 414
    assert status_of(server, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n") == 431
    assert status_of(server, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 150 + b"\r\n") == 431
    assert status_of(server, POST + b"Content-Length: 9000000\r\n\r\n") == 413
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert status_of(server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + 9 * chunk + b"0\r\n\r\n") == 413


def test_chunks_pipelines_and_continue_work(server):
    with server.connect() as sock:
        sock.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\nd\r\n" + BODY[5:] + b"\r\n0\r\n\r\n")
        assert server.receive(sock).json["exit_code"] == 0
        sock.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 18\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(BODY)
        assert server.receive(sock).json["exit_code"] == 0
    with server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        text = b""
        while text.count(b"is active.") < 1000:
            piece = sock.recv(65536)
            assert piece, text[-300:]
            text += piece


def test_a_head_that_comes_slowly_is_given_up(server):
    with server.connect() as sock:
        sock.settimeout(0.5)

        def is_closed():
            try:
                sock.sendall(b"G")
                return sock.recv(10) == b""
            except socket.timeout:
                return False
            except OSError:
                return True
        until(is_closed, "it is closed though bytes come", 6 * server.patience)


def test_a_client_that_ends_within_its_body_is_noticed(server):
    before = server.descriptors()
    with server.connect() as sock:
        sock.sendall(POST + b"Content-Length: 100\r\n\r\nabc")
        sock.shutdown(socket.SHUT_WR)
        with Witness(10) as witness:  # a body may take 20 s for its next bytes
            try:
                assert sock.recv(1) == b""
            except ConnectionResetError:
                pass
            assert not witness.has_ended()
    until(lambda: server.descriptors() <= before, "its descriptor is given back")


def test_at_the_limit_the_longest_idle_connection_goes(server):
    server.stop()
    server.__init__()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        server.prefix = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"']
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    idle = [server.connect() for _ in range(300)]
    try:
        until(lambda: server.get("/").status == 200, "somebody new is served")
        assert idle[0].recv(1) == b"", "the first has gone"
    finally:
        for sock in idle:
            sock.close()


def test_very_many_idle_connections_do_not_stop_the_health_check(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 12000:
        raise Skip(f"only {hard} descriptors are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        for _ in range(10000):
            idle.append(server.connect())
        times, peers = [], []
        with Peer() as peer:
            for _ in range(100):
                begin = time.monotonic()
                assert server.get("/").status == 200
                between = time.monotonic()
                with peer.connect() as sock:
                    sock.sendall(b"x")
                    assert sock.recv(1) == b"x"
                times.append(between - begin)
                peers.append(time.monotonic() - between)
        check_times(server, times, peers)
    finally:
        for sock in idle:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_token_is_asked_for_but_for_the_health_check(server):
    token = os.path.join(server.top, "token")
    with open(token, "w") as f:
        f.write("s3cret\n")
    server.child.terminate()
    server.child.wait(SOON)
    server.environment = {"SANDBOX_TOKEN_FILE": token}
    server.start()
    body = json.dumps({"command": "true"}).encode()
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer s3cretx"}, {"Authorization": "Bearer "},
                    {"Authorization": "Basic s3cret"}):
        answer = server.request("POST", "/execute", body, {"Content-Type": "application/json", **headers})
        assert (answer.status, answer.json) == (401, {"detail": "Not authenticated"}), (headers, answer)
        assert server.request("GET", "/nope", None, headers).status == 401
    good = {"Authorization": "bearer s3cret", "Content-Type": "application/json"}
    assert server.request("POST", "/execute", body, good).status == 200
    assert server.get("/").status == 200


def test_the_guest_sees_nothing_of_the_server(server):
    with open(f"/proc/{server.child.pid}/status") as f:
        assert "NoNewPrivs:\t1" in f.read()
    assert os.stat(f"/proc/{server.child.pid}/environ").st_uid == 0, "it is not dumpable"


def test_sigterm_ends_commands_and_the_server(server):
    body = json.dumps({"command": f"sleep {server.mark}"}).encode()
    with server.connect() as sock:
        sock.sendall(server.head("POST", "/execute", {"Content-Type": "application/json", "Content-Length": len(body)}) + body)
        until(lambda: processes(server.mark), "the command runs")
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(SOON) == 0
        assert server.receive(sock).json["exit_code"] == -9
    server.start()


def test_bad_options_are_told(server):
    for arguments in (["--port", "x"], ["--port", "65536"], ["--nope"], ["--host", "nohost"], ["--base-dir", "/nosuch"], ["x"],
                      ["--exec-user", "nosuchuser", "--base-dir", server.base]):
        done = subprocess.run([server.binary, *arguments], capture_output=True, text=True, timeout=SOON)
        assert done.returncode in (1, 2) and done.stderr.startswith("agent-sandbox-runtime: "), (arguments, done)
    done = subprocess.run([server.binary, "--help"], capture_output=True, text=True, timeout=SOON)
    assert done.returncode == 0 and "--exec-user" in done.stdout


def test_commands_run_as_another_user(server):
    if os.geteuid() != 0:
        raise Skip("needs root")
    server.child.terminate()
    server.child.wait(SOON)
    server.arguments = ["--exec-user", "65534:65534"]
    os.chmod(server.top, 0o755)
    server.start()
    answer = server.request("POST", "/execute", json.dumps({"command": "id -u"}).encode(), {"Content-Type": "application/json"})
    assert answer.json["stdout"] == "65534\n", answer
    for command in (f"kill -9 {server.child.pid}", f"cat /proc/{server.child.pid}/environ"):
        answer = server.request("POST", "/execute", json.dumps({"command": command}).encode(), {"Content-Type": "application/json"})
        assert answer.json["exit_code"] != 0, answer
    answer = server.request("POST", "/execute", json.dumps({"command": f"sh -c 'setsid sleep {server.mark} & sleep {server.mark}'", "timeout": 1}).encode(),
                            {"Content-Type": "application/json"})
    assert answer.json["exit_code"] == 124
    assert processes(server.mark) == []
