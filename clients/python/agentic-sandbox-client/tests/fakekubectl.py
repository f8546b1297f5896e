# SPDX-License-Identifier: Apache-2.0
"""A stand-in for kubectl port-forward; $FAKE_KUBECTL is a folder: argv and pids (written), target (host:port), mode."""

import os
import socket
import sys
import threading

FOLDER = os.environ["FAKE_KUBECTL"]


def text(name):
    with open(os.path.join(FOLDER, name)) as f:
        return f.read().strip()


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    with open(os.path.join(FOLDER, "argv"), "a") as f:
        f.write(" ".join(sys.argv[1:]) + "\n")
    with open(os.path.join(FOLDER, "pids"), "a") as f:
        f.write("%d\n" % os.getpid())
    with open(os.path.join(FOLDER, "argv")) as f:
        starts = len(f.readlines())
    mode = text("mode")
    if mode == "refuse" or mode == "refuse-twice" and starts <= 2:
        sys.exit("error: unable to forward port because pod is not running. Current status=Pending")
    if mode == "silent":
        threading.Event().wait(60)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    if mode == "garbage":
        os.write(1, b"\xff\xfe E0101 warning\n")
    print("Forwarding from 127.0.0.1:%d -> 8080" % listener.getsockname()[1], flush=True)
    while True:
        local, _ = listener.accept()
        if mode == "dead":
            local.close()
            continue
        host, port = text("target").split(":")
        remote = socket.create_connection((host, int(port)))
        for ends in ((local, remote), (remote, local)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


main()
