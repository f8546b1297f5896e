#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The static server in images that have less than a distribution, under podman: an empty one, one with busybox alone, one
with Python.

Needs root, podman, runc, and a static agent-sandbox-runtime: that of the build ($top_builddir, configured with
--enable-static-runtime) or $RUNTIME_BINARY. Says what is missing and ends with 77. What it makes carries LABEL.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

LABEL = "agent-sandbox-test=runtime-images"
LIMITS = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096"]
BUSYBOX = "/bin/busybox"
PYTHON_IMAGE = "python-runtime-sandbox:latest"
SOON = 30


def podman(*words):
    done = subprocess.run(["podman", *words], capture_output=True, text=True, timeout=10 * SOON)
    assert done.returncode == 0, f"podman {' '.join(words)}: {done.stderr.strip()}"
    return done.stdout.strip()


def build(name, binary, lines, files=()):
    with tempfile.TemporaryDirectory() as folder:
        for file in (binary, *files):
            shutil.copy(file, folder)
        os.rename(os.path.join(folder, os.path.basename(binary)), os.path.join(folder, "agent-sandbox-runtime"))
        os.mkdir(os.path.join(folder, "app"))
        with open(os.path.join(folder, "Containerfile"), "w") as f:
            f.write("FROM scratch\nCOPY agent-sandbox-runtime /agent-sandbox-runtime\nCOPY app /app\n" + lines
                    + 'CMD ["/agent-sandbox-runtime"]\n')
        podman("build", "--quiet", "--runtime", "runc", *LIMITS[:2], "--label", LABEL, "--tag", name, folder)


def ask(address, path, body=None):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}{path}", None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SOON) as answer:
        return json.load(answer)


def check(image, commands):
    """Runs the image and, in it, the commands: (command, what it answers)."""
    container = podman("run", "--detach", "--runtime", "runc", *LIMITS, "--label", LABEL, "--publish", "127.0.0.1::8888", image)
    try:
        address = podman("port", container, "8888/tcp")
        end = time.monotonic() + SOON
        while True:
            try:
                assert ask(address, "/")["status"] == "ok"
                break
            except OSError:
                assert time.monotonic() < end, podman("logs", container)
        for command, expected in commands:
            answer = ask(address, "/execute", {"command": command, "timeout": 5})
            assert expected.items() <= answer.items(), (image, command, answer)
        podman("stop", "--time", "5", container)
        assert podman("inspect", "--format", "{{.State.ExitCode}}", container) == "0", "SIGTERM ends it with 0"
    finally:
        podman("rm", "--force", container)


def is_dynamic(binary):
    """Whether a 64-bit ELF file asks for an interpreter."""
    with open(binary, "rb") as f:
        text = f.read()
    start, = struct.unpack_from("<Q", text, 32)
    size, count = struct.unpack_from("<HH", text, 54)
    return any(struct.unpack_from("<I", text, start + i * size)[0] == 3 for i in range(count))


def missing(binary):
    if os.geteuid() != 0:
        return "needs root"
    for program in ("podman", "runc"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not os.access(binary, os.X_OK):
        return f"'{binary}' is not built"
    if is_dynamic(binary):
        return f"'{binary}' is not static: configure with --enable-static-runtime, or set RUNTIME_BINARY"
    return None


def main():
    binary = os.path.abspath(os.environ.get("RUNTIME_BINARY")
                             or os.path.join(os.environ.get("top_builddir", "."), "agent-sandbox-runtime"))
    why = missing(binary)
    if why:
        print(f"skipped: {why}")
        return 77
    name = f"localhost/runtime-images-test-{os.getpid()}"
    try:
        build(name + "-empty", binary, "")
        check(name + "-empty", [("true", {"exit_code": 1, "stderr": "Failed to execute command: [Errno 2] No such file or directory: 'true'"}),
                     ("/agent-sandbox-runtime --version", {"exit_code": 0})])
        print("ok an empty image")
        if os.access(BUSYBOX, os.X_OK):
            build(name + "-busybox", binary, 'COPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n', [BUSYBOX])
            check(name + "-busybox", [("sh -c 'sleep 100 & echo $PPID; id -u'", {"exit_code": 0, "stdout": "1\n0\n"}),
                         ("sh -c 'setsid sleep 60 & sleep 60'", {"exit_code": 124, "stderr": "Command timed out after 5 seconds"})])
            print("ok an image with busybox")
        else:
            print(f"skip an image with busybox: no '{BUSYBOX}': apt-get install busybox-static")
        if subprocess.run(["podman", "image", "exists", PYTHON_IMAGE]).returncode == 0:
            check(PYTHON_IMAGE, [("python3 -c 'print(6 * 7)'", {"exit_code": 0, "stdout": "42\n"})])
            print("ok an image with Python")
        else:
            print(f"skip an image with Python: no '{PYTHON_IMAGE}': scripts/build-image.sh makes it")
    finally:
        subprocess.run(["podman", "rmi", "--force", name + "-empty", name + "-busybox"], capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
