# SPDX-License-Identifier: Apache-2.0
# Access to the API server: kubeconfig, credentials, exec plugins.
libcore_la_SOURCES += \
	%D%/api-connect.c %D%/api-connect.h \
	%D%/credentials.c \
	%D%/exec-credential.c %D%/exec-credential.h \
	%D%/exec-credential-spawn.c \
	%D%/kubeconfig.c %D%/kubeconfig.h \
	%D%/kubeconfig-cluster.c \
	%D%/kubeconfig-exec.c \
	%D%/kubeconfig-fields.c \
	%D%/kubeconfig-files.c \
	%D%/kubeconfig-private.h \
	%D%/kubeconfig-user.c
