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
