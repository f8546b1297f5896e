# SPDX-License-Identifier: Apache-2.0
"""The operations on the runtime itself, where agent-sandbox-runtime is built."""

import os
import subprocess
import sys
import time

import pytest
from agentic_sandbox import SandboxRequestError
from conftest import Plain
from test_operations import ODD_NAMES


@pytest.fixture
def runtime(tmp_path):
    binary = os.path.join(os.environ.get("top_builddir", "."), "agent-sandbox-runtime")
    if not os.access(binary, os.X_OK):
        pytest.skip("no '%s': $top_builddir is not the folder of a build with the runtime" % binary)
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    child = subprocess.Popen([binary, "--port", str(port)], env=dict(os.environ, SANDBOX_BASE_DIR=str(tmp_path)))
    plain = Plain("http://127.0.0.1:%d" % port)
    plain.exists("x", timeout=10)
    yield plain
    child.terminate()
    child.wait(10)


def test_commands(runtime):
    assert runtime.run("echo 'Hello, World!'").stdout == "Hello, World!\n"
    result = runtime.run("sh -c 'echo out; echo problem >&2; exit 3'")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "problem\n", 3)
    assert runtime.run("sh -c 'kill -9 $$'").exit_code == -9


def test_a_command_is_ended_after_its_time(runtime, within):
    with within(4):
        result = runtime.run("sleep 60", timeout=1)
    assert result.exit_code == 124


def test_a_stream(runtime):
    events = list(runtime.run_stream("sh -c 'echo a; echo b >&2; echo c'"))
    assert [e.data for e in events if e.type == "stdout"] == ["a", "c"]
    assert [e.data for e in events if e.type == "stderr"] == ["b"] and events[-1].exit_code == 0


def test_a_stream_left_early_ends_its_command(runtime):
    events = runtime.run_stream("sh -c 'while :; do echo x; sleep 0.1; done'")
    assert next(events).data == "x"
    events.close()
    end = time.monotonic() + 5
    while runtime.run("pgrep -f 'while :; do echo [x]; sleep'").stdout and time.monotonic() < end:
        time.sleep(0.1)


@pytest.mark.parametrize("name", [n for n in ODD_NAMES if n not in ("a//b",)])
def test_odd_names(runtime, name):
    runtime.write(name, name)
    assert runtime.exists(name) and runtime.read(name) == name.encode()


def test_folders(runtime):
    assert runtime.list() == []
    runtime.write("notes/a", b"12345")
    assert [(e.name, e.type) for e in runtime.list()] == [("notes", "directory")]
    entry, = runtime.list("notes")
    assert (entry.name, entry.size, entry.type) == ("a", 5, "file") and abs(entry.mod_time - time.time()) < 60


def test_much(runtime, tmp_path_factory):
    source = tmp_path_factory.mktemp("much") / "source"
    source.write_bytes(os.urandom(1 << 20) * 64)
    with open(str(source), "rb") as file:
        runtime.write("big", file)
    assert runtime.read("big") == source.read_bytes()
    assert len(runtime.run(sys.executable + " -c \"print('x' * 10000000)\"").stdout) == 10000001


def test_refusals(runtime, tmp_path):
    os.symlink("/etc", str(tmp_path / "out"))
    for ask, status in ((lambda: runtime.read("none"), 404), (lambda: runtime.list("none"), 404), (lambda: runtime.read("out/passwd"), 403)):
        with pytest.raises(SandboxRequestError) as raised:
            ask()
        assert raised.value.status == status
