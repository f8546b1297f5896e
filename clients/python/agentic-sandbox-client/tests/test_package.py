# SPDX-License-Identifier: Apache-2.0
"""What is installed, and what the README promises of it."""

import ast
import inspect
import os
import re
import subprocess
import sys
import zipfile

import agentic_sandbox
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)


def text(*path):
    with open(os.path.join(PACKAGE, *path), encoding="utf-8") as f:
        return f.read()


def sources():
    folder = os.path.join(PACKAGE, "agentic_sandbox")
    return [os.path.join("agentic_sandbox", name) for name in sorted(os.listdir(folder)) if name.endswith(".py")]


def test_the_names_are_those_of_the_guides():
    assert str(inspect.signature(agentic_sandbox.Sandbox)).replace('"', "'").startswith(
        "(template_name: str, namespace: str = 'default')")
    parameters = list(inspect.signature(agentic_sandbox.SandboxClient).parameters)
    assert parameters[:11] == [
        "template_name", "namespace", "gateway_name", "gateway_namespace", "api_url", "server_port", "sandbox_ready_timeout",
        "gateway_ready_timeout", "port_forward_ready_timeout", "enable_tracing", "trace_service_name"]
    for name in ("run", "write", "read", "list", "exists", "is_ready"):
        assert callable(getattr(agentic_sandbox.SandboxClient, name))
    assert sorted(agentic_sandbox.__all__) == agentic_sandbox.__all__


def test_every_error_is_a_sandbox_error():
    for name in agentic_sandbox.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(agentic_sandbox, name), agentic_sandbox.SandboxError)


def test_the_source_is_python_3_7():
    for path in sources() + ["test_client.py"]:
        if sys.version_info >= (3, 8):
            ast.parse(text(path), feature_version=(3, 7))
        else:
            ast.parse(text(path))


def test_types_are_whole():
    mypy = pytest.importorskip("mypy.api")
    out, err, status = mypy.run(["--strict", "--cache-dir", os.devnull, os.path.join(PACKAGE, "agentic_sandbox")])
    assert status == 0, out + err


def test_the_readme_names_every_file_and_error():
    readme = text("README.md")
    for name in ("test_client.py", "python-sandbox-template.yaml", "otel-collector-config.yaml", "sandbox-router/README.md",
                 "python -m build", "pip install -e .", "pip install .[tracing]", "dist/agentic_sandbox-0.1.0-py3-none-any.whl"):
        assert name in readme, name
    for name in agentic_sandbox.__all__:
        assert name in readme, name


def test_the_readmes_examples_are_python():
    blocks = re.findall(r"```python\n(.*?)```", text("README.md"), re.S)
    assert len(blocks) >= 5
    for block in blocks:
        compile(block, "README.md", "exec")


def test_the_wheel_is_whole(tmp_path):
    """Built without the network, by the setuptools that is here."""
    setuptools = pytest.importorskip("setuptools")
    pytest.importorskip("wheel" if int(setuptools.__version__.split(".")[0]) < 71 else "setuptools")
    if int(setuptools.__version__.split(".")[0]) < 61:
        pytest.skip("setuptools is older than pyproject.toml asks for")
    for path in sources() + ["pyproject.toml", "README.md", os.path.join("agentic_sandbox", "py.typed")]:
        copy = tmp_path / "source" / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text(path), encoding="utf-8")
    code = "import setuptools.build_meta as b; print(b.build_wheel(%r))" % str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=str(tmp_path / "source"), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.split()[-1] == "agentic_sandbox-0.1.0-py3-none-any.whl"
    names = zipfile.ZipFile(str(tmp_path / "agentic_sandbox-0.1.0-py3-none-any.whl")).namelist()
    for path in sources() + ["agentic_sandbox/py.typed"]:
        assert path in names
    assert not [name for name in names if name.startswith(("tests/", "test_client"))]
