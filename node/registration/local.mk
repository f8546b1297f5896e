# SPDX-License-Identifier: Apache-2.0
# The Node object: its addresses, capacity, status and lease.
libnode_la_SOURCES += \
	%D%/address.c %D%/address.h \
	%D%/node-status.c \
	%D%/registration.c %D%/registration.h
