#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Talks to a sandbox's server as an agent would, and says what it saw.

Use: python tester.py [ip] [port]        (127.0.0.1 8888)
"""

import json
import sys
import urllib.error
import urllib.request
import uuid

TIMEOUT_SECONDS = 30


def request(base, method, path, body=None, content_type="application/json"):
    """Returns status and body."""
    headers = {"Content-Type": content_type} if body is not None else {}
    call = urllib.request.Request(base + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(call, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def execute(base, command, **more):
    status, body = request(base, "POST", "/execute", json.dumps({"command": command, **more}).encode())
    assert status == 200, f"/execute answered {status}: {body!r}"
    answer = json.loads(body)
    print(f"$ {command}")
    for name in ("stdout", "stderr", "exit_code"):
        print(f"  {name}: {answer[name]!r}")
    return answer


def stream(base, command):
    """The events of a command, as (event, data)."""
    body = json.dumps({"command": command, "timeout": 20}).encode()
    call = urllib.request.Request(base + "/execute/stream", data=body, headers={"Content-Type": "application/json"})
    events, event = [], None
    with urllib.request.urlopen(call, timeout=TIMEOUT_SECONDS) as answer:
        for line in answer:
            line = line.decode().rstrip("\r\n")
            if line.startswith("event: "):
                event = line[len("event: "):]
            elif line.startswith("data: "):
                events.append((event, line[len("data: "):]))
    print(f"$ {command}   (streamed)")
    for event, data in events:
        print(f"  {event}: {data}")
    return events


def upload(base, name, content):
    mark = uuid.uuid4().hex
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n").encode() + content + f"\r\n--{mark}--\r\n".encode()
    return request(base, "POST", "/upload", body, f"multipart/form-data; boundary={mark}")


def check_health(base):
    status, body = request(base, "GET", "/")
    print(f"health: {status} {body.decode()}")
    assert status == 200 and json.loads(body)["status"] == "ok"


def check_execute(base):
    assert execute(base, "echo 'hello world'") == {"stdout": "hello world\n", "stderr": "", "exit_code": 0}
    assert execute(base, "sh -c 'echo out; echo err >&2; exit 3'") == {"stdout": "out\n", "stderr": "err\n", "exit_code": 3}
    assert execute(base, "python3 -c 'print(6 * 7)'")["stdout"] == "42\n"
    assert execute(base, "no-such-command")["exit_code"] == 1


def check_timeout(base):
    answer = execute(base, "sleep 10", timeout=1)
    assert answer["exit_code"] == 124 and answer["stderr"] == "Command timed out after 1 seconds"


def check_stream(base):
    events = stream(base, "sh -c 'for i in 1 2 3; do echo Line $i; done'")
    assert events == [("stdout", "Line 1"), ("stdout", "Line 2"), ("stdout", "Line 3"), ("done", '{"exit_code": 0}')], events


def check_files(base):
    content = bytes(range(256)) * 64
    status, body = upload(base, "tester.bin", content)
    print(f"upload: {status} {body.decode()}")
    assert status == 200, body
    assert request(base, "GET", "/download/tester.bin") == (200, content)
    assert json.loads(request(base, "GET", "/exists/tester.bin")[1])["exists"] is True
    names = [entry["name"] for entry in json.loads(request(base, "GET", "/list/.")[1])]
    print(f"list: {names}")
    assert "tester.bin" in names
    assert request(base, "GET", "/download/nothing-here")[0] == 404
    assert request(base, "GET", "/download/..%2f..%2fetc%2fpasswd")[0] == 403
    execute(base, "rm tester.bin")


def main():
    ip = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    port = sys.argv[2] if len(sys.argv) > 2 else "8888"
    base = f"http://{ip}:{port}"
    for check in (check_health, check_execute, check_timeout, check_stream, check_files):
        check(base)
    print("All checks passed.")


if __name__ == "__main__":
    main()
