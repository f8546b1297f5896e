# SPDX-License-Identifier: Apache-2.0

# The router with the real HAProxy, in a network namespace of its own. Skipped where that cannot be.
TESTS += %D%/router.sh
EXTRA_DIST += %D%/router.sh %D%/routersuite.py %D%/run.py %D%/test_answers.py %D%/test_deploy.py %D%/test_headers.py %D%/test_lag.py \
	%D%/test_process.py %D%/test_requests.py %D%/test_routes.py %D%/test_smuggling.py %D%/test_tokens.py \
	%D%/test_tracing.py

EXTRA_DIST += deploy/router.yaml deploy/router-gateway.yaml deploy/router-gateway-gke.yaml deploy/router/Containerfile \
	clients/python/agentic-sandbox-client/sandbox-router/README.md \
	clients/python/agentic-sandbox-client/sandbox-router/sandbox_router.yaml bench/router.py
