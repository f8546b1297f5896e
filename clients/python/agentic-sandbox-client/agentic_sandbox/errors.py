# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. Every error of this package is a SandboxError; none holds a command, a file or a token."""

from typing import Optional


class SandboxError(Exception):
    """The base of them all."""


class SandboxKubernetesError(SandboxError):
    """The API server refused a request, or could not be reached."""

    def __init__(self, message: str, status: Optional[int] = None):
        super().__init__(message)
        self.status = status


class SandboxTimeoutError(SandboxError, TimeoutError):
    """Something did not happen in its time."""


class SandboxGatewayError(SandboxError):
    """The Gateway cannot be used."""


class SandboxTunnelError(SandboxError):
    """kubectl port-forward did not come up, or ended."""


class SandboxClosedError(SandboxError):
    """The client is not open: use it in a with statement, or call open() first."""


class SandboxPathError(SandboxError, ValueError):
    """A path that would leave the sandbox's folder, or that no file can have."""


class SandboxConnectionError(SandboxError, ConnectionError):
    """The sandbox could not be reached, or the connection broke. sent: whether the request may have reached it."""

    def __init__(self, message: str, sent: bool):
        super().__init__(message)
        self.sent = sent


class SandboxRequestError(SandboxError):
    """The sandbox or the router answered with an error. detail is its words, at most a few hundred characters."""

    def __init__(self, status: int, detail: str, sent: bool = True):
        super().__init__(f"the sandbox answered {status}: {detail}")
        self.status = status
        self.detail = detail
        self.sent = sent


class SandboxProtocolError(SandboxError):
    """An answer that is not what the sandbox's server says: no JSON, wrong types, too large."""


class SandboxCleanupError(SandboxError):
    """The claim could not be deleted; the message names it."""
