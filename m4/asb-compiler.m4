# SPDX-License-Identifier: Apache-2.0
# ASB_WARNINGS: --enable-werror, and the warnings this project keeps at zero, in WARN_CFLAGS.
AC_DEFUN([ASB_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [make compiler warnings errors (for developers and CI)])],
    [], [enable_werror=no])
  WARN_CFLAGS=
  for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
      -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wnull-dereference \
      -Wcast-qual -Wno-missing-field-initializers -Wno-format-truncation; do
    AX_ASB_TRY_CFLAG([$flag], [WARN_CFLAGS="$WARN_CFLAGS $flag"])
  done
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

# AX_ASB_TRY_CFLAG(FLAG, IF-TAKEN): whether the compiler takes a flag.
AC_DEFUN([AX_ASB_TRY_CFLAG], [
  asb_save_cflags=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [asb_taken=yes], [asb_taken=no])
  CFLAGS=$asb_save_cflags
  AS_IF([test $asb_taken = yes], [$2])
])

# ASB_SANITIZERS: --enable-sanitizers[=address|thread], flags in SAN_CFLAGS.
AC_DEFUN([ASB_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers@<:@=address|thread@:>@],
      [build with ASan and UBSan (the default), or with TSan])],
    [], [enable_sanitizers=no])
  SAN_CFLAGS=
  AS_CASE([$enable_sanitizers],
    [no], [],
    [yes|address], [SAN_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"],
    [thread], [SAN_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer"],
    [AC_MSG_ERROR([--enable-sanitizers takes address or thread])])
  AC_SUBST([SAN_CFLAGS])
  AM_CONDITIONAL([SANITIZED], [test "x$enable_sanitizers" != xno])
])

# ASB_HARDENING: what makes a fault harder to use, in HARDEN_CFLAGS and HARDEN_LDFLAGS, by default. After
# ASB_SANITIZERS.
AC_DEFUN([ASB_HARDENING], [
  HARDEN_CFLAGS=
  for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection; do
    AX_ASB_TRY_CFLAG([$flag], [HARDEN_CFLAGS="$HARDEN_CFLAGS $flag"])
  done
  # The C library's checks need an optimised build; sanitizers have their own, and who has chosen a level
  # keeps it.
  asb_level=
  AS_IF([test "x$enable_sanitizers" = xno], [
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>
      #if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
      #error
      #endif
    ]], [])], [
      for level in 2 3; do
        AX_ASB_TRY_CFLAG([-D_FORTIFY_SOURCE=$level -include stdio.h], [asb_level=$level])
      done])])
  AS_IF([test "x$asb_level" != x], [HARDEN_CFLAGS="$HARDEN_CFLAGS -D_FORTIFY_SOURCE=$asb_level"])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS], ["-Wl,-z,relro -Wl,-z,now"])
])

# ASB_TRY_STATIC_PIE(IF-LINKED): whether a static program can be position-independent.
AC_DEFUN([ASB_TRY_STATIC_PIE], [
  asb_save_cflags=$CFLAGS
  CFLAGS="$CFLAGS -fPIE -static-pie"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [asb_taken=yes], [asb_taken=no])
  CFLAGS=$asb_save_cflags
  AS_IF([test $asb_taken = yes], [$1])
])
