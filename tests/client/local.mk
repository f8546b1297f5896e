# SPDX-License-Identifier: Apache-2.0
# The Python client. Skipped without pytest and the package kubernetes.
TESTS += %D%/client.sh
EXTRA_DIST += %D%/client.sh

client_python = clients/python/agentic-sandbox-client
EXTRA_DIST += $(client_python)/README.md $(client_python)/otel-collector-config.yaml $(client_python)/pyproject.toml \
	$(client_python)/python-sandbox-template.yaml $(client_python)/test_client.py \
	$(client_python)/agentic_sandbox/__init__.py $(client_python)/agentic_sandbox/apiserver.py \
	$(client_python)/agentic_sandbox/base.py $(client_python)/agentic_sandbox/client.py \
	$(client_python)/agentic_sandbox/credentials.py $(client_python)/agentic_sandbox/deadline.py \
	$(client_python)/agentic_sandbox/errors.py $(client_python)/agentic_sandbox/files.py \
	$(client_python)/agentic_sandbox/http.py $(client_python)/agentic_sandbox/kube.py \
	$(client_python)/agentic_sandbox/kubeconfig.py $(client_python)/agentic_sandbox/process.py \
	$(client_python)/agentic_sandbox/secret.py \
	$(client_python)/agentic_sandbox/models.py $(client_python)/agentic_sandbox/operations.py \
	$(client_python)/agentic_sandbox/py.typed $(client_python)/agentic_sandbox/sandbox.py \
	$(client_python)/agentic_sandbox/tracing.py $(client_python)/agentic_sandbox/tunnel.py \
	$(client_python)/agentic_sandbox/wire.py \
	$(client_python)/tests/conftest.py $(client_python)/tests/fakeapi.py $(client_python)/tests/fakekubectl.py $(client_python)/tests/fakerouter.py \
	$(client_python)/tests/test_claims.py $(client_python)/tests/test_credentials.py \
	$(client_python)/tests/test_exit.py $(client_python)/tests/test_faults.py $(client_python)/tests/test_fork.py \
	$(client_python)/tests/test_operations.py $(client_python)/tests/test_package.py \
	$(client_python)/tests/test_runtime.py $(client_python)/tests/test_tracing.py $(client_python)/tests/test_ways.py \
	$(client_python)/tests/world.py
