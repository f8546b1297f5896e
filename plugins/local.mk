# SPDX-License-Identifier: Apache-2.0
# The rule that every plugin's CRD goes through: plugins/NAME/crd.yaml becomes `const char NAME_crd[]` in plugins/NAME/crd.c. A
# plugin lists crd.c in its nodist_..._SOURCES and in CLEANFILES, crd.yaml in EXTRA_DIST.
EXTRA_DIST += scripts/embed.sh

%D%/%/crd.c: %D%/%/crd.yaml scripts/embed.sh
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SHELL) $(top_srcdir)/scripts/embed.sh $*_crd $< >$@.tmp && mv $@.tmp $@
