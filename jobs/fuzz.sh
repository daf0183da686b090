#!/bin/bash
# Looks for bytes that a reader cannot take, by the toolchain's libFuzzer with
# AddressSanitizer, from the kept corpora. A finding is left in
# results/fuzz/READER; keep it in Tests/Fuzzing/Corpora once it is mended. The
# last line counts the readers.
#
#   jobs/fuzz.sh [SECONDS [READER...]]     60 s for each reader
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh ompi
seconds=${1:-60}
readers=("${@:2}")
((${#readers[@]})) || mapfile -t readers < <(ls Tests/Fuzzing/Corpora)

# Of several -sanitize the Swift compiler takes the last alone, so that it gets
# one with both: without the fuzzer's counters the search is blind. libFuzzer
# brings a main of its own, which comes first.
swift build --product ReadersUnderFuzz --scratch-path .build-fuzz \
  --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=address,fuzzer \
  -Xlinker --allow-multiple-definition

passed=0 failed=0
for reader in "${readers[@]}"; do
  found=results/fuzz/$reader
  mkdir -p "$found"
  # Found inputs go to the first folder, the kept ones are read only. Memory
  # that the process never gives back is not looked for.
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
