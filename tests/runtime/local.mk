# SPDX-License-Identifier: Apache-2.0
# The server inside a sandbox, the real program over HTTP.
TESTS += %D%/runtime.sh
EXTRA_DIST += %D%/runtime.sh %D%/run.py %D%/server.py %D%/forms.py \
	%D%/test_files.py %D%/test_openapi.py %D%/test_upload.py
