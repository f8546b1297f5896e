# SPDX-License-Identifier: Apache-2.0
"""Clients that were opened before a fork, and are used by parent and children: each has connections of its own."""

import contextlib
import json
import os
import signal
import threading
import traceback

import pytest
from agentic_sandbox import Sandbox, SandboxClient, SandboxClosedError
from fakerouter import first, silent

ROUNDS = 10
CHILDREN = 3
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def start(work):
    """Runs work() in a child; returns a function that waits for its end and gives what it returned."""
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(60)
            os.close(source)
            os.write(sink, json.dumps(work()).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(sink)

    def result():
        with os.fdopen(source, "rb") as said:
            text = said.read()
        assert os.waitpid(pid, 0)[1] == 0
        return json.loads(text.decode())
    return result


def talk(client, who):
    """What each operation gave that was not what it was asked for."""
    wrong = []
    for i in range(ROUNDS):
        name = "%s-%d" % (who, i)
        if client.run(name).stdout != name + "\n":
            wrong.append("run " + name)
        if [each.type for each in client.run_stream(name)][-1] != "done":
            wrong.append("run_stream " + name)
        client.write(name, name * 50)
        if client.read(name).decode() != name * 50:
            wrong.append("read " + name)
        if not client.exists(name) or name not in [each.name for each in client.list()]:
            wrong.append("exists " + name)
        if not client.is_ready():
            wrong.append("is_ready " + name)
    return wrong


@pytest.fixture
def api(monkeypatch, tmp_path, fake_api):
    monkeypatch.setenv("KUBECONFIG", fake_api.kubeconfig(tmp_path / "config", {"token": "one"}))
    return fake_api


MODES = {"url": lambda router: SandboxClient("t", api_url=router.url), "tunnel": lambda router: SandboxClient("t"),
         "pod": lambda router: Sandbox("t")}


@pytest.mark.parametrize("mode", sorted(MODES))
def test_parent_and_children_get_their_own_answers(api, router, kubectl, mode):
    with MODES[mode](router) as client:
        client.run("first")
        results = [start(lambda: talk(client, "child-%d" % i)) for i in range(CHILDREN)]
        wrong = talk(client, "parent")
        for result in results:
            wrong += result()
        assert wrong == [] and len(api.claims) == 1
    assert api.claims == {}


def test_threads_and_forks_together(api, router, kubectl):
    """Locks that other threads hold at the moment of a fork are nobody's in the child."""
    with SandboxClient("t") as client:
        stop, wrong = threading.Event(), []

        def work(who):
            while not stop.is_set():
                try:
                    wrong.extend(talk(client, who))
                except Exception as error:
                    wrong.append(repr(error))
        threads = [threading.Thread(target=work, args=("thread-%d" % i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            for i in range(8):
                wrong += start(lambda: talk(client, "child-%d" % i))()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert wrong == []


def test_a_child_of_a_child(api, router):
    with SandboxClient("t", api_url=router.url) as client:
        client.run("first")

        def child():
            wrong = talk(client, "child")
            grandchild = start(lambda: talk(client, "grandchild"))
            return wrong + talk(client, "child-again") + grandchild()
        result = start(child)
        assert talk(client, "parent") + result() == []


def test_an_answer_is_read_by_the_process_that_asked(api, router):
    with SandboxClient("t", api_url=router.url) as client:
        stream = client.run_stream("x")
        events = [next(stream).type]

        def child():
            with pytest.raises(SandboxClosedError):
                list(stream)
            return client.run("mine").stdout
        assert start(child)() == "mine\n"
        events += [each.type for each in stream]
        assert events == ["stdout"] * 3 + ["done"]


def test_what_the_parent_closes_is_closed_though_a_child_has_it(api, router):
    ended = threading.Event()

    def fault(connection, request, right):
        connection.sendall(right[:-20])
        connection.recv(1)
        ended.set()
    with SandboxClient("t", api_url=router.url) as client:
        router.fault = first(1, fault, lambda request: request.path == "/execute/stream")
        stream = client.run_stream("x")
        next(stream)
        source, sink = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(source, 1)
            os._exit(0)
        try:
            stream.close()
            assert ended.wait(30)
        finally:
            os.write(sink, b"x")
            os.waitpid(pid, 0)
            os.close(source)
            os.close(sink)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_child_that_closes_leaves_the_claim_and_the_tunnel(api, router, kubectl, mode):
    with MODES[mode](router) as client:
        def child():
            with contextlib.suppress(KeyError):
                with contextlib.ExitStack() as stack:
                    stack.push(client)
                    raise KeyError("leaves the block")
        start(child)()
        start(client.close)()
        assert len(api.claims) == 1 and client.is_ready()
        assert client.run("still").stdout == "still\n"
        assert len(kubectl.argv()) <= 1
    assert api.claims == {}


def test_a_child_has_a_sandbox_of_its_own_after_close(api, router):
    with SandboxClient("t", api_url=router.url) as client:
        def child():
            client.close()
            with client:
                return [client.run("own").stdout, client.claim_name]
        said, name = start(child)()
        assert said == "own\n" and name != client.claim_name
        assert list(api.claims) == [client.claim_name]


def test_a_request_on_its_way_stays_the_parents(api, router):
    router.fault = first(1, silent, lambda request: request.path == "/execute")
    with SandboxClient("t", api_url=router.url) as client:
        failed = []

        def work():
            try:
                client.run("x", timeout=1)
            except Exception as error:
                failed.append(type(error).__name__)
        thread = threading.Thread(target=work)
        thread.start()
        while not router.of("/execute"):
            pass
        assert start(lambda: talk(client, "child"))() == []
        thread.join()
        assert failed == ["SandboxTimeoutError"]
