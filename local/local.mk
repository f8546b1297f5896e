# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += agent-sandbox-local
agent_sandbox_local_SOURCES = %D%/main.c core/observe/memory-trim.c core/observe/memory-trim.h
agent_sandbox_local_LDADD = libup.la

# What its commands are made of, for the tests too.
noinst_LTLIBRARIES += libup.la
libup_la_SOURCES = \
	%D%/api-client.c %D%/api-client.h \
	%D%/apply.c %D%/apply.h \
	%D%/child-process.c %D%/child-process.h \
	%D%/instance.c %D%/instance.h \
	%D%/kubeconfig-write.c %D%/kubeconfig-write.h \
	%D%/options.c %D%/options.h \
	%D%/probe.c %D%/probe.h \
	%D%/router-service.c %D%/router-service.h \
	%D%/serving.c %D%/serving.h \
	%D%/state-directory.c %D%/state-directory.h \
	%D%/supervise.c %D%/supervise.h \
	%D%/up.c %D%/up.h %D%/up-private.h \
	%D%/up-down.c \
	%D%/up-processes.c \
	%D%/up-ready.c \
	%D%/up-status.c
# Texts that scripts/embed.sh makes C strings of: the four kinds, from the same files that clusters are given, and objects that
# `up` writes.
nodist_libup_la_SOURCES = \
	%D%/crd-sandboxes.c %D%/crd-sandboxclaims.c %D%/crd-sandboxtemplates.c %D%/crd-sandboxwarmpools.c \
	%D%/text-node-unknown.c %D%/text-pod-not-ready.c \
	%D%/text-router-service.c %D%/text-router-pod.c %D%/text-router-pod-status.c
libup_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
libup_la_LIBADD = libapiserver.la libcore.la
CLEANFILES += $(nodist_libup_la_SOURCES)
EXTRA_DIST += %D%/node-unknown.yaml %D%/pod-not-ready.yaml %D%/router-service.yaml %D%/router-pod.yaml.in %D%/router-pod-status.yaml.in

LOCAL_EMBED = $(AM_V_GEN)$(MKDIR_P) %D% && $(srcdir)/scripts/embed.sh
%D%/crd-sandboxes.c: $(srcdir)/deploy/crds/sandboxes.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxes $(srcdir)/deploy/crds/sandboxes.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxclaims.c: $(srcdir)/deploy/crds/sandboxclaims.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxclaims $(srcdir)/deploy/crds/sandboxclaims.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxtemplates.c: $(srcdir)/deploy/crds/sandboxtemplates.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxtemplates $(srcdir)/deploy/crds/sandboxtemplates.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/crd-sandboxwarmpools.c: $(srcdir)/deploy/crds/sandboxwarmpools.extensions.agents.x-k8s.io.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_crd_sandboxwarmpools $(srcdir)/deploy/crds/sandboxwarmpools.extensions.agents.x-k8s.io.yaml >$@.new && mv $@.new $@
%D%/text-node-unknown.c: $(srcdir)/%D%/node-unknown.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_node_unknown $(srcdir)/%D%/node-unknown.yaml >$@.new && mv $@.new $@
%D%/text-pod-not-ready.c: $(srcdir)/%D%/pod-not-ready.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_pod_not_ready $(srcdir)/%D%/pod-not-ready.yaml >$@.new && mv $@.new $@
%D%/text-router-service.c: $(srcdir)/%D%/router-service.yaml $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_router_service $(srcdir)/%D%/router-service.yaml >$@.new && mv $@.new $@
%D%/text-router-pod.c: $(srcdir)/%D%/router-pod.yaml.in $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_router_pod $(srcdir)/%D%/router-pod.yaml.in >$@.new && mv $@.new $@
%D%/text-router-pod-status.c: $(srcdir)/%D%/router-pod-status.yaml.in $(srcdir)/scripts/embed.sh
	$(LOCAL_EMBED) local_router_pod_status $(srcdir)/%D%/router-pod-status.yaml.in >$@.new && mv $@.new $@
