#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the built router beside direct access; see bench/README.md. Needs wrk, haproxy and root (a network namespace):
    top_builddir=BUILD bench/router.py [--entries 10000,100000] [--seconds 5] [--realtime] [--json FILE]

The API server is made up here: it tells of N Sandboxes and pods on a watch. All pods have the address of one server, but
for it to be one each, they share no address: 10.64.0.0/10 is this machine.
"""

import argparse
import http.server
import json
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "contract"))

from process import Process, free_ports, until  # noqa: E402

INSIDE = "ROUTER_BENCH_NETWORK"
BACKEND = """\
global
	nbthread 1
defaults
	mode http
	timeout client 60s
	timeout server 60s
	timeout connect 5s
frontend pods
	bind *:8888
	http-request return status 200 content-type application/json string '{"status":"ok"}'
"""
PART = 12000  # bytes of entries in one command, as router/table.c sends them


def address(number):
    return f"10.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def sandbox(number):
    return {"apiVersion": "agents.x-k8s.io/v1alpha1", "kind": "Sandbox", "spec": {"replicas": 1}, "metadata": {
        "name": f"sandbox-{number}", "namespace": "default", "uid": f"uid-{number}", "resourceVersion": "5"}}


def pod(number, where=None, version=5):
    return {"apiVersion": "v1", "kind": "Pod", "spec": {}, "metadata": {
        "name": f"sandbox-{number}", "namespace": "default", "uid": f"pod-{number}", "resourceVersion": str(version),
        "ownerReferences": [{"apiVersion": "agents.x-k8s.io/v1alpha1", "kind": "Sandbox", "name": f"sandbox-{number}",
                             "uid": f"uid-{number}", "controller": True}]},
            "status": {"podIP": where or address(number + 2), "hostIP": "10.63.0.1", "startTime": "2026-01-01T00:00:00Z",
                       "conditions": [{"type": "Ready", "status": "True"}]}}


class Api:
    """Watches that begin with N objects; then what tell() is given."""

    def __init__(self, count):
        outer = self
        self.streams = {"sandboxes": (sandbox, queue.Queue()), "pods": (pod, queue.Queue())}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                kind = url.path.rsplit("/", 1)[1]
                self.send_response(200 if kind in outer.streams else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                if kind in outer.streams:
                    outer.watch(self.wfile, kind, count if "sendInitialEvents" in url.query else 0)
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def watch(self, out, kind, count):
        def send(events):
            data = b"".join(json.dumps({"type": t, "object": o}).encode() + b"\n" for t, o in events)
            out.write(b"%x\r\n" % len(data) + data + b"\r\n")
            out.flush()
        make, later = self.streams[kind]
        for begin in range(0, count, 500):
            send([("ADDED", make(number)) for number in range(begin, min(begin + 500, count))])
        send([("BOOKMARK", {"kind": make(0)["kind"], "apiVersion": make(0)["apiVersion"], "metadata": {
            "resourceVersion": "10", "annotations": {"k8s.io/initial-events-end": "true"}}})])
        while True:
            send(later.get())

    def tell(self, kind, events):
        self.streams[kind][1].put(events)


class World:
    """A backend, the router and its API; everything in a folder."""

    def __init__(self, count, options):
        self.folder = tempfile.mkdtemp(prefix="router-bench-")
        self.count, self.processes = count, []
        self.before = ["chrt", "-r", "1"] if options.realtime else ["nice", "-n", str(options.nice)]
        self.api = Api(count)
        self.port, self.health, metrics = free_ports(3)
        self.run_dir = os.path.join(self.folder, "run")
        build = os.environ.get("top_builddir") or os.getcwd()
        runtime = os.path.join(build, "agent-sandbox-runtime")
        self.backend = "agent-sandbox-runtime" if os.access(runtime, os.X_OK) else "HAProxy"
        self.spawn("backend", [runtime, "--port", "8888", "--base-dir", self.folder] if self.backend != "HAProxy"
                   else ["haproxy", "-db", "-f", self.write("backend.cfg", BACKEND)])
        kubeconfig = self.write("kubeconfig", f"""\
apiVersion: v1
kind: Config
current-context: bench
clusters: [{{name: bench, cluster: {{server: "{self.api.url}"}}}}]
users: [{{name: bench, user: {{}}}}]
contexts: [{{name: bench, context: {{cluster: bench, user: bench}}}}]
""")
        begin = time.monotonic()
        binary = os.path.join(build, "agent-sandbox-router")
        self.router = self.spawn("router", [
            binary, "--kubeconfig", kubeconfig, "--run-dir", self.run_dir, "--listen", f"127.0.0.1:{self.port}",
            "--health-probe-bind-address", f"127.0.0.1:{self.health}", "--metrics-bind-address", f"127.0.0.1:{metrics}",
            "--haproxy-metrics-bind-address", "0"])
        self.router.wait_ready(lambda: self.has(count - 1), 120)
        self.start_s = time.monotonic() - begin

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)
        return f.name

    def spawn(self, name, argv):
        process = Process(name, [*self.before, *argv], os.path.join(self.folder, name + ".log"))
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.stop(15)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(os.path.join(self.run_dir, "haproxy.sock"))
            s.sendall(text.encode() + b"\n")
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    @property
    def map(self):
        return os.path.join(self.run_dir, "sandboxes.enqueue")

    def has(self, number, where=None):
        try:
            said = self.command(f"get map {self.enqueue} sandbox-{number}/default")
        except OSError:
            return False
        return f'value="{where}"' in said if where else "found=yes" in said

    def pids(self):
        """The router's and its HAProxy's."""
        router, found = self.router.pid, None
        for task in os.listdir(f"/proc/{router}/task"):
            with open(f"/proc/{router}/task/{task}/children") as f:
                found = (f.read().split() or [found])[0]
        return router, int(found)

    # ---- what is measured --------------------------------------------------------------------------

    def load(self, port, connections, seconds, number):
        host = "127.0.0.1" if port == self.port else address(number + 2)
        out = subprocess.run(
            [*self.before, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
             "-H", f"X-Sandbox-ID: sandbox-{number}", f"http://{host}:{port}/"],
            capture_output=True, text=True, check=True).stdout
        def ms(share):
            value, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", out).groups()
            return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        bad = re.search(r"Non-2xx[^:]*: (\d+)", out)
        return {"requests_s": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "p50_ms": ms(50),
                "p99_ms": ms(99), "failed": int(bad.group(1)) if bad else 0}

    def commands(self, times=50):
        """Milliseconds of HAProxy's own commands at this size."""
        def each(make):
            begin = time.monotonic()
            for number in range(times):
                self.command(make(number))
            return (time.monotonic() - begin) * 1000 / times
        found = {"show_info_ms": each(lambda n: "show info"),
                 "add_ms": each(lambda n: f"add map {self.enqueue} extra-{n}/default 10.64.0.1"),
                 "del_ms": each(lambda n: f"del map {self.enqueue} extra-{n}/default")}
        begin = time.monotonic()
        version = re.search(r": (\d+)", self.command(f"prepare map {self.enqueue}")).group(1)
        lines, size = [], 0
        for number in range(self.count + 1):
            line = f"sandbox-{number}/default {address(number + 2)}\n" if number < self.count else ""
            lines.append(line)
            size += len(line)
            if size >= PART or number == self.count:
                self.command(f"add map @{version} {self.enqueue} <<\n{''.join(lines)}")
                lines, size = [], 0
        self.command(f"commit map @{version} {self.enqueue}")
        found["resync_ms"] = (time.monotonic() - begin) * 1000
        return found

    def churn(self, changes=1000):
        """Changes a second, from the watch's events to HAProxy's map, and how long one alone takes."""
        def moved(number, to, version):
            self.api.tell("pods", [("MODIFIED", pod(number, to, version))])
        times = []
        for i in range(20):
            to = f"10.127.0.{i + 1}"
            begin = time.monotonic()
            moved(i, to, 100 + i)
            until(lambda: self.has(i, to), 10, "one change", pause=0.0005)
            times.append((time.monotonic() - begin) * 1000)
        begin = time.monotonic()
        for i in range(changes):
            moved(i, f"10.126.{i >> 8}.{i & 255}", 1000 + i)
        last = changes - 1
        until(lambda: self.has(last, f"10.126.{last >> 8}.{last & 255}"), 120, "all changes", pause=0.005)
        return {"one_ms": sorted(times)[10], "changes_s": changes / (time.monotonic() - begin)}


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1]) / 1024


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count, options):
    world = World(count, options)
    figures = {"entries": count, "backend": world.backend, "start_s": world.start_s, "load": {}}
    try:
        router, haproxy = world.pids()
        figures["rss_idle_mb"] = {"router": rss_mb(router), "haproxy": rss_mb(haproxy)}
        for connections in (1, 10, 50):
            rounds = []
            for turn in range(options.rounds):
                direct = world.load(8888, connections, options.seconds, count // 2)
                before = cpu_s(haproxy)
                through = world.load(world.port, connections, options.seconds, count // 2)
                through["cpu_us"] = (cpu_s(haproxy) - before) * 1e6 / (through["requests_s"] * options.seconds)
                rounds.append({"direct": direct, "router": through,
                               "share": through["requests_s"] / direct["requests_s"]})
            # The round in the middle, by what is aimed at.
            figures["load"][connections] = sorted(rounds, key=lambda r: r["share"])[len(rounds) // 2]
        figures["rss_loaded_mb"] = {"router": rss_mb(router), "haproxy": rss_mb(haproxy)}
        figures["churn"] = world.churn()
        figures["commands"] = world.commands()
        figures["rss_end_mb"] = {"router": rss_mb(router), "haproxy": rss_mb(haproxy)}
    finally:
        world.stop()
    return figures


def show(figures):
    print(f"\n{figures['entries']} entries, there {figures['start_s']:.1f} s after the start; the backend is {figures['backend']}")
    print(f"{'connections':>12}{'direct/s':>12}{'router/s':>12}{'share':>8}{'p50':>9}{'p99':>9}{'direct p99':>12}{'CPU':>9}{'failed':>8}")
    for connections, found in figures["load"].items():
        direct, through = found["direct"], found["router"]
        print(f"{connections:>12}{direct['requests_s']:>12.0f}{through['requests_s']:>12.0f}{found['share'] * 100:>7.0f}%"
              f"{through['p50_ms']:>6.2f} ms{through['p99_ms']:>6.2f} ms{direct['p99_ms']:>9.2f} ms"
              f"{through['cpu_us']:>6.1f} us{through['failed']:>8}")
    for what in ("idle", "loaded", "end"):
        found = figures[f"rss_{what}_mb"]
        print(f"RSS {what}: router {found['router']:.1f} MB, HAProxy {found['haproxy']:.1f} MB")
    print(f"one change: {figures['churn']['one_ms']:.1f} ms; changes: {figures['churn']['changes_s']:.0f}/s")
    print("HAProxy's commands: " + ", ".join(f"{k.removesuffix('_ms')} {v:.2f} ms" for k, v in figures["commands"].items()))


def main():
    parser = argparse.ArgumentParser(description="Measure the router beside direct access.")
    parser.add_argument("--entries", default="10000,100000", help="sizes of the map")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the one in the middle counts")
    parser.add_argument("--nice", type=int, default=0, help="of all processes, where others use the machine too")
    parser.add_argument("--realtime", action="store_true", help="above all others instead (the kernel keeps 5 % from it)")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    for program in ("wrk", "haproxy", "ip", "unshare"):
        if not shutil.which(program):
            print(f"skipped: {program} is not installed")
            return 77
    if os.environ.get(INSIDE) != "1":
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-n", "--", sys.executable, *sys.argv])
    for line in ("ip link set lo up", "ip route add local 10.64.0.0/10 dev lo"):
        subprocess.run(line.split(), check=True)
    found = [measure(int(count), options) for count in options.entries.split(",")]
    for figures in found:
        show(figures)
    if options.json:
        with open(options.json, "w") as f:
            json.dump(found, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
