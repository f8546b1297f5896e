# SPDX-License-Identifier: Apache-2.0
"""Sandboxes for agents: claim one, run commands and move files in it, give it back.

    from agentic_sandbox import SandboxClient

    with SandboxClient(template_name="python-sandbox-template") as sandbox:
        print(sandbox.run("echo hello").stdout)
"""

from .client import SandboxClient
from .errors import (
    SandboxCleanupError,
    SandboxClosedError,
    SandboxConnectionError,
    SandboxError,
    SandboxGatewayError,
    SandboxKubernetesError,
    SandboxPathError,
    SandboxProtocolError,
    SandboxRequestError,
    SandboxTimeoutError,
    SandboxTunnelError,
)
from .models import ExecutionResult, FileEntry, StreamEvent
from .sandbox import Sandbox

__all__ = [
    "ExecutionResult",
    "FileEntry",
    "Sandbox",
    "SandboxCleanupError",
    "SandboxClient",
    "SandboxClosedError",
    "SandboxConnectionError",
    "SandboxError",
    "SandboxGatewayError",
    "SandboxKubernetesError",
    "SandboxPathError",
    "SandboxProtocolError",
    "SandboxRequestError",
    "SandboxTimeoutError",
    "SandboxTunnelError",
    "StreamEvent",
]
