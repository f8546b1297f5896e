# SPDX-License-Identifier: Apache-2.0
# What reading the sources alone can tell.
style_tests = %D%/layering.sh %D%/banned.sh %D%/spdx.sh %D%/can-fail.sh %D%/docs-sync.sh %D%/names.sh
TESTS += $(style_tests)
EXTRA_DIST += $(style_tests) %D%/sources.sh
TESTS += %D%/text.sh
EXTRA_DIST += %D%/text.sh %D%/text.py
# Reads the plugins, too.
TESTS += %D%/metrics-sync.sh
EXTRA_DIST += %D%/metrics-sync.sh
# Reads the objects, too.
TESTS += %D%/structure.sh
EXTRA_DIST += %D%/structure.sh %D%/circles.py %D%/circles.txt %D%/folders.py
