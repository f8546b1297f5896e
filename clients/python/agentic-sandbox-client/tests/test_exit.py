# SPDX-License-Identifier: Apache-2.0
"""Ends of a process: whichever way it goes, its claims go too."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from fakerouter import silent

HEAD = """
import os, signal, sys, threading, time
sys.path.insert(0, %r)
from agentic_sandbox import SandboxClient
def client(template="python-sandbox-template", **more):
    return SandboxClient(template, api_url=%r, **more)
def say(words):
    print(words, flush=True)
"""


def default_signals():
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Script:
    def __init__(self, world, router, code):
        head = HEAD % (os.path.dirname(os.path.dirname(os.path.abspath(__file__))), router.url)
        # A shell's background jobs ignore SIGINT, nohup ignores SIGHUP, and both hand that on: these are as if from a terminal.
        self.child = subprocess.Popen([sys.executable, "-c", head + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env=dict(os.environ, **({"KUBECONFIG": world.kubeconfig} if world else {})), universal_newlines=True,
                                      preexec_fn=default_signals)

    def wait_for(self, words):
        line = self.child.stdout.readline()
        assert line.strip() == words, line + self.child.stderr.read()

    def signal(self, number=signal.SIGINT):
        self.child.send_signal(number)

    def end(self, seconds=120):
        """(status, standard output, standard error)"""
        out, err = self.child.communicate(timeout=seconds)
        return self.child.returncode, out, err


@pytest.fixture
def script(world, router):
    world.proxy.rule = None
    scripts = []

    def make(code):
        scripts.append(Script(world, router, code))
        return scripts[-1]
    yield make
    for each in scripts:
        if each.child.poll() is None:
            each.child.kill()
        each.child.communicate()
    world.proxy.rule = None
    left = world.claims()
    for name in left:
        world.api.delete("sandboxclaims", "default", name)
    assert left == []


def until_there(world):
    end = time.monotonic() + 120
    while not world.claims():
        assert time.monotonic() < end
        time.sleep(0.02)


ENDS = {
    "the end, without with": ("c = client(); c.open(); say('open')", 0),
    "the end, nobody holds it": ("client().open(); say('open')", 0),
    "sys.exit in with": ("with client() as c:\n  say('open')\n  sys.exit(5)", 5),
    "sys.exit, without with": ("c = client(); c.open(); say('open'); sys.exit(5)", 5),
    "an exception in with": ("with client() as c:\n  say('open')\n  raise KeyError('mine')", 1),
    "an exception, without with": ("c = client(); c.open(); say('open'); raise KeyError('mine')", 1),
    "a function that was left": ("def f():\n  client().open()\nf(); say('open')", 0),
    "a generator that was left": ("def f():\n  with client():\n    yield\nnext(f()); say('open')", 0),
    "another thread": ("t = threading.Thread(target=lambda: client().open()); t.start(); t.join(); say('open')", 0),
    "three of them": ("a = [client() for i in range(3)]; [c.open() for c in a]; say('open')", 0),
    "SIGTERM made an exit": ("signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))\nwith client() as c:\n  say('open')\n"
                             "  os.kill(os.getpid(), signal.SIGTERM); time.sleep(20)", 143),
    "a child by fork": ("c = client(); c.open(); pid = os.fork()\nif pid == 0: sys.exit(0)\nos.waitpid(pid, 0)\n"
                        "assert c.is_ready(); say('open')", 0),
}


@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_process_that_ends_leaves_no_claim(script, world, name):
    code, expected = ENDS[name]
    run = script(code)
    run.wait_for("open")
    status, _, err = run.end()
    assert status == expected, err
    assert world.claims() == [] and "left behind" not in err


INTERRUPTED = {
    "in with": "with client() as c:\n  say('ready')\n  time.sleep(30)",
    "without with": "c = client(); c.open(); say('ready'); time.sleep(30)",
    "in a command": "with client() as c:\n  say('ready')\n  c.run('x', timeout=30)",
    "in the wait": "say('ready')\nwith client('exit-stuck', sandbox_ready_timeout=60) as c:\n  pass",
}


@pytest.mark.parametrize("name", sorted(INTERRUPTED))
def test_ctrl_c_leaves_no_claim(script, world, router, name):
    if world.api.get("sandboxtemplates", "default", "exit-stuck") is None:
        world.template("exit-stuck", **{"test/hold": "never-ready"})
    router.fault = silent
    run = script(INTERRUPTED[name])
    run.wait_for("ready")
    until_there(world)
    time.sleep(0.3)
    run.signal()
    status, _, err = run.end()
    assert status in (-signal.SIGINT, 130, 1) and "KeyboardInterrupt" in err


def test_ctrl_c_during_the_create_leaves_no_claim(script, world):
    world.proxy.rule = lambda method, path: ("late", 1.5) if method == "POST" and "sandboxclaims" in path else None
    run = script("say('ready')\nwith client() as c:\n  pass")
    run.wait_for("ready")
    until_there(world)
    run.signal()
    assert "KeyboardInterrupt" in run.end()[2]


def test_ctrl_c_during_the_delete_waits_and_is_not_forgotten(script, world):
    world.proxy.rule = lambda method, path: ("late", 1.0) if method == "DELETE" else None
    run = script("try:\n  with client() as c:\n    say('ready')\n  say('not interrupted')\n"
                 "except KeyboardInterrupt:\n  say('interrupted')")
    run.wait_for("ready")
    time.sleep(0.4)
    for _ in range(3):
        run.signal()
        time.sleep(0.1)
    assert run.end()[1] == "interrupted\n"


def test_ctrl_c_again_and_again_leaves_no_claim(script, world):
    for delay in (0.0, 0.01, 0.05, 0.1, 0.2, 0.4):
        run = script("say('ready')\nwith client() as c:\n  time.sleep(30)")
        run.wait_for("ready")
        time.sleep(delay)
        for _ in range(5):
            run.signal()
            time.sleep(0.02)
        run.end()
        assert world.claims() == [], delay


def test_an_api_server_that_was_away_at_the_end_is_waited_for(script, world):
    run = script(
        "with client() as c:\n  say('open')\n  time.sleep(0.5)")
    run.wait_for("open")
    world.proxy.rule = lambda method, path: ("reset-before",)
    world.proxy.cut()

    def come_back():
        world.proxy.rule = None
    timer = threading.Timer(3, come_back)
    timer.start()
    try:
        status, _, err = run.end(120)
    finally:
        timer.join()
    assert status == 0, err


def test_the_api_server_is_killed_in_between(script, world):
    """The real one, without the proxy, and started again on the same state."""
    if world.real:
        pytest.skip("the real API server is not started again here")
    world.proxy.rule = None
    run = script("with client('exit-slow', sandbox_ready_timeout=60) as c:\n  say('open')")
    if world.api.get("sandboxtemplates", "default", "exit-slow") is None:
        world.template("exit-slow", **{"test/delay": "3"})
    until_there(world)
    world.cluster.processes[0].kill()
    world.cluster.serve()
    status, out, err = run.end(120)
    assert status == 0 and out == "open\n", err

# ---- kubectl port-forward --------------------------------------------------------------------------

TUNNEL = """
import subprocess
from agentic_sandbox import Sandbox
c = Sandbox("t") if %(pod)r else SandboxClient("t", namespace="default")
c._api_url = c.base_url = None
c.open()
c.run("x")
"""


def kubectl_pids(folder):
    return [int(each) for each in (folder / "pids").read_text().split()]


def gone(pid):
    """Ended, or a zombie that nobody has waited for."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until_gone(pids):
    end = time.monotonic() + 60
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < end, "kubectl is still there"
        time.sleep(0.02)


@pytest.fixture
def tunnel_script(kubectl, fake_api, router, tmp_path, monkeypatch):
    """A program with an open tunnel, against the API server in memory."""
    monkeypatch.setenv("KUBECONFIG", fake_api.kubeconfig(tmp_path / "config", {"token": "one"}))
    scripts = []

    def make(code, pod=False):
        scripts.append(Script(None, router, TUNNEL % {"pod": pod} + code))
        return scripts[-1]
    yield make
    for each in scripts:
        if each.child.poll() is None:
            each.child.kill()
        each.child.communicate()


TUNNEL_ENDS = {
    "waits": "say('open')\ntime.sleep(1000)",
    "in a thread that has ended": "say('open')\ntime.sleep(1000)",
    "a child by fork lives on": "pid = os.fork()\nif pid == 0:\n  time.sleep(3)\n  os._exit(0)\nsay('open')\ntime.sleep(1000)",
    "a child by exec lives on": "subprocess.Popen(['sleep', '3'])\nsay('open')\ntime.sleep(1000)",
}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT])
@pytest.mark.parametrize("name", sorted(TUNNEL_ENDS))
def test_kubectl_ends_with_the_program(tunnel_script, tmp_path, name, number):
    code = TUNNEL_ENDS[name]
    if "thread" in name:
        code = "t = threading.Thread(target=lambda: (c._tunnel._end(), c.run('y'))); t.start(); t.join()\n" + code
    run = tunnel_script(code, pod=number == signal.SIGABRT)
    run.wait_for("open")
    pids = kubectl_pids(tmp_path)
    # The one of the thread's is there, and the program has not ended it with the thread.
    assert not gone(pids[-1])
    run.signal(number)
    assert run.child.wait(60) == -number
    until_gone(pids)


def test_kubectl_that_wraps_another_program_ends_whole(tunnel_script, tmp_path, kubectl):
    """A kubectl that is a script, and starts the real one as its child."""
    script = tmp_path / "bin" / "kubectl"
    script.write_text(script.read_text().replace("exec ", "") + "exit $?\n")
    run = tunnel_script("say('open')\ntime.sleep(1000)")
    run.wait_for("open")
    run.signal(signal.SIGKILL)
    run.child.wait(60)
    until_gone(kubectl_pids(tmp_path))


@pytest.mark.parametrize("end", ["os._exit(3)", "pid = os.fork()\nif pid: os._exit(3)\ntime.sleep(3)", "c.close()"])
def test_kubectl_ends_with_other_ends(tunnel_script, tmp_path, end):
    run = tunnel_script("say('open')\n" + end)
    run.wait_for("open")
    run.child.wait(60)
    until_gone(kubectl_pids(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_the_program_handles_waits_for_the_delete(script, world, number):
    world.proxy.rule = lambda method, path: ("late", 1.0) if method == "DELETE" else None
    run = script("signal.signal(%d, lambda *a: sys.exit(5))\nwith client() as c:\n  say('ready')\nsay('not ended')" % number)
    run.wait_for("ready")
    end = time.monotonic() + 60
    while world.claims():
        assert time.monotonic() < end
        time.sleep(0.01)
    for _ in range(3):
        run.signal(number)
        time.sleep(0.05)
    status, out, err = run.end(120)
    assert status == 5 and out == "", err
