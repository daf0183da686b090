#!/bin/bash
# Runs the whole test-suite built with a sanitizer, and the program on 1 and 3
# ranks among it: every program that the tests start is built the same way. The
# last line counts the tests. Left away are the tests that weigh the memory of a
# run, of which a sanitizer takes its own share.
#
#   jobs/sanitize.sh address|undefined|thread [FILTER]
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizer=${1:?address, undefined or thread}
. jobs/setup.sh ompi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Foundation copies directory entries at their largest size, however short they
# are, before the tests start a process.
echo interceptor_via_lib:libFoundation > "$folder/address"
# Else oneTBB loads a library with RTLD_DEEPBIND, which AddressSanitizer refuses.
export TBB_ENABLE_SANITIZERS=1
export ASAN_OPTIONS=detect_leaks=0:exitcode=99:suppressions=$folder/address
export UBSAN_OPTIONS=halt_on_error=1:exitcode=99:print_stacktrace=1
# What is not built here has no part in a finding: MPI and its helpers, OpenVINO. A
# rank that ends a job is gone at once, not after the second that is the default.
export TSAN_OPTIONS=exitcode=99:ignore_noninstrumented_modules=1:atexit_sleep_ms=0
export PIADM_TEST_PATIENCE=10
# More ranks than cores: one that waits lets others run.
export OMPI_MCA_mpi_yield_when_idle=1

build=.build-$sanitizer
case $sanitizer in
  undefined)
    # Swift has no such sanitizer, since it checks by itself, but for unsafe memory
    # in optimised code, which it is told to do here. What clang reads is C.
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
