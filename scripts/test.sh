#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds and tests everything on Debian 12. The last line is "N passed, M failed"; the status is 0 when M is 0.
#
#	scripts/test.sh quick   gcc, make check, and the static server in small images
#	scripts/test.sh [all]   the same, then ASan and UBSan, TSan (whole programs too), clang, make distcheck
#
# The contract suite is part of make check: it runs if $KUBEBUILDER_ASSETS names a directory with etcd, kube-apiserver and
# kube-controller-manager, and is skipped otherwise. Also read from the environment:
#	BUILD_DIR   where to build (build/ in the tree)
#	JOBS        how many jobs at a time (as many as there are processors)
#	SIM_SEEDS   how many worlds the simulation tries (1000; fewer under sanitizers and in distcheck)
set -u
cd "$(dirname "$0")/.." || exit 1
source=$PWD
mode=${1:-all}
build=${BUILD_DIR:-$source/build}
jobs=${JOBS:-$(nproc)}
passed=0
failed=0

case $mode in
all | quick) ;;
*)
	echo "usage: scripts/test.sh [quick | all]" >&2
	exit 2
	;;
esac

# ---- what must be installed ----

# missing PACKAGE...: the packages that are not installed, on one line. Programs installed in another way count as installed.
missing() {
	for package; do
		case $package in
		kubernetes-client) ! command -v kubectl >/dev/null || continue ;;
		python3-*) ! python3 -c "import ${package#python3-}" 2>/dev/null || continue ;;
		esac
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

# apt_install PACKAGE...: as root, or by sudo.
apt_install() {
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		sudo=$(command -v sudo) || {
			echo "test.sh: some packages are missing, and this user is not root and has no sudo; run as root: apt-get install $*" >&2
			return 1
		}
	fi
	echo "test.sh: apt-get${sudo:+, through sudo,} installs $*"
	$sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# The tools to build are required. Programs that only some suites use may be missing: the suites say what they skip.
# shellcheck disable=SC2046 # lists of words
install_packages() {
	command -v dpkg-query >/dev/null || return 0 # not Debian: configure says what it lacks
	more=
	[ "$mode" = quick ] || more='clang xz-utils'
	set -- $(missing $(scripts/packages.sh build) python3 $more)
	[ $# -eq 0 ] || apt_install "$@" || exit 1
	set -- $(missing $(scripts/packages.sh suites))
	[ $# -eq 0 ] || apt_install "$@" || echo "test.sh: going on without these packages: $*"
}

# ---- steps ----

# begin NAME [DIRECTORY]: begins a step, in a build directory of its own or that of another step. Its output goes to $log,
# and to $report what is printed at its end, in one piece: other steps run at the same time.
begin() {
	step=$1
	folder=$build/${2:-$1}
	log=$build/$1.log
	report=$build/$1.report
	began=$(date +%s)
	step_passed=0
	step_failed=0
	step_skipped=
	: >"$log" >"$report"
}

# finish STATUS: a step that failed without a failed test counts as one.
finish() {
	if [ "$1" -ne 0 ] && [ "$step_failed" -eq 0 ]; then
		step_failed=1
		{
			echo "   failed; this is the end of $log:"
			{ grep -E '^(FAIL|ERROR):|: error:' "$log"; tail -n 80 "$log"; } | sed 's/^/   | /'
		} >>"$report"
	fi
	passed=$((passed + step_passed))
	failed=$((failed + step_failed))
	echo "== $step: $step_passed passed, $step_failed failed${step_skipped:+, skipped:$step_skipped} ($(($(date +%s) - began)) s)" |
		cat - "$report"
}

# beside FUNCTION: begins it in a process of its own, with counts of its own that together() adds.
beside() {
	(
		passed=0
		failed=0
		"$1"
		echo "$passed $failed" >"$build/beside.counts"
	) &
	beside=$!
}

# together: waits for it. One that did not come to its end counts as a failed test.
together() {
	wait "$beside"
	read -r more_passed more_failed <"$build/beside.counts" || {
		more_passed=0
		more_failed=1
	}
	passed=$((passed + more_passed))
	failed=$((failed + more_failed))
}

quietly() {
	"$@" >>"$log" 2>&1
}

configure() {
	mkdir -p "$folder" || return 1
	(cd "$folder" && quietly "$source/configure" -q --enable-werror "$@")
}

make_here() {
	quietly make -s -C "$folder" -j"$jobs" "$@"
}

# tests_matching [-v] PATTERN: their names, on one line.
tests_matching() {
	# shellcheck disable=SC2016 # for make
	make -s --no-print-directory -C "$folder" --eval='print-tests: ; @echo $(TESTS)' print-tests |
		tr ' ' '\n' | grep -E "$@" | tr '\n' ' '
}

# run_tests [-v] PATTERN: builds everything, runs and counts the tests whose names match.
run_tests() {
	make_here check TESTS= || return 1
	tests=$(tests_matching "$@")
	for test in $tests; do
		rm -f "$folder/$test.log" "$folder/$test.trs"
	done
	make_here check-TESTS TESTS="$tests"
	status=$?
	for test in $tests; do
		count "$test"
	done
	return $status
}

# run_sanitized PATTERN: as run_tests. A report that a sanitizer makes of any program is a failure, whoever started it: a
# suite that kills or restarts its programs may not see how they ended.
run_sanitized() {
	reports=$folder/reports
	# A program that a suite runs as another user writes there too.
	rm -rf "$reports" && mkdir -p "$reports" && chmod 1777 "$reports" || return 1
	export ASAN_OPTIONS="log_path=$reports/asan" UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1"
	# At its end a node leaves a stop or a pull behind that is still in progress, with the thread that waits for it.
	export TSAN_OPTIONS="log_path=$reports/tsan:halt_on_error=1:report_thread_leaks=0"
	run_tests "$@"
	status=$?
	unset ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
	for found in "$reports"/*; do
		[ -s "$found" ] || continue
		step_failed=$((step_failed + 1))
		status=1
		{
			echo "   FAIL a sanitizer's report, $found:"
			head -n 60 "$found" | sed 's/^/   | /'
		} >>"$report"
	done
	return $status
}

# own_counts LOG: the cases that a test program counted itself: passed, then failed.
own_counts() {
	awk '
	/^[0-9]+ passed, [0-9]+ failed/ { passed += $1 - told_passed; failed += $3 - told_failed; told_passed = told_failed = 0 }
	/^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
	/^\[  FAILED  \] [0-9]+ test/ { failed += $4 }
	# unittest; a runner may sum it up once more in the line above.
	/^Ran [0-9]+ tests? in / { ran = $2 }
	/^(OK|FAILED)( \(|$)/ && ran {
		told_passed = ran
		told_failed = 0
		fields = split($0, field, /[^a-z0-9]+/)
		for (i = 2; i < fields; i++) {
			told_passed -= field[i] ~ /^(failures|errors|skipped)$/ ? field[i + 1] : 0
			told_failed += field[i] ~ /^(failures|errors)$/ ? field[i + 1] : 0
		}
		passed += told_passed
		failed += told_failed
		ran = 0
	}
	END { print passed + 0, failed + 0 }' "$1"
}

# count TEST: adds what automake says of it. A program that counts its cases counts as that many, any other as one.
count() {
	test=$1
	: >>"$folder/$test.log"
	result=$(sed -n 's/^:global-test-result: //p' "$folder/$test.trs" 2>/dev/null)
	# shellcheck disable=SC2046 # two numbers
	set -- $(own_counts "$folder/$test.log")
	case $result in
	PASS)
		[ $(($1 + $2)) -gt 0 ] || set -- 1 0
		;;
	SKIP)
		step_skipped="$step_skipped $test"
		;;
	*)
		[ "$2" -gt 0 ] || set -- "$1" 1
		{
			echo "   ${result:-NOT RUN} $test, what failed and the end of its log:"
			{ grep -E '^(not ok|(FAIL|ERROR): |\[  FAILED  \])' "$folder/$test.log"; tail -n 25 "$folder/$test.log"; } | sed 's/^/   | /'
		} >>"$report"
		;;
	esac
	step_passed=$((step_passed + $1))
	step_failed=$((step_failed + $2))
}

# ---- the builds ----

# The directories of the suites that run whole programs.
alone='contract|node|runtime|local|router|client|e2e|guides'

install_packages
mkdir -p "$build"
ccache=$(command -v ccache)
gcc="${ccache:+ccache }gcc"
clang="${ccache:+ccache }clang"

build_gcc() {
	begin autogen
	quietly ./autogen.sh
	finish $?

	begin gcc
	configure CC="$gcc" CFLAGS='-O2 -g' && run_tests -v "^tests/($alone)/"
	finish $?
}

# They mostly wait, so other builds go on beside them, but only one suite at a time runs the programs of one build.
run_suites() {
	jobs=1
	for suite in $(echo "$alone" | tr '|' ' '); do
		begin "$suite" gcc
		run_tests "^tests/$suite/"
		finish $?
	done

	# The server alone, as images get it; those with Python stand on what the suites have made.
	begin static
	configure --disable-controller --enable-static-runtime CC="$gcc" CFLAGS='-O2' && run_tests '^tests/runtime/images'
	finish $?
}

# whole_programs DIRECTORY SUITE...: suites that need no API server but local mode's, with the programs of a sanitizer's build.
# Of `local` those that ask the API server alone: the programs that `up` starts are waited for too long there. `router` starts
# them, with many claims and requests at a time.
whole_programs() {
	sanitizer=$1
	shift
	export LOCAL_MODULES='test_bad_input test_bounds test_connections test_lists test_parameters test_remote test_text'
	all_jobs=$jobs
	jobs=1
	for suite; do
		begin "$sanitizer-$suite" "$sanitizer"
		run_sanitized "^tests/$suite/$suite\.sh$"
		finish $?
	done
	jobs=$all_jobs
	unset LOCAL_MODULES
}

# What follows does not need the API server, and simulates fewer worlds.
build_others() {
	unset KUBEBUILDER_ASSETS
	export SIM_SEEDS="${SIM_SEEDS:-100}"

	begin asan
	configure --enable-sanitizers CC="$gcc" CFLAGS='-O1 -g' && run_sanitized '^tests/(unit|plugin|sim|fuzz)/'
	finish $?
	whole_programs asan runtime local router

	begin tsan
	configure --enable-sanitizers=thread CC="$gcc" CFLAGS='-O1 -g' && run_sanitized '^tests/unit/'
	finish $?
	whole_programs tsan runtime local

	begin clang
	configure CC="$clang" CFLAGS='-O1' && make_here check TESTS= && step_passed=1
	finish $?

	# The suites of whole programs have run in this very tree.
	begin distcheck gcc
	make_here distcheck VERBOSE=1 TESTS="$(tests_matching -v "^tests/($alone)/")" && step_passed=1
	finish $?
}

build_gcc
rm -f "$build/beside.counts"
beside run_suites
[ "$mode" = quick ] || build_others
together
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
