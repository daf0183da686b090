#!/bin/bash
# Sets up as quickstart.sh does, builds everything once and runs all tests; the
# last line counts them.
#
#   jobs/test.sh [ompi|mpich]
set -euo pipefail
cd "$(dirname "$0")/.."

test_packages=(shellcheck iproute2)
# Their packages start services, which a person's machine is spared; the tests of
# the job files tell how to install them.
[[ ${CI:-} != true ]] || test_packages+=(slurm-wlm munge)
. jobs/setup.sh "${1:-ompi}" "${test_packages[@]}"

# Optimized, as the program is: one build serves both.
swift build -c release --build-tests --scratch-path "$build_folder"
swift test -c release --skip-build --disable-xctest --scratch-path "$build_folder"
