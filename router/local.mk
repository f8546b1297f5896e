# SPDX-License-Identifier: Apache-2.0
# A library of its own, for the tests to link what the program is made of.
noinst_LTLIBRARIES += librouter.la
librouter_la_SOURCES = \
	%D%/commands.c %D%/commands.h \
	%D%/haproxy.c %D%/haproxy.h \
	%D%/haproxy-config.c %D%/haproxy-config.h \
	%D%/jail.c %D%/jail.h \
	%D%/options.c %D%/options.h \
	%D%/reconcile.c %D%/reconcile.h \
	%D%/route.c %D%/route.h \
	%D%/spans.c %D%/spans.h \
	%D%/table.c %D%/table.h \
	%D%/tokens.c %D%/tokens.h
nodist_librouter_la_SOURCES = %D%/haproxy-cfg.c %D%/wait-lua.c
librouter_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
librouter_la_LIBADD = libcore.la
EXTRA_DIST += %D%/haproxy.cfg.in %D%/wait.lua
CLEANFILES += $(nodist_librouter_la_SOURCES)

ROUTER_EMBED = $(AM_V_GEN)$(MKDIR_P) %D% && $(srcdir)/scripts/embed.sh
%D%/haproxy-cfg.c: $(srcdir)/%D%/haproxy.cfg.in $(srcdir)/scripts/embed.sh
	$(ROUTER_EMBED) router_haproxy_cfg $(srcdir)/%D%/haproxy.cfg.in >$@.new && mv $@.new $@
%D%/wait-lua.c: $(srcdir)/%D%/wait.lua $(srcdir)/scripts/embed.sh
	$(ROUTER_EMBED) router_wait_lua $(srcdir)/%D%/wait.lua >$@.new && mv $@.new $@

bin_PROGRAMS += agent-sandbox-router
agent_sandbox_router_SOURCES = %D%/main.c
agent_sandbox_router_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
agent_sandbox_router_LDADD = librouter.la
