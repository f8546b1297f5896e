# SPDX-License-Identifier: Apache-2.0
# Autoconf's probes run `rm -f core ...` to remove core dumps; here core/ is a folder, so each probe would print an error and
# distcheck would fail. Run the macros that say so through a substitution. Must be included before AC_INIT.
m4_define([ASB_SPARE_CORE],
  [m4_ifdef([$1],
    [m4_define([$1], m4_bpatsubst(m4_dquote(m4_defn([$1])), [rm -f core ], [rm -f ]))])])
ASB_SPARE_CORE([_AC_INIT_PREPARE])
ASB_SPARE_CORE([_AC_COMPILE_IFELSE])
ASB_SPARE_CORE([_AC_LINK_IFELSE])
ASB_SPARE_CORE([_AC_RUN_IFELSE])
ASB_SPARE_CORE([_AM_PROG_CC_C_O])
