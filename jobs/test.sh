#!/bin/bash
# Sets up as quickstart.sh does, builds everything once and runs all tests; the
# last line counts them.
#
#   jobs/test.sh [ompi|mpich]
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh "${1:-ompi}"

# Optimized, as the program is: one build serves both.
swift build -c release --build-tests --scratch-path "$build_folder"
swift test -c release --skip-build --disable-xctest --scratch-path "$build_folder"
