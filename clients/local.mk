# SPDX-License-Identifier: Apache-2.0
# The client is Python: shipped, and installed by pip. tests/install/dist.sh tells when a file is missing here.
EXTRA_DIST += \
	%D%/python/agentic-sandbox-client/agentic_sandbox/__init__.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/base.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/client.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/deadline.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/errors.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/files.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/http.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/kube.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/models.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/operations.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/py.typed \
	%D%/python/agentic-sandbox-client/agentic_sandbox/sandbox.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/tracing.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/tunnel.py \
	%D%/python/agentic-sandbox-client/agentic_sandbox/wire.py \
	%D%/python/agentic-sandbox-client/otel-collector-config.yaml \
	%D%/python/agentic-sandbox-client/pyproject.toml \
	%D%/python/agentic-sandbox-client/python-sandbox-template.yaml \
	%D%/python/agentic-sandbox-client/sandbox-router/README.md \
	%D%/python/agentic-sandbox-client/sandbox-router/sandbox_router.yaml \
	%D%/python/agentic-sandbox-client/test_client.py \
	%D%/python/agentic-sandbox-client/tests/conftest.py \
	%D%/python/agentic-sandbox-client/tests/fakerouter.py \
	%D%/python/agentic-sandbox-client/tests/test_claims.py \
	%D%/python/agentic-sandbox-client/tests/test_faults.py \
	%D%/python/agentic-sandbox-client/tests/test_operations.py \
	%D%/python/agentic-sandbox-client/tests/world.py
