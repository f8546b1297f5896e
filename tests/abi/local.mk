# SPDX-License-Identifier: Apache-2.0
# The plugin ABI: its layout, its headers in other languages, and plugins good and bad for tests/unit/core/controller/test-plugin-load.
abi_fixtures = \
	%D%/good.la \
	%D%/major.la \
	%D%/magic.la \
	%D%/minor.la \
	%D%/no-description.la \
	%D%/no-entry.la \
	%D%/no-symbol.la \
	%D%/older.la \
	%D%/same-kind.la \
	%D%/same-name.la \
	%D%/second.la \
	%D%/soname.la
check_LTLIBRARIES += $(abi_fixtures)
abi_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_abi_good_la_SOURCES = %D%/fixture.c
tests_abi_good_la_LDFLAGS = $(abi_ldflags)
tests_abi_major_la_SOURCES = %D%/fixture.c
tests_abi_major_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_MAJOR=1 -DFIXTURE_MINOR=0
tests_abi_major_la_LDFLAGS = $(abi_ldflags)
tests_abi_magic_la_SOURCES = %D%/fixture.c
tests_abi_magic_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_MAGIC=0xabad1deau
tests_abi_magic_la_LDFLAGS = $(abi_ldflags)
tests_abi_minor_la_SOURCES = %D%/fixture.c
tests_abi_minor_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_MINOR=99
tests_abi_minor_la_LDFLAGS = $(abi_ldflags)
tests_abi_no_description_la_SOURCES = %D%/fixture.c
tests_abi_no_description_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_NO_DESCRIPTION
tests_abi_no_description_la_CFLAGS = $(AM_CFLAGS) -Wno-unused
tests_abi_no_description_la_LDFLAGS = $(abi_ldflags)
tests_abi_no_entry_la_SOURCES = %D%/fixture.c
tests_abi_no_entry_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_NO_ENTRY
tests_abi_no_entry_la_LDFLAGS = $(abi_ldflags)
tests_abi_no_symbol_la_SOURCES = %D%/fixture.c
tests_abi_no_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_MISSING_SYMBOL
tests_abi_no_symbol_la_LDFLAGS = $(abi_ldflags)
tests_abi_older_la_SOURCES = %D%/older.c
tests_abi_older_la_LDFLAGS = $(abi_ldflags)
tests_abi_same_kind_la_SOURCES = %D%/fixture.c
tests_abi_same_kind_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_NAME='"same-kind"'
tests_abi_same_kind_la_LDFLAGS = $(abi_ldflags)
tests_abi_same_name_la_SOURCES = %D%/fixture.c
tests_abi_same_name_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_KIND='"Other"'
tests_abi_same_name_la_LDFLAGS = $(abi_ldflags)
tests_abi_second_la_SOURCES = %D%/fixture.c
tests_abi_second_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_NAME='"second"' -DFIXTURE_KIND='"Second"'
tests_abi_second_la_LDFLAGS = $(abi_ldflags)
tests_abi_soname_la_SOURCES = %D%/fixture.c
tests_abi_soname_la_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_SONAME='"libjson-c.so.99"'
tests_abi_soname_la_LDFLAGS = $(abi_ldflags)

# Third parties have the installed headers and nothing else.
check_PROGRAMS += %D%/c99 %D%/layout
TESTS += %D%/c99 %D%/layout %D%/headers.sh
EXTRA_DIST += %D%/headers.sh %D%/cplusplus.cc
tests_abi_c99_SOURCES = %D%/c99.c
tests_abi_c99_CPPFLAGS = -I$(top_srcdir)/include
tests_abi_c99_CFLAGS = -std=c99 -Wpedantic $(WARN_CFLAGS) $(SAN_CFLAGS) $(JSONC_CFLAGS)
tests_abi_c99_LDADD = $(JSONC_LIBS)
tests_abi_layout_SOURCES = %D%/layout.c
