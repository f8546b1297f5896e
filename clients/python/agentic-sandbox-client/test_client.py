#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of a sandbox, once: claim, commands, files, clean up.

    python test_client.py [--namespace NS] [--gateway-name NAME] [--api-url URL] [--enable-tracing]
"""

import argparse

from agentic_sandbox import SandboxClient


def check_commands(sandbox):
    print("--- Commands ---")
    result = sandbox.run("echo 'Hello from the sandbox!'")
    print(f"stdout: {result.stdout.strip()}")
    assert result.stdout == "Hello from the sandbox!\n" and result.exit_code == 0
    result = sandbox.run("sh -c 'echo problem >&2; exit 3'")
    assert result.stderr == "problem\n" and result.exit_code == 3
    print("Command execution: passed")


def check_files(sandbox):
    print("--- Files ---")
    content = "written by test_client.py\n"
    sandbox.write("notes/test.txt", content)
    assert sandbox.read("notes/test.txt").decode() == content
    assert sandbox.exists("notes/test.txt") and not sandbox.exists("notes/other.txt")
    assert [entry.name for entry in sandbox.list("notes")] == ["test.txt"]
    assert sandbox.run("cat notes/test.txt").stdout == content
    print("File operations: passed")


def check_stream(sandbox):
    print("--- Streaming ---")
    events = list(sandbox.run_stream("sh -c 'for i in 1 2 3; do echo line $i; done'"))
    assert [event.data for event in events if event.type == "stdout"] == ["line 1", "line 2", "line 3"]
    assert events[-1].exit_code == 0
    print("Streaming: passed")


def main():
    parser = argparse.ArgumentParser(description="Tests the sandbox client against a cluster.")
    parser.add_argument("--template-name", default="python-sandbox-template")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--gateway-name", help="production: through this Gateway")
    parser.add_argument("--gateway-namespace", default="default")
    parser.add_argument("--api-url", help="through the router at this URL")
    parser.add_argument("--server-port", type=int, default=8888)
    parser.add_argument("--enable-tracing", action="store_true")
    args = parser.parse_args()

    print(f"Claiming a sandbox of template '{args.template_name}' in namespace '{args.namespace}'")
    with SandboxClient(template_name=args.template_name, namespace=args.namespace, gateway_name=args.gateway_name,
                       gateway_namespace=args.gateway_namespace, api_url=args.api_url, server_port=args.server_port,
                       enable_tracing=args.enable_tracing) as sandbox:
        print(f"Sandbox '{sandbox.sandbox_name}' is ready: {sandbox.is_ready()}")
        check_commands(sandbox)
        check_files(sandbox)
        check_stream(sandbox)
    print("All tests passed; the sandbox is gone.")


if __name__ == "__main__":
    main()
