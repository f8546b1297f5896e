# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += liblocal.la
liblocal_la_SOURCES = \
	%D%/collect.c \
	%D%/delete.c \
	%D%/fields.c %D%/fields.h \
	%D%/history.c \
	%D%/objects.c %D%/objects.h %D%/objects-private.h \
	%D%/owner.c %D%/owner.h \
	%D%/record.c \
	%D%/state.c %D%/state.h \
	%D%/update.c %D%/update.h \
	%D%/write.c

# the API server: requests, watches, HTTP, TLS
noinst_LTLIBRARIES += libapiserver.la
libapiserver_la_SOURCES = \
	%D%/api.c %D%/api.h %D%/api-private.h \
	%D%/api-audit.c \
	%D%/api-body.c \
	%D%/api-delete.c \
	%D%/api-discover.c \
	%D%/api-negotiate.c \
	%D%/api-options.c \
	%D%/api-pod.c \
	%D%/api-print.c \
	%D%/api-read.c \
	%D%/api-remote.c \
	%D%/api-time.c \
	%D%/api-world.c \
	%D%/api-write.c \
	%D%/kubeconfig-write.c %D%/kubeconfig-write.h \
	%D%/podlog.c %D%/podlog.h \
	%D%/protobuf.c %D%/protobuf.h \
	%D%/query.c %D%/query.h \
	%D%/remote.c %D%/remote.h %D%/remote-private.h \
	%D%/remote-exec.c \
	%D%/remote-forward.c \
	%D%/remote-link.c \
	%D%/route.c %D%/route.h \
	%D%/server.c %D%/server.h %D%/server-private.h \
	%D%/server-exchange.c \
	%D%/server-guard.c \
	%D%/server-log.c \
	%D%/server-stream.c \
	%D%/server-upgrade.c \
	%D%/spdy.c %D%/spdy.h \
	%D%/spdy-block.c %D%/spdy-block.h \
	%D%/status.c %D%/status.h \
	%D%/tls.c %D%/tls.h \
	%D%/text-check.c %D%/text-check.h \
	%D%/token.c %D%/token.h \
	%D%/watch.c %D%/watch.h %D%/watch-private.h \
	base/allocation.c base/allocation.h \
	net/exec-frame.c net/exec-frame.h \
	net/http-head.c net/http-head.h
libapiserver_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
libapiserver_la_LIBADD = libtypes.la liblocal-store.la liblocal.la libkube.la libbase.la $(MHD_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lgnutls

# the command
bin_PROGRAMS += agent-sandbox-local
agent_sandbox_local_SOURCES = %D%/main.c core/tidy.c core/tidy.h
agent_sandbox_local_LDADD = libup.la

# What its commands are made of, for the tests too.
noinst_LTLIBRARIES += libup.la
libup_la_SOURCES = \
	%D%/apply.c %D%/apply.h \
	%D%/ask.c %D%/ask.h \
	%D%/instance.c %D%/instance.h \
	%D%/mirror.c %D%/mirror.h \
	%D%/options.c %D%/options.h \
	%D%/peek.c %D%/peek.h \
	%D%/serving.c %D%/serving.h \
	%D%/state-folder.c %D%/state-folder.h \
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

# What a server needs beside the objects: the simulation and the fake host do without.
noinst_LTLIBRARIES += liblocal-store.la
liblocal_store_la_SOURCES = \
	%D%/event-shape.c %D%/event-shape.h \
	%D%/list.c %D%/list.h \
	%D%/namespace.c %D%/namespace.h \
	%D%/requests.c %D%/requests.h \
	%D%/scale.c %D%/scale.h \
	%D%/selector.c %D%/selector.h %D%/selector-private.h \
	%D%/selector-parse.c \
	%D%/storage.c %D%/storage.h %D%/storage-private.h \
	%D%/storage-check.c \
	%D%/storage-write.c \
	%D%/strategic.c %D%/strategic.h \
	%D%/strategic-keys.c %D%/strategic-keys.h \
	%D%/strategic-directive.c %D%/strategic-directive.h \
	%D%/strategic-list.c %D%/strategic-list.h \
	%D%/subresource.c %D%/subresource.h \
	%D%/watch-next.c
liblocal_store_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(ZLIB_CFLAGS)
liblocal_store_la_LIBADD = $(SQLITE_LIBS) $(ZLIB_LIBS)


# What kinds are: the table of kinds, schemas, defaults, validation, discovery, tables.
noinst_LTLIBRARIES += libtypes.la
libtypes_la_SOURCES = \
	%D%/crd.c \
	%D%/crd-defaults.c \
	%D%/crd-validate.c \
	%D%/defaults.c \
	%D%/discovery.c %D%/discovery.h \
	%D%/jsonpath.c %D%/jsonpath.h \
	%D%/openapi.c \
	%D%/pod-admit.c \
	%D%/pod-container.c \
	%D%/pod-defaults.c \
	%D%/pod-probe.c \
	%D%/pod-update.c \
	%D%/pod-validate.c %D%/pod-private.h \
	%D%/pod-volume.c \
	%D%/schema.c %D%/schema.h %D%/schema-private.h \
	%D%/schema-check.c \
	%D%/schema-fill.c \
	%D%/schema-format.c \
	%D%/effort.h \
	%D%/schema-validate.c \
	%D%/service-defaults.c \
	%D%/service-validate.c \
	%D%/table.c %D%/table.h %D%/table-private.h \
	%D%/table-cells.c \
	%D%/table-pod.c \
	%D%/types.c %D%/types.h %D%/types-private.h \
	%D%/types-admit.c \
	%D%/types-builtin.c \
	%D%/validate.c %D%/validate.h \
	%D%/validate-kinds.c \
	%D%/validate-meta.c %D%/validate-meta.h \
	%D%/validate-name.c %D%/validate-name.h \
	%D%/validate-quantity.c %D%/validate-quantity.h
libtypes_la_LIBADD = libpattern.la $(RE2_LIBS) -lstdc++

# Patterns of schemas: RE2 is in C++, and so is what calls it.
noinst_LTLIBRARIES += libpattern.la
libpattern_la_SOURCES = %D%/schema-pattern.cc %D%/schema-pattern.h
libpattern_la_CXXFLAGS = $(HARDEN_CFLAGS) $(AM_CXXFLAGS) $(RE2_CFLAGS)

