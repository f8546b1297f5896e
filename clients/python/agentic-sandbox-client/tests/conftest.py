# SPDX-License-Identifier: Apache-2.0
"""What the tests share. Those marked with `world` need a Kubernetes API: agent-sandbox-local in $top_builddir, or the
binaries in $KUBEBUILDER_ASSETS (AGENTIC_SANDBOX_TEST_SERVER=real asks for these)."""

import os
import stat
import sys
import time

import pytest

BUSY_SECONDS = 30
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

from agentic_sandbox.http import Http  # noqa: E402
from agentic_sandbox.operations import Operations  # noqa: E402
from agentic_sandbox.tracing import NoTracer  # noqa: E402
from fakeapi import FakeApi  # noqa: E402
from fakerouter import FakeRouter  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=12, help="rounds of random faults (12)")


def pytest_terminal_summary(terminalreporter):
    """The line that scripts/test.sh adds up."""
    stats = terminalreporter.stats
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.write_line("%d passed, %d failed" % (len(stats.get("passed", [])), failed))


class Plain(Operations):
    """The operations alone: no claim, no cluster."""

    def __init__(self, url, routed=True):
        super().__init__(NoTracer())
        self._http = Http(lambda deadline: url, lambda: {"X-Sandbox-ID": "s"}, routed=routed)


@pytest.fixture
def router():
    router = FakeRouter()
    yield router
    router.stop()


@pytest.fixture
def sandbox(router):
    plain = Plain(router.url)
    yield plain
    plain._http.close()


@pytest.fixture
def fake_api():
    api = FakeApi()
    yield api
    api.stop()


@pytest.fixture
def kubectl(tmp_path, monkeypatch, router):
    """Sets what the stand-in does; .argv() is how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "kubectl"
    script.write_text("#!/bin/sh\nexec '%s' '%s' \"$@\"\n" % (sys.executable, os.path.join(HERE, "fakekubectl.py")))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder) + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("FAKE_KUBECTL", str(tmp_path))
    (tmp_path / "target").write_text("127.0.0.1:%d" % router.port)

    def mode(name):
        (tmp_path / "mode").write_text(name)
    mode("ok")
    mode.argv = lambda: (tmp_path / "argv").read_text().splitlines() if (tmp_path / "argv").exists() else []
    return mode


@pytest.fixture
def within():
    """with within(2): what waits for something else than those seconds fails; a busy machine has more of them."""
    class Within:
        def __init__(self, seconds):
            self.seconds = seconds

        def __enter__(self):
            self.begin = time.monotonic()

        def __exit__(self, kind, error, traceback):
            if kind is None:
                took = time.monotonic() - self.begin
                assert took < self.seconds + BUSY_SECONDS, "took %.1f s" % took
    return Within


@pytest.fixture(scope="session")
def world():
    import world as module
    why = module.missing()
    if why:
        pytest.skip(why)
    made = module.World()
    yield made
    made.stop()
