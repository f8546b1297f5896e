# SPDX-License-Identifier: Apache-2.0
"""Child processes of the contract suite: started with a log file, stopped by pid, gone when the suite is gone."""

import os
import shutil
import signal
import socket
import subprocess
import time


class Deadline(Exception):
    """Something did not happen in time; the text says what and how long."""


# A machine that does other work too may stand still for a while: only what never happens shall fail.
PATIENCE_SECONDS = 120


def until(question, seconds, what, pause=0.025):
    """Asks until the answer is true and returns it; raises Deadline with `what`. seconds is what it takes at the most on a
    machine at rest: on any machine it has PATIENCE_SECONDS."""
    seconds = max(seconds, PATIENCE_SECONDS)
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise Deadline(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)


def free_ports(count):
    """Ports that nobody listens on now, on 127.0.0.1."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def tail(path, lines=40):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return f"({e})\n"


class Process:
    """One child. It gets a session of its own, so that a Ctrl-C reaches us first, and dies with us whatever happens:
    the kernel kills it when the thread that started it ends, so start children in the main thread."""

    def __init__(self, name, argv, log, env=None):
        self.name, self.argv, self.log = name, argv, log
        guard = [shutil.which("setpriv"), "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with open(log, "ab") as out:
            self.child = subprocess.Popen(guard + argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          start_new_session=True, env=env)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def wait_ready(self, question, seconds):
        def ask():
            if not self.alive():
                raise Deadline(f"{self.name} ended with status {self.child.returncode}:\n{tail(self.log, 15)}")
            return question()
        until(ask, seconds, lambda: f"{self.name} is ready:\n{tail(self.log, 15)}")

    def signal(self, number):
        if self.alive():
            os.kill(self.child.pid, number)

    def wait(self, seconds):
        """The exit status, negative for a signal; raises Deadline."""
        try:
            return self.child.wait(max(seconds, PATIENCE_SECONDS))
        except subprocess.TimeoutExpired:
            raise Deadline(f"{self.name} did not end within {seconds} s") from None

    def stop(self, seconds=PATIENCE_SECONDS):
        if not self.alive():
            return self.child.returncode
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.child.wait(10)
