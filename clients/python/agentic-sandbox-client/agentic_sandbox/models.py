# SPDX-License-Identifier: Apache-2.0
"""What a sandbox answers."""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class ExecutionResult:
    """A command that has ended. exit_code: -N for signal N, 124 after its timeout."""

    stdout: str
    stderr: str
    exit_code: int


@dataclass(frozen=True)
class FileEntry:
    """One entry of a folder. type: "file" or "directory"; mod_time: seconds since 1970."""

    name: str
    size: int
    type: str
    mod_time: float


@dataclass(frozen=True)
class StreamEvent:
    """One event of a streamed command. type: "stdout", "stderr", "error" or "done"; exit_code with the last alone."""

    type: str
    data: str
    exit_code: Optional[int] = None
