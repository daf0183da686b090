#!/bin/bash
# Runs the checks of the MPI library under AddressSanitizer with leak detection, and
# under ThreadSanitizer, on 1 and 3 ranks of Open MPI. The last line counts them.
#
#   jobs/sanitize-mpi.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh ompi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Suppresses the memory that Open MPI and the event loop of its PMIx thread still hold
# when the process ends. They never call Swift, so a leak of the Swift library has none
# of them in its call stack. Stacks are unwound completely to make this visible.
printf 'leak:%s\n' libmpi.so libopen-rte.so libopen-pal.so libevent_core > "$folder/leaks"
export LSAN_OPTIONS=suppressions=$folder/leaks:print_suppressions=0
# A small quarantine: one of the checks measures that memory is given back.
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:exitcode=99:quarantine_size_mb=4
export TSAN_OPTIONS=exitcode=99
# More ranks than cores: a waiting rank yields its core.
export OMPI_MCA_mpi_yield_when_idle=1

passed=0
failed=0
for sanitizer in address thread; do
  build=.build-$sanitizer
  swift build --product MPIChecks --sanitize="$sanitizer" --scratch-path "$build"
  for check in blocking non-blocking persistent request-sets probes collectives \
    communicators agreement refusals exact-sum files own-types operations exchanges \
    started-collectives grids nodes failures checked-collectives checked-exchanges \
    checked-started-collectives checked-grids checked-nodes checked-communicators checked-files \
    checked-overlap checked-differences; do
    for ranks in 1 3; do
      if timeout 120 "$MPIRUN" --oversubscribe --bind-to none -n "$ranks" \
        "$build/debug/MPIChecks" "$check" "$folder/file-$sanitizer-$check-$ranks" \
        >"$folder/log" 2>&1; then
        passed=$((passed + 1))
      else
        failed=$((failed + 1))
        echo "$sanitizer: $check on $ranks ranks failed" >&2
        cat "$folder/log" >&2
      fi
    done
  done
done
echo "$passed passed, $failed failed"
((failed == 0))
