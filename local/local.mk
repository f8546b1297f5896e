# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += agent-sandbox-local
agent_sandbox_local_SOURCES = %D%/main.c core/observe/memory-trim.c core/observe/memory-trim.h
agent_sandbox_local_LDADD = libup.la

# What its commands are made of, for the tests too.
noinst_LTLIBRARIES += libup.la
libup_la_SOURCES = \
	%D%/apply.c %D%/apply.h \
	%D%/ask.c %D%/ask.h \
	%D%/instance.c %D%/instance.h \
	%D%/kubeconfig-write.c %D%/kubeconfig-write.h \
	%D%/mirror.c %D%/mirror.h \
	%D%/options.c %D%/options.h \
	%D%/peek.c %D%/peek.h \
	%D%/serving.c %D%/serving.h \
	%D%/state-directory.c %D%/state-directory.h \
	%D%/supervise.c %D%/supervise.h %D%/supervise-private.h \
	%D%/supervise-child.c \
	%D%/up.c %D%/up.h %D%/up-private.h \
	%D%/up-children.c \
	%D%/up-down.c \
	%D%/up-ready.c \
	%D%/up-tell.c
nodist_libup_la_SOURCES = %D%/crd-sandboxes.c %D%/crd-sandboxclaims.c %D%/crd-sandboxtemplates.c %D%/crd-sandboxwarmpools.c
libup_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
libup_la_LIBADD = libapiserver.la libcore.la
CLEANFILES += $(nodist_libup_la_SOURCES)

# The four kinds, from the same files that clusters are given.
LOCAL_EMBED = $(AM_V_GEN)$(MKDIR_P) %D% && $(srcdir)/scripts/embed.sh
%D%/crd-sandboxes.c: $(srcdir)/deploy/crds/sandboxes.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxes $(srcdir)/deploy/crds/sandboxes.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxclaims.c: $(srcdir)/deploy/crds/sandboxclaims.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxclaims $(srcdir)/deploy/crds/sandboxclaims.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxtemplates.c: $(srcdir)/deploy/crds/sandboxtemplates.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxtemplates $(srcdir)/deploy/crds/sandboxtemplates.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxwarmpools.c: $(srcdir)/deploy/crds/sandboxwarmpools.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxwarmpools $(srcdir)/deploy/crds/sandboxwarmpools.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
