#!/bin/bash
# Runs the test suite with a sanitizer. Every program that the tests start is built
# with it too, including the program on 1 and 3 ranks. The last line counts the tests.
# The tests of a run's memory are omitted, because a sanitizer uses memory itself.
#
#   jobs/sanitize.sh address|undefined|thread [FILTER]
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizer=${1:?address, undefined or thread}
. jobs/setup.sh ompi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Foundation copies directory entries with their maximum size, also short ones, before
# the tests start a process.
echo interceptor_via_lib:libFoundation > "$folder/address"
# Without this oneTBB loads a library with RTLD_DEEPBIND, which AddressSanitizer refuses.
export TBB_ENABLE_SANITIZERS=1
export ASAN_OPTIONS=detect_leaks=0:exitcode=99:suppressions=$folder/address
export UBSAN_OPTIONS=halt_on_error=1:exitcode=99:print_stacktrace=1
# Libraries that are not built here (MPI and its helpers, OpenVINO) are ignored. A rank
# that ends a job exits at once, and not after the default of one second.
export TSAN_OPTIONS=exitcode=99:ignore_noninstrumented_modules=1:atexit_sleep_ms=0
export PIADM_TEST_PATIENCE=10
# More ranks than cores: a waiting rank yields its core.
export OMPI_MCA_mpi_yield_when_idle=1

build=.build-$sanitizer
case $sanitizer in
  undefined)
    # Swift has no such sanitizer, since it checks by itself. Only in optimised code does
    # it omit the checks of unsafe memory; the option Debug enables them. The -Xcc options
    # apply to the C code.
    runtime=$(find "$(clang --print-resource-dir)" -name "libclang_rt.ubsan_standalone-$(uname -m).a")
    options=(
      -Xswiftc -assert-config -Xswiftc Debug
      -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined -Xlinker "$runtime"
    ) ;;
  *) options=(--sanitize="$sanitizer") ;;
esac
selection=(--skip MemoryOfRuns --skip 'LargeNetworks/memory')
[[ -n ${2:-} ]] && selection=(--filter "$2")
swift build -c release --build-tests "${options[@]}" --scratch-path "$build"
swift test -c release --skip-build --disable-xctest "${options[@]}" --scratch-path "$build" "${selection[@]}"
