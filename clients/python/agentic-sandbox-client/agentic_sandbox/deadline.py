# SPDX-License-Identifier: Apache-2.0
"""Time that runs out."""

import time


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds left, 0 at the least, `most` at the most."""
        return max(0.0, min(most, self._end - time.monotonic()))

    @property
    def over(self) -> bool:
        return self.left() <= 0

    def pause(self, seconds: float) -> None:
        """Sleeps for that long, or until the end."""
        time.sleep(self.left(seconds))
