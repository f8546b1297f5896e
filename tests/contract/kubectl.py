# SPDX-License-Identifier: Apache-2.0
"""What the kubectl that is there can do: Debian's is years older than the newest."""

import functools
import json
import re
import subprocess
import unittest


@functools.lru_cache
def kubectl_minor(program="kubectl"):
    """N of its version 1.N."""
    done = subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True, text=True, timeout=60)
    return int(re.match(r"\d+", json.loads(done.stdout)["clientVersion"]["minor"]).group())


def needs_kubectl(minor, what):
    """Skips a case whose kubectl is too old for it."""
    if kubectl_minor() < minor:
        raise unittest.SkipTest(f"kubectl is 1.{kubectl_minor()}: {what} came with 1.{minor}")
