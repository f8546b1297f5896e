# SPDX-License-Identifier: Apache-2.0
# Programs that measure; built only by name: make bench/claim-load bench/store-scale.
EXTRA_PROGRAMS += %D%/claim-load %D%/store-scale %D%/api-writes

bench_claim_load_SOURCES = %D%/claim-load.c %D%/load-script.c %D%/load-script.h %D%/load-watch.c %D%/load-watch.h
bench_claim_load_CFLAGS = $(AM_CFLAGS)
bench_claim_load_LDADD = libcore.la $(JSONC_LIBS)

bench_store_scale_SOURCES = %D%/store-scale.c %D%/scale-world.c %D%/scale-world.h
bench_store_scale_CFLAGS = $(AM_CFLAGS)
bench_store_scale_LDADD = libcore.la $(JSONC_LIBS)

EXTRA_DIST += %D%/README.md %D%/claims.py %D%/local-claims.py %D%/run.py %D%/world.py

bench_api_writes_SOURCES = %D%/api-writes.c
bench_api_writes_CFLAGS = $(AM_CFLAGS)
bench_api_writes_LDADD = librequests.la libobjects.la libkube.la libbase.la $(JSONC_LIBS)

EXTRA_PROGRAMS += %D%/spawn-floor
bench_spawn_floor_SOURCES = %D%/spawn-floor.c
bench_spawn_floor_LDADD = libbase.la
EXTRA_DIST += %D%/runtime.py %D%/runtime_fastapi.py
EXTRA_DIST += %D%/local-claims.py

# Real containers, from a claim to the first answer of a command.
EXTRA_DIST += %D%/first-instruction.py
