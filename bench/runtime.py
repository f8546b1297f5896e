#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures agent-sandbox-runtime beside a FastAPI server of the same contract, in the same run, round by round.

    runtime.py [--rounds 5] [--seconds 3] [--binary FILE] [--json FILE]

Run it in the build folder after `make agent-sandbox-runtime bench/spawn-floor`. Prints the medians of all rounds, their
ratios, and the goals. What is missing is said; exit status 77 then. See bench/README.md.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UPLOAD_BYTES = 1 << 30
OUTPUT = "sh -c 'head -c 50000000 /dev/zero | tr \"\\0\" x'"
# Twice as many busy loops as there are CPUs, and 200 processes that sleep, all in the background; they end by themselves.
BUSY = ("sh -c 'for i in $(seq 200); do sleep {seconds} >/dev/null 2>&1 & done; for i in $(seq {loops}); do "
        "timeout {seconds} sh -c \"while :; do :; done\" >/dev/null 2>&1 & done'")
MARK = "benchmark-boundary"
SOON = 60

# What is shown: (text, unit, figure, goal, what the goal is about).
ROWS = [
    ("exec/s of /bin/true, 1 connection", "/s", "execute_1", 3, "times"), ("  10 connections", "/s", "execute_10", 3, "times"),
    ("  50 connections", "/s", "execute_50", 3, "times"), ("  p50, 1 connection", "ms", "execute_p50_ms", None, None),
    ("  that, above posix_spawn and wait", "ms", "above_floor_ms", 0.3, "most"),
    ("  CPU of one, /bin/true's own included", "ms", "execute_cpu_ms", None, None),
    ("GET / at 1 connection", "/s", "health_1", None, None), ("  50 connections", "/s", "health_50", 5, "times"),
    ("GET / beside busy guests, p99", "ms", "health_busy_ms", 50, "most"),
    ("RSS idle", "MB", "idle_mb", 2, "most"), ("RSS, peak, 50 MB of output", "MB", "output_peak_mb", 24, "most"),
    ("RSS, peak, upload of 1 GB", "MB", "upload_peak_mb", 8, "most"), ("  its time", "s", "upload_s", None, None),
    ("start to first answer", "ms", "start_ms", 10, "most"),
]


class Server:
    """A process that serves; use it in `with`."""

    def __init__(self, words, listening):
        self.words, self.listening = words, listening

    def __enter__(self):
        self.base = tempfile.mkdtemp(prefix="runtime-bench-")
        self.begin = time.monotonic()
        self.child = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, cwd=HERE, env={**os.environ, "SANDBOX_BASE_DIR": self.base})
        for line in self.child.stdout:
            found = re.search(self.listening, line)
            if found:
                self.port = int(found.group(1))
                return self
        raise SystemExit(f"{self.words[0]} does not listen")

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()
        self.child.stdout.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def memory_mb(self, field):
        with open(f"/proc/{self.child.pid}/status") as f:
            return int(re.search(rf"^{field}:\s+(\d+)", f.read(), re.M).group(1)) / 1024

    def cpu_ms(self):
        """Of the process and of its children that have ended."""
        with open(f"/proc/{self.child.pid}/stat") as f:
            return sum(int(n) for n in f.read().rpartition(")")[2].split()[11:15]) * 1000 / os.sysconf("SC_CLK_TCK")

    def exchange(self, head, pieces=()):
        """Sends a request; the answer is read to its end and only counted."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SOON) as sock:
            sock.sendall(head.replace("\n", "\r\n").encode())
            for piece in pieces:
                sock.sendall(piece)
            first, count = sock.recv(65536), 0
            assert first.startswith(b"HTTP/1.1 200"), first
            while sock.recv(65536):
                count += 1
            return count

    def execute(self, command):
        body = json.dumps({"command": command}).encode()
        self.exchange(f"POST /execute HTTP/1.1\nHost: x\nConnection: close\nContent-Type: application/json\nContent-Length: {len(body)}\n\n",
                      [body])

    def upload(self):
        begin = f'--{MARK}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
        end, block = f"\r\n--{MARK}--\r\n".encode(), os.urandom(1 << 20)
        length = len(begin) + UPLOAD_BYTES + len(end)
        self.exchange(f"POST /upload HTTP/1.1\nHost: x\nConnection: close\nContent-Type: multipart/form-data; boundary={MARK}\n"
                      f"Content-Length: {length}\n\n", [begin, *[block] * (UPLOAD_BYTES >> 20), end])


def load(server, path, connections, seconds, script=None, percentile=50):
    """Requests a second, and a percentile of the latency in ms, by wrk."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"] + (["-s", script] if script else [])
    text = subprocess.run(words + [f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    value, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def measure(make, seconds, script, floor_ms):
    figures = {}
    with make() as server:
        server.exchange("GET / HTTP/1.1\nHost: x\nConnection: close\n\n")
        figures["start_ms"] = (time.monotonic() - server.begin) * 1000
        figures["idle_mb"] = server.memory_mb("VmRSS")
        for connections in (1, 50):
            figures[f"health_{connections}"], _ = load(server, "/", connections, seconds)
        for connections in (1, 10, 50):
            before = server.cpu_ms()
            figures[f"execute_{connections}"], p50 = load(server, "/execute", connections, seconds, script)
            figures.setdefault("execute_p50_ms", p50)
            figures["execute_cpu_ms"] = (server.cpu_ms() - before) / (figures[f"execute_{connections}"] * seconds)
        server.execute(BUSY.format(seconds=seconds + 1, loops=2 * (os.cpu_count() or 1)))
        _, figures["health_busy_ms"] = load(server, "/", 1, seconds, percentile=99)
        figures["above_floor_ms"] = figures["execute_p50_ms"] - floor_ms()
    with make() as server:
        server.execute(OUTPUT)
        figures["output_peak_mb"] = server.memory_mb("VmHWM")
    with make() as server:
        begin = time.monotonic()
        server.upload()
        figures["upload_s"] = time.monotonic() - begin
        figures["upload_peak_mb"] = server.memory_mb("VmHWM")
    return figures


def missing(binary, floor):
    if shutil.which("wrk") is None:
        return "wrk is not installed: apt-get install wrk"
    for module in ("fastapi", "uvicorn", "python_multipart"):
        if importlib.util.find_spec(module) is None:
            return f"Python's {module} is missing: pip install fastapi uvicorn python-multipart"
    for file in (binary, floor):
        if not os.access(file, os.X_OK):
            return f"'{file}' is not built: make agent-sandbox-runtime bench/spawn-floor"
    return None


def verdict(goal, kind, ours, theirs):
    if kind == "times":
        return f"{goal}x " + ("met" if ours >= goal * theirs else "MISSED")
    return f"<= {goal} " + ("met" if ours <= goal else "MISSED") if kind == "most" else ""


def show(rounds, floors):
    print(f"{'':40}{'runtime':>10}{'FastAPI':>10}{'':6}{'ratio':>8}  goal")
    for text, unit, name, goal, kind in ROWS:
        ours, theirs = (statistics.median(r[who][name] for r in rounds) for who in ("runtime", "fastapi"))
        ratio = ours / theirs if unit == "/s" else theirs / ours if ours > 0 else float("nan")
        print(f"{text:40}{ours:10.2f}{theirs:10.2f} {unit:5}{ratio:7.1f}x  {verdict(goal, kind, ours, theirs)}")
    print(f"{'posix_spawn and wait of /bin/true':40}{statistics.median(floors):10.2f}{'':10} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    parser.add_argument("--binary", default="agent-sandbox-runtime")
    parser.add_argument("--json", help="write all figures to this file")
    args = parser.parse_args()
    binary, floor = os.path.abspath(args.binary), os.path.abspath("bench/spawn-floor")
    why = missing(binary, floor)
    if why:
        print(f"skipped: {why}")
        return 77
    makers = {
        "runtime": lambda: Server([binary, "--host", "127.0.0.1", "--port", "0"], r"^Listening on \S+:(\d+)"),
        "fastapi": lambda: Server([sys.executable, "-m", "uvicorn", "runtime_fastapi:app", "--port", "0", "--no-access-log"],
                                  r"running on http://\S+:(\d+)"),
    }
    rounds, floors = [], []

    def floor_ms():
        floors.append(float(subprocess.run([floor], capture_output=True, text=True, check=True).stdout) / 1000)
        return floors[-1]

    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = \'{"command": "/bin/true"}\'\n')
        script.flush()
        for number in range(args.rounds):
            rounds.append({who: measure(make, args.seconds, script.name, floor_ms) for who, make in makers.items()})
            print(f"round {number + 1} of {args.rounds} is done", file=sys.stderr)
    show(rounds, floors)
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"rounds": rounds, "floors_ms": floors}, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
