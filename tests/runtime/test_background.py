# SPDX-License-Identifier: Apache-2.0
"""What a command leaves behind in the background goes on, also when it still writes to the command's outputs."""

import os
import shutil
import threading

from server import Skip, until
from test_execute import execute, processes
from test_stream import events

# Waits until somebody opens the FIFO "go" for writing, then writes, and says that it is still there.
WRITER = """sh -c '(read x < go; echo more; echo more >&2; echo more && touch "$0") & echo started' {}"""


def open_gate(server):
    """Lets all go that wait, and those that will come."""
    gate = os.open(server.path("go"), os.O_WRONLY | os.O_CLOEXEC)
    os.write(gate, b"x\n" * 2000)
    return gate


def in_parallel(count, function, threads=20):
    numbers, failures = iter(range(count)), []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None or failures:
                return
            try:
                function(number)
            except Exception as e:
                failures.append(e)
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures[0]


def test_what_still_writes_after_the_answer_goes_on(server):
    os.mkfifo(server.path("go"))
    assert execute(server, WRITER.format("a"))["stdout"] == "started\n"
    assert events(server, WRITER.format("b")) == [("stdout", "started"), ("done", '{"exit_code": 0}')]
    gate = open_gate(server)
    until(lambda: os.path.exists(server.path("a")), "what /execute left behind has written")
    until(lambda: os.path.exists(server.path("b")), "what /execute/stream left behind has written")
    os.close(gate)


def test_much_that_is_written_after_the_answer_is_dropped(server):
    before = server.descriptors()
    assert execute(server, "sh -c '(head -c 100000000 /dev/zero && touch all) &'")["exit_code"] == 0
    until(lambda: os.path.exists(server.path("all")), "all is written", 6 * server.patience)
    until(lambda: server.descriptors() <= before, "the descriptors are given back")


def test_writers_without_end_keep_nobody_waiting(server):
    for _ in range(10):
        execute(server, f"sh -c 'yes {server.mark} & yes {server.mark} >&2 &'")
    until(lambda: len(processes(server.mark)) == 20, "they write")
    for i in range(20):
        assert execute(server, f"echo {i}")["stdout"] == f"{i}\n"
        assert server.get("/").status == 200
    assert len(processes(server.mark)) == 20
    mark = server.mark
    server.stop()
    assert processes(mark) == [], "they end with the server"
    server.__init__()
    server.start()


def test_a_thousand_in_the_background_all_go_on(server):
    os.mkfifo(server.path("go"))
    os.mkdir(server.path("went-on"))
    in_parallel(1000, lambda i: execute(server, WRITER.format(f"went-on/{i}")))
    server.check()
    gate = open_gate(server)
    until(lambda: len(os.listdir(server.path("went-on"))) == 1000,
          lambda: f"all have written: {len(os.listdir(server.path('went-on')))}", 6 * server.patience)
    os.close(gate)
    until(lambda: server.descriptors() < 40, lambda: f"descriptors are given back: {server.descriptors()}")


def test_beyond_the_limit_the_oldest_loses_its_outputs(server):
    if shutil.which("prlimit") is None:
        raise Skip("needs prlimit")
    server.stop()
    server.__init__()
    server.prefix = ["prlimit", "--nofile=512:512", *type(server).prefix]
    server.start()
    os.mkfifo(server.path("go"))
    os.mkdir(server.path("went-on"))
    execute(server, "true")
    before = server.descriptors()
    # An eighth of 512 descriptors are the two outputs of 32 commands.
    for i in range(40):
        execute(server, WRITER.format(f"went-on/{i}"))
    # The connection of the last command may still be open.
    until(lambda: server.descriptors() <= before + 64, lambda: f"the oldest are closed: {server.descriptors()}, {before}")
    gate = open_gate(server)
    kept = {str(i) for i in range(8, 40)}
    until(lambda: kept <= set(os.listdir(server.path("went-on"))), lambda: f"{sorted(os.listdir(server.path('went-on')))}")
    until(lambda: server.descriptors() <= before, "all have ended")
    assert set(os.listdir(server.path("went-on"))) == kept, os.listdir(server.path("went-on"))
    os.close(gate)
    server.prefix = type(server).prefix
