# SPDX-License-Identifier: Apache-2.0
# Programs that measure; built only by name: make bench/claim-load bench/store-scale.
EXTRA_PROGRAMS += %D%/claim-load

bench_claim_load_SOURCES = %D%/claim-load.c %D%/load-script.c %D%/load-script.h %D%/load-watch.c %D%/load-watch.h
bench_claim_load_CFLAGS = $(AM_CFLAGS)
bench_claim_load_LDADD = libcore.la $(JSONC_LIBS)

EXTRA_DIST += %D%/README.md %D%/claims.py %D%/run.py %D%/world.py
