#!/bin/bash
# Searches for inputs that crash a reader, with the toolchain's libFuzzer and
# AddressSanitizer, starting from the stored corpora. A finding is stored in
# results/fuzz/READER; move it to Tests/Fuzzing/Corpora when the fault is fixed.
# The last line counts the readers.
#
#   jobs/fuzz.sh [SECONDS [READER...]]     60 s for each reader
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh ompi
seconds=${1:-60}
readers=("${@:2}")
((${#readers[@]})) || mapfile -t readers < <(ls Tests/Fuzzing/Corpora)

# The Swift compiler uses only the last -sanitize option, so this option names both
# sanitizers: without the fuzzer's counters the search is blind. libFuzzer has its
# own main, which the linker takes first.
swift build --product ReadersUnderFuzz --scratch-path .build-fuzz \
  --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=address,fuzzer \
  -Xlinker --allow-multiple-definition

passed=0 failed=0
for reader in "${readers[@]}"; do
  found=results/fuzz/$reader
  mkdir -p "$found"
  # New inputs go to the first folder; the second folder, the stored corpus, is only
  # read. Leaks are not checked.
  if PIADM_FUZZ=$reader ASAN_OPTIONS=detect_leaks=0 .build-fuzz/debug/ReadersUnderFuzz \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "Tests/Fuzzing/Corpora/$reader" >"$found.log" 2>&1; then
    passed=$((passed + 1))
    echo "$reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs in $seconds s, no finding"
  else
    failed=$((failed + 1))
    echo "$reader: a finding; see $found.log" >&2
  fi
done
echo "$passed passed, $failed failed"
((failed == 0))
