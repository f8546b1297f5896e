# SPDX-License-Identifier: Apache-2.0
"""What a fork must not share. A child process has copies of its parent's connections and locks: two processes that wrote to
one connection would read each other's answers."""

import os
import weakref
from typing import Any, Tuple

_forks = 0
_watched: "weakref.WeakSet[Any]" = weakref.WeakSet()


def current() -> Tuple[int, int]:
    """Names this process. A process number alone is not enough: it is given again."""
    return os.getpid(), _forks


def watch(thing: Any) -> None:
    """thing.after_fork() is called in each child process, before anything else runs there."""
    _watched.add(thing)


def _after_fork() -> None:
    global _forks
    _forks += 1
    for thing in list(_watched):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
